// A real VS Code, served to a browser: code-server from the package registry, made to start without anything that is
// downloaded from elsewhere. `node codeServer.mjs install FOLDER` installs it once.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { dirname, join } from "node:path";
import { argv, execPath } from "node:process";
import { promisify } from "node:util";

/** The last series that starts with Node 20. */
export const VERSION = "4.100.3";

const execute = promisify(execFile);

async function npm(folder, ...args) {
    await execute("npm", [...args, "--no-audit", "--no-fund"], { cwd: folder, maxBuffer: 1 << 26 });
}

/** Installs without the install scripts, which download; the two native modules that are needed are compiled. */
export async function install(folder) {
    if (existsSync(join(folder, "ready"))) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    await npm(folder, "install", `code-server@${VERSION}`, "--ignore-scripts");
    const vscode = join(folder, "node_modules/code-server/lib/vscode");
    await npm(vscode, "install", "--omit=dev", "--ignore-scripts");
    const { stdout } = await execute("sh", ["-c", "command -v rg"]).catch(() => ({ stdout: "" }));
    if (stdout.trim() !== "") {
        const bin = join(vscode, "node_modules/@vscode/ripgrep/bin");
        mkdirSync(bin, { recursive: true });
        symlinkSync(stdout.trim(), join(bin, "rg"));
    }
    symlinkSync("node_modules", join(vscode, "node_modules.asar"));
    // The headers of Node lie beside it; without them node-gyp would fetch them.
    const headers = dirname(dirname(execPath));
    if (!existsSync(join(headers, "include/node/node_api.h"))) throw new Error(`no headers of Node under ${headers}/include`);
    // Without argon2 the server does not start; without spdlog output channels stay empty.
    await npm(folder, "rebuild", "argon2", `--nodedir=${headers}`);
    await npm(vscode, "rebuild", "@vscode/spdlog", `--nodedir=${headers}`);
    for (const built of [join(folder, "node_modules/argon2/lib/binding"), join(vscode, "node_modules/@vscode/spdlog/build/Release/spdlog.node")]) {
        if (!existsSync(built)) throw new Error(`${built} was not built`);
    }
    writeFileSync(join(folder, "ready"), VERSION);
}

export class CodeServer {
    /** `folder` is an installation, `home` a fresh folder for everything that the server writes. */
    constructor(folder, home, environment) {
        this.program = join(folder, "node_modules/code-server/out/node/entry.js");
        this.home = home;
        // The extension gallery is named nowhere, so that nothing asks it.
        this.environment = { ...environment, HOME: home, EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
        this.places = ["--config", join(home, "config.yaml"), "--extensions-dir", join(home, "extensions"), "--user-data-dir", join(home, "data")];
        this.output = "";
        mkdirSync(home, { recursive: true });
        writeFileSync(join(home, "config.yaml"), "auth: none\n");
    }

    settings(values) {
        // The path of a program belongs to the machine, which to a browser is another one.
        for (const place of ["User", "Machine"]) {
            mkdirSync(join(this.home, "data", place), { recursive: true });
            writeFileSync(join(this.home, "data", place, "settings.json"), JSON.stringify(values, undefined, 2));
        }
    }

    async installExtension(vsix) {
        const { stdout, stderr } = await execute(execPath, [this.program, ...this.places, "--install-extension", vsix], { env: this.environment });
        return stdout + stderr;
    }

    /** Starts serving; `wrapper` is put before the command (a tracer, say). */
    async start({ trust = false, wrapper = [] } = {}) {
        const command = [
            ...wrapper, execPath, this.program, ...this.places, "--auth", "none", "--bind-addr", "127.0.0.1:0",
            "--disable-telemetry", "--disable-update-check", ...(trust ? [] : ["--disable-workspace-trust"]),
        ];
        this.process = spawn(command[0], command.slice(1), { env: this.environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
        for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.output += data));
        await until("code-server serves", 60_000, async () => {
            this.address = /https?:\/\/127\.0\.0\.1:\d+/.exec(this.output)?.[0];
            return this.address !== undefined && (await answers(this.address));
        }, () => this.output);
    }

    /** The page of a folder, with a file open. */
    url(folder, file) {
        const payload = file === undefined ? "" : `&payload=${encodeURIComponent(JSON.stringify([["openFile", `vscode-remote://${new URL(this.address).host}${file}`]]))}`;
        return `${this.address}/?folder=${encodeURIComponent(folder)}${payload}`;
    }

    async stop() {
        if (this.process === undefined || this.process.exitCode !== null) return;
        const ended = new Promise((resolve) => this.process.once("exit", resolve));
        process.kill(-this.process.pid, "SIGTERM");
        const timer = setTimeout(() => process.kill(-this.process.pid, "SIGKILL"), 5000);
        await ended;
        clearTimeout(timer);
    }
}

function answers(address) {
    return new Promise((resolve) => {
        get(`${address}/healthz`, (response) => {
            response.resume();
            resolve(response.statusCode === 200);
        }).on("error", () => resolve(false));
    });
}

/** Waits for a condition, and says what was waited for when it does not come. */
export async function until(what, patienceMs, condition, more = () => "") {
    const began = performance.now();
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (performance.now() - began > patienceMs) throw new Error(`not within ${patienceMs / 1000} s: ${what}\n${await more()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

if (argv[2] === "install") await install(argv[3]);
