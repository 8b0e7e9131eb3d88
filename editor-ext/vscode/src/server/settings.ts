// The settings as the server reads them. Few on purpose: there are no prompts and no sampling knobs here.

import { homedir } from "node:os";
import { workspace } from "vscode";
import { expandHome } from "./binary";
import { mostCareful } from "./execution";

export interface ServerOptions {
    readonly model: string;
    readonly execution: "off" | "literals" | "all";
    readonly hints: { readonly enabled: boolean };
    readonly budgetMs: number;
    readonly taskPool: { readonly enabled: boolean };
}

export function serverOptions(): ServerOptions {
    const settings = workspace.getConfiguration("azr");
    return {
        model: expandHome(settings.get("model", "").trim(), homedir()),
        execution: execution(),
        hints: { enabled: settings.get("hints.enabled", true) },
        budgetMs: settings.get("budgetMs", 5000),
        taskPool: { enabled: workspace.isTrusted && settings.get("taskPool.enabled", false) },
    };
}

/** One session serves all folders of the window: the most careful folder decides. Code of a workspace that is not trusted is never run. */
function execution(): ServerOptions["execution"] {
    const folders = [undefined, ...(workspace.workspaceFolders ?? []).map(({ uri }) => uri)];
    return mostCareful(workspace.isTrusted, folders.map((folder) => workspace.getConfiguration("azr", folder).get<string>("execution", "literals")));
}

export function binarySetting(): string {
    return workspace.getConfiguration("azr").get("server.path", "").trim();
}
