// The extension: a thin client of the daemon. What it shows comes from there; it decides nothing about code.

import { commands, type ExtensionContext, languages, window, workspace } from "vscode";
import { describeError, fields } from "./reasoning/answer";
import { KINDS, type Kind } from "./reasoning/question";
import { ReasoningView } from "./reasoning/reasoningView";
import { SelfPlayView } from "./selfplay/selfPlayView";
import type { Problem } from "./server/session";
import { Session } from "./server/session";
import { registerSessionCommands } from "./status/commands";
import { statusItem } from "./status/statusItem";

export function activate(context: ExtensionContext): void {
    const log = window.createOutputChannel("AZR");
    const session: Session = new Session(log, (command, arguments_, next): unknown => {
        const kind = KINDS.find((each) => command === `azr.${each}`);
        if (kind === undefined) return next(command, arguments_);
        // A lens or an action that asks: the answer belongs into the view.
        return reasoning.askWith(kind, fields(arguments_[0]), pythonEditor());
    });
    const reasoning = new ReasoningView(context.extensionUri, session);
    const selfPlay = new SelfPlayView(context.extensionUri, session);
    const ask = (kind: Kind): Promise<void> => reasoning.askAt(kind, pythonEditor());

    const add = (command: string, work: (...arguments_: unknown[]) => unknown): void => {
        context.subscriptions.push(commands.registerCommand(command, work));
    };
    for (const kind of KINDS) add(`azr.ask.${kind}`, () => ask(kind));
    add("azr.view.reasoning", () => reasoning.showQuestion());
    add("azr.view.selfPlay", () => commands.executeCommand("azr.selfPlay.focus"));
    add("azr.reasoning.clear", () => reasoning.clear());
    add("azr.reasoning.cancel", () => reasoning.cancelAll());
    add("azr.selfPlay.start", () => selfPlay.start());
    add("azr.selfPlay.stop", () => selfPlay.stop());
    registerSessionCommands(context, session);

    context.subscriptions.push(
        log,
        session,
        reasoning,
        selfPlay,
        statusItem(session),
        session.onProblem((problem) => void showProblem(problem, session)),
        workspace.onDidGrantWorkspaceTrust(() => applySettings(session, false)),
        workspace.onDidChangeConfiguration((change) => {
            if (change.affectsConfiguration("azr")) applySettings(session, change.affectsConfiguration("azr.server.path"));
        }),
    );
    void session.start().catch((error: unknown) => log.appendLine(describeError(error)));
}

function applySettings(session: Session, otherProgram: boolean): void {
    const applied = otherProgram ? session.restart() : session.sendSettings();
    applied.catch((error: unknown) => session.log.appendLine(describeError(error)));
}

/** The editor that a question is about: the active one, else the visible one, if it shows Python. */
function pythonEditor(): ReturnType<typeof activeEditor> {
    const active = activeEditor();
    if (active !== undefined) return active;
    return window.visibleTextEditors.find(({ document }) => languages.match({ language: "python" }, document) > 0);
}

function activeEditor(): typeof window.activeTextEditor {
    const editor = window.activeTextEditor;
    return editor !== undefined && languages.match({ language: "python" }, editor.document) > 0 ? editor : undefined;
}

/** One message, with what to do about it. */
async function showProblem(problem: Problem, session: Session): Promise<void> {
    const fix = problem.fix === "settings" ? "Open Settings" : "Restart";
    const chosen = await window.showErrorMessage(problem.message, fix, "Show Log");
    if (chosen === "Show Log") session.log.show(true);
    else if (chosen === "Restart") await session.restart();
    else if (chosen === "Open Settings") await commands.executeCommand("workbench.action.openSettings", "azr.server.path");
}
