"""Edge cases of the protocol, by another implementation of it (pygls): lsp_driver.py AZR [ARGUMENT...].

Replies are read into the types of lsprotocol, which refuse what the protocol does not allow.
"""

import asyncio
import sys

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from checks import Checks

command = sys.argv[1:]
checks = Checks()
URI = "file:///project/edge.py"
PATIENCE_S = 60
# A character of two UTF-16 units stands before the calls of the last lines.
TEXT = """def f(a):
    return a * 2


def spin(n):
    while True:
        n += 1


assert f(2) == 5
s = "\U0001f600"; x = f(21)
s = "e\u0301\U0001f468\u200d\U0001f469"; y = f(4)  # -> 9
"""
ENDLESS = "def spin(n):\n    while True:\n        n += 1\n"


async def soon(what, awaitable):
    try:
        return await asyncio.wait_for(awaitable, PATIENCE_S)
    except asyncio.TimeoutError:
        checks.that(f"{what} in time", False)
        raise


async def refused(what, code, awaitable):
    try:
        value = await soon(what, awaitable)
    except JsonRpcException as error:
        checks.that(what, error.code == code, (error.code, error.message))
    else:
        checks.that(what, False, value)


def at(needle, units):
    """Line and column of a text, in code units of one encoding."""
    before = TEXT[: TEXT.index(needle)]
    line = before.rsplit("\n", 1)[-1]
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[units]
    return t.Position(before.count("\n"), len(line.encode(units + ("-le" if size > 1 else ""))) // size)


class Editor:
    def __init__(self):
        self.client = LanguageClient("edge", "1")
        self.diagnostics = {}
        self.progress = []
        self.news = asyncio.Event()

        @self.client.feature(t.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: t.PublishDiagnosticsParams):
            self.diagnostics[(params.uri, params.version)] = params.diagnostics
            self.news.set()

        @self.client.feature(t.PROGRESS)
        def _(params: t.ProgressParams):
            self.progress.append(params)

        @self.client.feature("azr/statusChanged")
        def _(params):
            self.status = params

    async def start(self):
        await self.client.start_io(*command)

    async def initialize(self, encodings=None, options=None):
        general = t.GeneralClientCapabilities(position_encodings=encodings) if encodings else None
        document = t.TextDocumentClientCapabilities(hover=t.HoverClientCapabilities(content_format=[t.MarkupKind.PlainText]))
        capabilities = t.ClientCapabilities(general=general, text_document=document)
        params = t.InitializeParams(capabilities=capabilities, process_id=None, root_uri=None, initialization_options=options)
        result = await soon("initialize", self.client.initialize_async(params))
        self.client.initialized(t.InitializedParams())
        return result

    def open(self, uri=URI, text=TEXT, version=1):
        self.client.text_document_did_open(t.DidOpenTextDocumentParams(t.TextDocumentItem(uri, "python", version, text)))

    def change(self, version, *changes):
        self.client.text_document_did_change(t.DidChangeTextDocumentParams(t.VersionedTextDocumentIdentifier(version=version, uri=URI), list(changes)))

    async def hover(self, position, uri=URI):
        hover = await soon("hover", self.client.text_document_hover_async(t.HoverParams(t.TextDocumentIdentifier(uri), position)))
        return "" if hover is None else hover.contents.value

    async def told(self, version):
        for _ in range(PATIENCE_S * 20):
            if (URI, version) in self.diagnostics:
                return self.diagnostics[(URI, version)]
            await asyncio.sleep(0.05)
        checks.that(f"diagnostics of version {version}", False, self.diagnostics)
        return []

    async def end(self, what):
        await soon("shutdown", self.client.shutdown_async(None))
        await refused("a request after shutdown is refused", -32600, self.client.text_document_hover_async(t.HoverParams(t.TextDocumentIdentifier(URI), t.Position(0, 0))))
        self.client.exit(None)
        code = await soon("exit", self.client._server.wait())
        checks.that(f"{what}: it ends with code 0", code == 0, code)
        await self.client.stop()


async def encodings():
    for encoding, offered in [("utf-16", None), ("utf-16", ["utf-16"]), ("utf-8", ["utf-16", "utf-8"]), ("utf-32", ["utf-32"]), ("utf-16", ["utf-7"])]:
        editor = Editor()
        await editor.start()
        result = await editor.initialize(encodings=offered)
        chosen = result.capabilities.position_encoding
        # The server may prefer any of those offered; UTF-16 is what counts where nothing fits.
        checks.that(f"{offered} gives an encoding that was offered", chosen in (offered or ["utf-16"]) or chosen == "utf-16", chosen)
        editor.open()
        text = await editor.hover(at("f(21)", chosen))
        checks.that(f"{chosen}: a call behind a character of two units is found", "42" in text, text)
        text = await editor.hover(at("f(4)", chosen))
        checks.that(f"{chosen}: a call behind a joined character is found", "8" in text and "9" in text, text)
        found = await editor.told(1)
        starts = sorted((one.range.start.line, one.range.start.character) for one in found)
        place = at("f(4)", chosen)
        expected = place.character + len("f(4)  # -> ")
        checks.that(f"{chosen}: diagnostics stand at the claimed values", [line for line, _ in starts] == [9, 11] and starts[1][1] in (place.character, expected), starts)
        await editor.end(chosen)


async def documents(editor):
    editor.change(9, t.TextDocumentContentChangePartial(range=t.Range(t.Position(9, 13), t.Position(9, 14)), text="x"))
    editor.client.text_document_did_close(t.DidCloseTextDocumentParams(t.TextDocumentIdentifier("file:///never/opened.py")))
    checks.that("a document that is not open has no hover", await editor.hover(t.Position(0, 0)) == "")
    editor.open()
    editor.open(version=2)
    checks.that("a document opened twice is the second one", "42" in await editor.hover(at("f(21)", "utf-16")))
    beyond = t.Range(t.Position(400, 0), t.Position(2_000_000_000, 7))
    editor.change(3, t.TextDocumentContentChangePartial(range=beyond, text="z = f(5)\n"))
    lines = TEXT.count("\n")
    checks.that("a change beyond the end is one at the end", "10" in await editor.hover(t.Position(lines, 4)))
    first = t.Range(t.Position(0, 0), t.Position(0, 0))
    many = [t.TextDocumentContentChangePartial(range=first, text="# a line\n") for _ in range(50)]
    editor.change(4, *many)
    checks.that("changes of one message apply in turn", "10" in await editor.hover(t.Position(lines + 50, 4)))
    editor.change(5, t.TextDocumentContentChangeWholeDocument("x = (((\ndef f(a): return a\nf(3)\n"))
    await editor.told(5)
    editor.change(6, t.TextDocumentContentChangeWholeDocument(""))
    checks.that("an empty document has nothing", await editor.hover(t.Position(0, 0)) == "")
    editor.change(7, t.TextDocumentContentChangeWholeDocument("\r\n".join(["def g(a):", "    return a", "", "g(7)", ""])))
    checks.that("lines may end with carriage returns", "7" in await editor.hover(t.Position(3, 0)))
    editor.change(8, t.TextDocumentContentChangeWholeDocument(TEXT))
    for uri in ["untitled:Untitled-1", "file:///with%20space/%C3%A9.py", "azr:///x?y#z"]:
        editor.open(uri=uri)
        checks.that(f"{uri} is a document like others", "42" in await editor.hover(at("f(21)", "utf-16"), uri))
        editor.client.text_document_did_close(t.DidCloseTextDocumentParams(t.TextDocumentIdentifier(uri)))
        checks.that(f"{uri} is forgotten when it is closed", await editor.hover(at("f(21)", "utf-16"), uri) == "")


async def features(editor):
    document = t.TextDocumentIdentifier(URI)
    everything = t.Range(t.Position(0, 0), t.Position(99, 0))
    hints = await soon("hints", editor.client.text_document_inlay_hint_async(t.InlayHintParams(document, everything)))
    checks.that("hints are of the protocol's type", [type(hint.label) for hint in hints] == [str] * 3, hints)
    lenses = await soon("lenses", editor.client.text_document_code_lens_async(t.CodeLensParams(document)))
    lens = await soon("a lens", editor.client.code_lens_resolve_async(lenses[0]))
    checks.that("a lens resolves to a command", lens.command is not None and lens.command.command.startswith("azr."), lens)
    diagnostics = await editor.told(8)
    context = t.CodeActionContext(diagnostics=diagnostics)
    actions = await soon("actions", editor.client.text_document_code_action_async(t.CodeActionParams(document, diagnostics[0].range, context)))
    fixes = [action for action in actions if getattr(action, "kind", None) == t.CodeActionKind.QuickFix]
    checks.that("a fix replaces the value", [edit.new_text for fix in fixes for edit in fix.edit.changes[URI]] == ["4"], fixes)
    params = t.ExecuteCommandParams(command=lens.command.command, arguments=lens.command.arguments, work_done_token="edge-1")
    await soon("a command", editor.client.workspace_execute_command_async(params))
    for _ in range(100):
        kinds = [one.value["kind"] if isinstance(one.value, dict) else one.value.kind for one in editor.progress if one.token == "edge-1"]
        if kinds == ["begin", "end"]:
            break
        await asyncio.sleep(0.05)
    checks.that("work is begun and ended in the progress", kinds == ["begin", "end"], editor.progress)


async def requests(editor):
    protocol = editor.client.protocol
    await refused("a method that is not there", -32601, protocol.send_request_async("azr/nothing", {}))
    await refused("a feature that was not announced", -32601, editor.client.text_document_rename_async(t.RenameParams(t.TextDocumentIdentifier(URI), t.Position(0, 0), "x")))
    await refused("parameters of another type", -32602, protocol.send_request_async("azr/execute", {"program": 3}))
    await refused("parameters that are missing", -32602, protocol.send_request_async("azr/execute", {"program": TEXT}))
    protocol.notify("azr/nothingAtAll", {})
    editor.client.set_trace(t.SetTraceParams(t.TraceValue.Off))
    status = await soon("status", protocol.send_request_async("azr/status", None))
    checks.that("parameters may be null", status is not None, status)
    slow = [protocol.send_request_async("azr/execute", {"program": ENDLESS, "input": "1", "seconds": 10}) for _ in range(8)]
    tasks = [asyncio.ensure_future(one) for one in slow]
    await asyncio.sleep(0.5)
    # Programs share the sandbox's threads, one a core, and wait for each other; what needs no program does not wait.
    status = await soon("a quick request", protocol.send_request_async("azr/status", {}))
    checks.that("a request that runs nothing passes eight programs", status is not None, status)
    ids = [number for number in list(protocol._request_futures)][-8:]
    for number in ids:
        protocol.notify("$/cancelRequest", t.CancelParams(number))
        protocol.notify("$/cancelRequest", t.CancelParams(number))
    protocol.notify("$/cancelRequest", t.CancelParams("never asked"))
    for task in tasks:
        await refused("a cancelled request is answered as one", -32800, task)


async def beginnings():
    editor = Editor()
    await editor.start()
    await refused("a request before initialize is refused", -32002, editor.client.protocol.send_request_async("azr/status", {}))
    await editor.initialize()
    await refused("initialize comes once", -32600, editor.client.initialize_async(t.InitializeParams(capabilities=t.ClientCapabilities())))
    editor.open()
    checks.that("the session goes on", "42" in await editor.hover(at("f(21)", "utf-16")))
    await editor.end("beginnings")
    editor = Editor()
    await editor.start()
    await editor.initialize()
    editor.client.exit(None)
    checks.that("exit without shutdown has code 1", await soon("exit", editor.client._server.wait()) == 1)
    await editor.client.stop()


async def main():
    await beginnings()
    await encodings()
    editor = Editor()
    await editor.start()
    await editor.initialize(options={"execution": "literals", "hints": {"enabled": True}, "unknown": [1, None]})
    await documents(editor)
    await features(editor)
    await requests(editor)
    await editor.end("the long session")


try:
    asyncio.run(main())
except Exception:
    checks.crashed()
checks.end()
