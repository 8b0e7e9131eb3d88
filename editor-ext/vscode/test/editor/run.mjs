// Drives the packaged extension in a real VS Code, in a real browser, against the real program.
//
//   node test/editor/run.mjs
//
// Environment: AZR_PROGRAM (azr), AZR_CODE_SERVER (a folder made by codeServer.mjs install), AZR_CHROMIUM (a browser),
// AZR_DATA (recorded programs; optional), AZR_EDITOR_OUTPUT (screenshots; test/editor/output by default),
// AZR_SCENARIOS (names, separated by commas; all by default).

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, exit, execPath, kill } from "node:process";
import { chromium } from "playwright-core";
import { CodeServer } from "./codeServer.mjs";
import { cruxeval, humaneval } from "./data.mjs";
import { connections, foreignRequests, tracer } from "./privacy.mjs";
import { reading } from "./scenarios/reading.mjs";
import { reasoning } from "./scenarios/reasoning.mjs";
import { binaries, untrusted } from "./scenarios/refusals.mjs";
import { selfPlay } from "./scenarios/selfPlay.mjs";
import { session, themes } from "./scenarios/session.mjs";
import { Workbench } from "./workbench.mjs";

const here = import.meta.dirname;
const program = demand("AZR_PROGRAM");
const codeServer = demand("AZR_CODE_SERVER");
const chromiumPath = env["AZR_CHROMIUM"] ?? "/usr/bin/chromium";
const output = env["AZR_EDITOR_OUTPUT"] ?? join(here, "output");
const vsix = env["AZR_VSIX"] ?? join(here, "../../dist/azr.vsix");
const dataFolder = env["AZR_DATA"] !== undefined && existsSync(env["AZR_DATA"]) ? env["AZR_DATA"] : undefined;
const scenarios = { reading, reasoning, selfPlay, session, themes, binaries };
const wanted = (env["AZR_SCENARIOS"] ?? [...Object.keys(scenarios), "untrusted"].join(",")).split(",");

/** A run that hangs fails. */
setTimeout(() => {
    console.log("FAIL  the whole run took more than 8 minutes");
    exit(1);
}, 8 * 60_000).unref();

const failures = [];
let checks = 0;
const began = performance.now();

function demand(name) {
    if (env[name] === undefined) throw new Error(`${name} is not set`);
    return env[name];
}

function say(line) {
    console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}

function check(what, right, more) {
    checks += 1;
    if (right) {
        say(`ok    ${what}`);
        return;
    }
    failures.push(what);
    say(`FAIL  ${what}${more === undefined ? "" : `\n${typeof more === "string" ? more : JSON.stringify(more, undefined, 1)}`}`);
}

function skipped(what) {
    say(`skipped: ${what}`);
}

