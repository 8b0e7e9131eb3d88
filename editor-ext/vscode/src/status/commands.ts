// The commands on the session: menu, status, restart, stop, log, dashboard.

import { commands, env, type ExtensionContext, Uri, window } from "vscode";
import { describeError } from "../reasoning/answer";
import type { Session } from "../server/session";
import { statusLine } from "../server/status";
import { openDashboard } from "./dashboard";

export function registerSessionCommands(context: ExtensionContext, session: Session): void {
    const add = (name: string, work: () => unknown): void => {
        context.subscriptions.push(commands.registerCommand(`azr.session.${name}`, work));
    };
    add("menu", () => showMenu(session));
    add("status", () => showStatus(session));
    add("start", () => session.start());
    add("restart", () => session.restart());
    add("stop", () => session.stop());
    add("logs", () => showLog(session));
    add("stopDaemon", () => stopDaemon(session));
    add("cancel", async () => {
        await commands.executeCommand("azr.reasoning.cancel");
        if (session.connection === "running") await session.ask("workspace/executeCommand", { command: "azr.cancelAll", arguments: [] });
    });
    add("dashboard", () => openDashboard(session, (address) => env.openExternal(Uri.parse(address, true))));
}

async function showMenu(session: Session): Promise<void> {
    const running = session.connection === "running";
    const { details } = statusLine(session.connection, session.status, session.failure);
    const entries = [
        { label: "$(info) Status", description: details[0] ?? "", command: "azr.session.status" },
        { label: "$(comment-discussion) Reasoning", command: "azr.view.reasoning" },
        { label: "$(graph-line) Self-play", command: "azr.view.selfPlay" },
        { label: "$(browser) Open the dashboard", command: "azr.session.dashboard" },
        { label: "$(refresh) Restart", command: "azr.session.restart" },
        { label: "$(output) Log", command: "azr.session.logs" },
        running
            ? { label: "$(circle-slash) Stop", description: "in this window", command: "azr.session.stop" }
            : { label: "$(play) Start", command: "azr.session.start" },
        { label: "$(debug-disconnect) Stop the daemon", description: "for every window", command: "azr.session.stopDaemon" },
    ];
    const chosen = await window.showQuickPick(entries, { title: "AZR", placeHolder: details.join(" · ") });
    if (chosen !== undefined) await commands.executeCommand(chosen.command);
}

async function showStatus(session: Session): Promise<void> {
    let problem = "";
    if (session.connection === "running") {
        await session.refresh().catch((error: unknown) => (problem = ` (${describeError(error)})`));
    }
    const line = statusLine(session.connection, session.status, session.failure);
    session.log.appendLine(line.details.join("\n"));
    const chosen = await window.showInformationMessage(`${line.details.join(" · ")}${problem}`, "Show Log");
    if (chosen !== undefined) session.log.show(true);
}

/** The log of this window, and below it the last lines of the daemon's, which outlives the window. */
async function showLog(session: Session): Promise<void> {
    session.log.show(true);
    if (session.binary === "") return;
    const { code, output } = await session.command("daemon", "logs");
    if (code === 0 && output.trim() !== "") {
        session.log.appendLine(`--- azr daemon logs\n${output.trimEnd().split("\n").slice(-200).join("\n")}\n---`);
    }
}

async function stopDaemon(session: Session): Promise<void> {
    await session.stop();
    const { code, output } = await session.command("daemon", "stop");
    session.log.appendLine(output.trim());
    if (code !== 0) void window.showErrorMessage(`azr daemon stop: ${output.trim().slice(-500)}`);
}
