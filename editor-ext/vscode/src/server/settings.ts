// The settings as the server reads them. Few on purpose: there are no prompts and no sampling knobs here.

import { homedir } from "node:os";
import { workspace } from "vscode";
import { expandHome } from "./binary";

export interface ServerOptions {
    readonly model: string;
    readonly execution: "off" | "literals" | "all";
    readonly hints: { readonly enabled: boolean };
    readonly budgetMs: number;
    readonly taskPool: { readonly enabled: boolean };
}

export function serverOptions(): ServerOptions {
    const settings = workspace.getConfiguration("azr");
    const execution = settings.get<string>("execution", "literals");
    return {
        model: expandHome(settings.get("model", "").trim(), homedir()),
        // Code of a workspace that is not trusted is never run.
        execution: workspace.isTrusted && (execution === "all" || execution === "literals") ? execution : "off",
        hints: { enabled: settings.get("hints.enabled", true) },
        budgetMs: settings.get("budgetMs", 5000),
        taskPool: { enabled: workspace.isTrusted && settings.get("taskPool.enabled", false) },
    };
}

export function binarySetting(): string {
    return workspace.getConfiguration("azr").get("server.path", "").trim();
}