/** A home with a workspace, a server and a page; `work` drives it. */
async function inEditor(name, { trust, trace, cache }, work) {
    const home = mkdtempSync(join(tmpdir(), "azr-editor-"));
    const folder = join(home, "workspace");
    cpSync(join(here, "workspace"), folder, { recursive: true });
    if (dataFolder !== undefined) {
        writeFileSync(join(folder, "cruxeval_samples.py"), cruxeval(dataFolder, 6));
        writeFileSync(join(folder, "humaneval_samples.py"), humaneval(dataFolder, 3));
    }
    const environment = {
        PATH: env["PATH"],
        HOME: home,
        AZR_HOME: join(home, "azr"),
        // With AZR_COLD the first use is measured without anything that an earlier one left.
        ...(cache && env["AZR_CACHE"] !== undefined ? { AZR_CACHE: env["AZR_CACHE"] } : {}),
    };
    const server = new CodeServer(codeServer, home, environment);
    const settings = {
        "azr.server.path": program,
        "workbench.startupEditor": "none",
        "workbench.colorTheme": "Default Dark Modern",
        "editor.minimap.enabled": false,
        // What other extensions and the editor itself would report; the record below shows that nothing is left.
        "telemetry.telemetryLevel": "off",
        "workbench.enableExperiments": false,
        "extensions.autoCheckUpdates": false,
        "files.watcherExclude": { "**": true },
        "security.workspace.trust.startupPrompt": "never",
        "security.workspace.trust.banner": "never",
    };
    server.settings(settings);
    const record = join(output, `connections-${name}.txt`);
    const installing = performance.now();
    let browser;
    let context;
    try {
        const installed = await server.installExtension(vsix);
        check("the package installs", /successfully installed/.test(installed), installed);
        await server.start({ trust, wrapper: trace ? tracer(record) : [] });
        browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"] });
        const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
        const workbench = new Workbench(page, output);
        const refused = [];
        page.on("console", (message) => {
            if (/Content Security Policy/.test(message.text()) && /azr/.test(message.text())) refused.push(message.text());
        });
        context = { workbench, check, skipped, server, settings, program, environment, folder, home, dataFolder };
        await workbench.open(server.url(folder, join(folder, "examples.py")));
        await workbench.waitForStatus(/azr-tiny v\d/, 60_000);
        await work(context, installing);
        check("the views ask for nothing that their policy refuses", refused.length === 0, refused);
        const foreign = foreignRequests(workbench.requests);
        check("the page asks nothing of other machines", foreign.length === 0, foreign.slice(0, 5));
    } catch (error) {
        failures.push(`${name}: ${error.message}`);
        say(`FAIL  ${name}: ${error.stack}`);
    } finally {
        await browser?.close();
        // The editor first: its bridge would start the daemon again.
        await server.stop();
        endDaemon(join(environment["AZR_HOME"], "run/daemon-v1.lock"));
        if (trace && existsSync(record)) {
            const { foreign, named } = connections(record);
            check(`${named} connections of editor, extension and daemon stay on this machine`, named > 0 && foreign.length === 0, foreign.slice(0, 5));
        }
        rmSync(home, { recursive: true, force: true });
    }
}

/** Kills the daemon that a lock names. It cannot be asked: strace ended with the editor, and what it traced has lost its sockets. */
function endDaemon(lock) {
    if (!existsSync(lock)) return;
    const pid = Number(readFileSync(lock, "utf8").trim());
    const command = `/proc/${pid}/cmdline`;
    if (pid > 1 && existsSync(command) && readFileSync(command, "utf8").includes("daemon")) kill(pid, "SIGKILL");
}

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const canTrace = (() => {
    try {
        execFileSync("strace", ["-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", "/dev/null", execPath, "-e", "0"]);
        return true;
    } catch {
        skipped("record of connections: strace is not there, or may not trace here");
        return false;
    }
})();

if (wanted.some((name) => name in scenarios)) {
    await inEditor("trusted", { trust: false, trace: canTrace, cache: env["AZR_COLD"] === undefined }, async (context, installing) => {
        const { workbench: w } = context;
        await w.wait("the first hint", async () => /\b7 ✓/.test(await w.editorText()), 240_000);
        const seconds = (performance.now() - installing) / 1000;
        // The time depends on the machine and its load: it is reported, not judged.
        check(`first verified result ${seconds.toFixed(1)} s after the installation began`, true);
        for (const [name, scenario] of Object.entries(scenarios)) {
            if (!wanted.includes(name)) continue;
            say(`--- ${name}`);
            try {
                await scenario(context);
            } catch (error) {
                // The others do not wait for this one.
                failures.push(`${name}: ${error.message}`);
                say(`FAIL  ${name}: ${error.stack}`);
                await w.page.keyboard.press("Escape").catch(() => undefined);
            }
        }
    });
}
if (wanted.includes("untrusted")) {
    say("--- untrusted");
    await inEditor("untrusted", { trust: true, trace: false, cache: true }, untrusted);
}

say(`${checks} checks, ${failures.length} failures; screenshots in ${output}`);
exit(failures.length === 0 ? 0 : 1);
