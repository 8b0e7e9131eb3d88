// The Reasoning view: holds the question in the making and the answers, asks the server, inserts and copies.

import type { TextEditor, Uri } from "vscode";
import { CancellationTokenSource, commands, env, window, workspace } from "vscode";
import type { Session } from "../server/session";
import { serverOptions } from "../server/settings";
import { REASONING } from "../webview/bodies";
import type { Entry, FromReasoning, ReasoningState } from "../webview/messages";
import { fromReasoning } from "../webview/messages";
import { ViewProvider } from "../webview/provider";
import { describeError, isAnswer, merge, readAnswer, readCandidates } from "./answer";
import type { Kind, Question } from "./question";
import { EMPTY, KINDS, missing, questionAt, questionOf, request, title } from "./question";

const MOST_ENTRIES = 50;

export class ReasoningView extends ViewProvider<ReasoningState> {
    private question: Question = EMPTY;
    private revision = 0;
    private entries: Entry[] = [];
    private notice = "";
    private nextId = 1;
    private readonly running = new Map<number, CancellationTokenSource>();
    /** The editor that answers are inserted into: the last one that had the focus. */
    private target: TextEditor | undefined = window.activeTextEditor;

    constructor(
        extension: Uri,
        private readonly session: Session,
    ) {
        super(extension, "azr.reasoning", { title: "AZR Reasoning", body: REASONING, script: "reasoning.js" });
        window.onDidChangeActiveTextEditor((editor) => (this.target = isFile(editor) ? editor : this.target));
    }

    protected state(): ReasoningState {
        return { question: this.question, revision: this.revision, entries: this.entries, notice: this.notice };
    }

    protected receive(message: unknown): void {
        const read: FromReasoning | undefined = fromReasoning(message);
        switch (read?.type) {
            case "edit":
                this.edit(read.field, read.value);
                break;
            case "ask":
                void this.ask();
                break;
            case "cancel":
                this.running.get(read.id)?.cancel();
                break;
            case "insert":
                void this.insert(read.text);
                break;
            case "copy":
                void env.clipboard.writeText(read.text);
                break;
            default:
                break;
        }
    }

    /** Fills in the question from an editor, and asks at once if it is complete. */
    async askAt(kind: Kind, editor: TextEditor | undefined): Promise<void> {
        if (editor !== undefined) {
            this.target = editor;
            const { document, selection } = editor;
            const { name, program, input, output } = this.question;
            const asked = questionAt(
                {
                    text: document.getText(),
                    firstLine: selection.start.line,
                    lastLine: selection.end.line,
                    selected: document.getText(selection),
                    file: workspace.asRelativePath(document.uri),
                },
                kind,
            );
            // Examples need no program; the one of the last question stays for the next.
            this.question = kind === "induce" ? { ...asked, name, program, input, output } : asked;
        } else {
            this.question = { ...this.question, kind };
        }
        await this.showQuestion();
        if (missing(this.question) === undefined && (kind !== "deduce" || this.question.input !== "")) await this.ask();
    }

    /** Asks what a lens or an action of the server asks. */
    async askWith(kind: Kind, asked: Record<string, unknown>, editor: TextEditor | undefined): Promise<void> {
        this.target = editor ?? this.target;
        this.question = questionOf(kind, asked, editor === undefined ? "" : workspace.asRelativePath(editor.document.uri));
        await this.showQuestion();
        await this.ask();
    }

    async showQuestion(): Promise<void> {
        this.revision += 1;
        this.notice = "";
        this.draw();
        await commands.executeCommand(`${this.id}.focus`);
    }

    cancelAll(): void {
        for (const source of this.running.values()) source.cancel();
    }

    clear(): void {
        this.entries = this.entries.filter(({ state }) => state === "running");
        this.draw();
    }

    private edit(field: Exclude<keyof Question, "origin">, value: string): void {
        if (field === "kind") {
            this.question = { ...this.question, kind: KINDS.find((kind) => kind === value) ?? "deduce" };
        } else {
            this.question = { ...this.question, [field]: value };
        }
    }

    private async ask(): Promise<void> {
        const { question } = this;
        this.notice = missing(question) ?? "";
        if (this.notice !== "") {
            this.draw();
            return;
        }
        const id = this.nextId++;
        const cancel = new CancellationTokenSource();
        this.running.set(id, cancel);
        const entry: Entry = { id, title: title(question), kind: question.kind, origin: question.origin, state: "running", parts: [], answer: undefined, error: "" };
        this.entries = [entry, ...this.entries].slice(0, MOST_ENTRIES);
        this.draw();
        const { method, params } = request(question, { ms: serverOptions().budgetMs });
        try {
            const result = await this.session.ask(method, params, cancel.token, (part) => {
                const known = this.entries.find((each) => each.id === id);
                if (known?.state !== "running") return;
                const answer = isAnswer(part) ? readAnswer(question.kind, part) : known.answer;
                this.update(id, { answer, parts: merge(known.parts, readCandidates(question.kind, part)) });
            });
            this.update(id, { state: "done", answer: readAnswer(question.kind, result) });
        } catch (error) {
            if (cancel.token.isCancellationRequested) this.update(id, { state: "cancelled" });
            else this.update(id, { state: "failed", error: describeError(error) });
        } finally {
            this.running.delete(id);
            cancel.dispose();
        }
    }

    private update(id: number, change: Partial<Entry>): void {
        this.entries = this.entries.map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
        this.draw();
    }

    private async insert(text: string): Promise<void> {
        const shown = window.visibleTextEditors.find((each) => each.document === this.target?.document) ?? window.activeTextEditor;
        const editor = isFile(shown) ? shown : window.visibleTextEditors.find(isFile);
        // Behind what is selected: the examples that a question came from stay.
        const done = await editor?.edit((edit) => edit.insert(editor.selection.end, text));
        if (editor === undefined || done !== true) {
            this.notice = editor === undefined ? "Open a file to insert into." : "The editor did not take the text.";
            this.draw();
            return;
        }
        await window.showTextDocument(editor.document, editor.viewColumn);
    }
}

/** Logs and the like are shown in editors, too. */
function isFile(editor: TextEditor | undefined): editor is TextEditor {
    return editor !== undefined && ["file", "untitled"].includes(editor.document.uri.scheme);
}
