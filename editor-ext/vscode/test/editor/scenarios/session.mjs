// The session: status item, menu, log, restart, stop, and a daemon that is killed.

import { execFileSync } from "node:child_process";
import { answered } from "./reasoning.mjs";

export async function session({ workbench: w, check, program, environment }) {
    const status = await w.statusText();
    check("the status item names model, version and queue", /azr-tiny v\d/.test(status) && /Queue: \d+/.test(status), status);

    await w.status().click();
    const menu = (await w.wait("the menu", async () => {
        const rows = await w.texts(".quick-input-list .monaco-list-row");
        return rows.length > 5 ? rows : undefined;
    })).join("\n");
    check("the menu has status, restart, log, stop and the dashboard", ["Status", "Restart", "Log", "Stop", "dashboard"].every((word) => menu.includes(word)), menu);
    await w.screenshot("menu");
    await w.choose("Status");
    const said = await w.wait("the status message", async () => (await w.notifications()).find((text) => /azr-tiny/.test(text)));
    check("the status is said in words", /Daemon: /.test(said), said);
    await w.dismissNotifications();

    await w.command("AZR: Show Log");
    await w.wait("the log", async () => /Connected; methods|azr_daemon::/.test((await w.texts(".output-view-container .view-lines, .panel .view-lines")).join("\n")));
    check("the log has its channel", true);
    await w.page.keyboard.press("Control+j");

    const reasoning = await w.webview("#question");
    const before = await reasoning.locator("article").count();
    const running = JSON.parse(execFileSync(program, ["daemon", "status", "--json"], { env: environment }).toString());
    await w.openFile("examples.py");
    await w.goto(34, 10);
    await w.command("AZR: Find an Input for an Output");
    await answered(w, reasoning, "add_wrapped(?) == 7");
    await reasoning.locator("#output").fill("'nothing gives this'");
    await reasoning.locator("#ask").click();
    await reasoning.locator("article[data-state=running]").first().waitFor({ timeout: 5000 });
    process.kill(running.daemon.pid, "SIGKILL");
    const survived = await answered(w, reasoning, "nothing gives this");
    check("a question in flight survives the daemon", survived.state === "done", survived);
    const more = await reasoning.locator("article").count();
    await w.openFile("examples.py");
    await w.goto(36, 10);
    await w.command("AZR: Deduce the Output of a Call");
    await w.wait("one more answer", async () => (await reasoning.locator("article").count()) === more + 1);
    const deduced = await answered(w, reasoning, "add_wrapped(25, 1)");
    check("a question asked after the daemon was killed is answered", /executed\s+6/.test(deduced.text), deduced);
    check("the earlier answers are still there", before > 0);
    await w.waitForStatus(/azr-tiny v\d/);
    const after = JSON.parse(execFileSync(program, ["daemon", "status", "--json"], { env: environment }).toString());
    check("another daemon runs", after.daemon.pid !== running.daemon.pid);
    await w.openFile("examples.py");
    await w.wait("hints after the crash", async () => /\b7 ✓/.test(await w.editorText()));
    check("hints are back", true);

    await w.command("AZR: Stop");
    await w.waitForStatus(/AZR is stopped/);
    check("a session can be stopped", true);
    await w.command("AZR: Start");
    await w.waitForStatus(/azr-tiny v\d/);
    await w.command("AZR: Restart");
    await w.waitForStatus(/starting|azr-tiny v\d/);
    await w.waitForStatus(/azr-tiny v\d/);
    check("a session can be restarted", true);
}

const THEMES = [
    ["dark", "Default Dark Modern"],
    ["light", "Default Light Modern"],
    ["high-contrast", "Default High Contrast"],
    ["high-contrast-light", "Default High Contrast Light"],
];

/** Both views in four themes: text differs from its ground by the contrast that the guidelines for access ask for. */
export async function themes({ workbench: w, check, server, settings }) {
    const view = await w.webview("#question");
    for (const [name, theme] of THEMES) {
        server.settings({ ...settings, "workbench.colorTheme": theme });
        await w.wait(`the theme ${theme}`, async () => (await view.evaluate(() => globalThis.document.body.dataset.vscodeThemeId ?? globalThis.document.body.className)).includes(theme) || (await view.evaluate(() => globalThis.document.body.dataset.vscodeThemeName ?? "")).includes(theme));
        await w.page.waitForTimeout(400);
        const ratios = await view.evaluate(contrasts);
        const worst = Object.entries(ratios).sort((left, right) => left[1] - right[1])[0];
        check(`${name}: text can be read (worst ${worst?.[0]} ${worst?.[1].toFixed(1)} : 1)`, worst !== undefined && worst[1] >= 4.5, ratios);
        await w.screenshot(`theme-${name}`);
    }
    server.settings(settings);
}

/** Runs in the page: contrast of visible texts against the ground below them. */
function contrasts() {
    const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    // Mixed colours are told as `color(srgb R G B)` with parts of 1.
    const parse = (color) => {
        const parts = (color.match(/[\d.]+/g) ?? ["0", "0", "0", "0"]).map(Number);
        return color.startsWith("color(") ? parts.map((part, at) => (at < 3 ? part * 255 : part)) : parts;
    };
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (element) => {
        for (let at = element; at !== null; at = at.parentElement) {
            const color = parse(globalThis.getComputedStyle(at).backgroundColor);
            if (color[3] === undefined || color[3] > 0.5) return color;
        }
        return parse(globalThis.getComputedStyle(globalThis.document.documentElement).getPropertyValue("--vscode-sideBar-background").replace(/^#(..)(..)(..)$/, (_, r, g, b) => `${parseInt(r, 16)} ${parseInt(g, 16)} ${parseInt(b, 16)}`));
    };
    const found = {};
    for (const element of globalThis.document.querySelectorAll("h2, p, label, button, code, .badge, .notes, .label, summary")) {
        if (element.innerText?.trim() === "" || element.offsetParent === null) continue;
        const [one, two] = [luminance(parse(globalThis.getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
        const key = `${element.tagName.toLowerCase()}.${element.className}`;
        found[key] = Math.min(found[key] ?? 99, (one + 0.05) / (two + 0.05));
    }
    return found;
}
