// The machine as `findBinary` sees it.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir, platform } from "node:os";
import type { Machine } from "./binary";

const PATIENCE_MS = 10_000;

export function thisMachine(): Machine {
    return {
        environmentPath: process.env["PATH"] ?? "",
        home: homedir(),
        windows: platform() === "win32",
        isProgram: async (path) => {
            try {
                await access(path, constants.X_OK);
                return (await stat(path)).isFile();
            } catch {
                return false;
            }
        },
        run,
    };
}

export function run(path: string, arguments_: readonly string[]): Promise<{ code: number | undefined; output: string }> {
    return new Promise((resolve) => {
        execFile(path, [...arguments_], { timeout: PATIENCE_MS, windowsHide: true }, (error, stdout, stderr) => {
            const output = `${stdout}${stderr}`;
            if (error === null) resolve({ code: 0, output });
            else resolve({ code: typeof error.code === "number" ? error.code : undefined, output });
        });
    });
}
