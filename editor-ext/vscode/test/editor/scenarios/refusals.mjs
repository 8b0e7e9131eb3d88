// A program that is missing or old gives one message with the fix; a workspace that is not trusted is not run.

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answered } from "./reasoning.mjs";

export async function binaries({ workbench: w, check, server, settings, home, program }) {
    const old = join(home, "old-azr");
    writeFileSync(old, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'azr 0.1.0'; exit 0; }\nexit 2\n");
    chmodSync(old, 0o755);
    for (const [what, path, pattern] of [
        ["a missing program", join(home, "nothing-here"), /not there.*nothing-here.*cargo install/s],
        ["a program that is too old", old, /too old.*cargo install/s],
    ]) {
        server.settings({ ...settings, "azr.server.path": path });
        await w.wait(`one message about ${what}`, async () => (await w.notifications()).some((text) => pattern.test(text)));
        await w.page.waitForTimeout(1500);
        const messages = (await w.notifications()).filter((text) => /azr/i.test(text));
        check(`${what} gives one message with the fix`, messages.length === 1, messages);
        await w.waitForStatus(/not there|too old/);
        await w.screenshot(what.replace(/^a /, "").replaceAll(" ", "-"));
        await w.dismissNotifications();
    }
    // A program that goes away under a session: the message, not a wait without end.
    const moving = join(home, "moving-azr");
    copyFileSync(program, moving);
    server.settings({ ...settings, "azr.server.path": moving });
    await w.waitForStatus(/azr-tiny v\d/);
    rmSync(moving);
    execFileSync("pkill", ["-KILL", "-f", `${moving} lsp`]);
    await w.wait("one message about a program that has gone", async () => (await w.notifications()).some((text) => /not there.*moving-azr.*cargo install/s.test(text)));
    const gone = (await w.notifications()).filter((text) => /azr/i.test(text));
    check("a program that has gone gives one message with the fix", gone.length === 1, gone);
    await w.waitForStatus(/not there/);
    await w.dismissNotifications();
    server.settings(settings);
    await w.waitForStatus(/azr-tiny v\d/);
    check("the right path in the settings is enough to go on", true);
}

/** Opens the folder in restricted mode: the session runs, code does not, until the folder is trusted. */
export async function untrusted({ workbench: w, check }) {
    await w.waitForStatus(/azr-tiny v\d/, 60_000);
    await w.page.waitForTimeout(2500);
    const shown = await w.editorText();
    check("in an untrusted workspace nothing is run", !/[✓✔✗]/.test(shown) && (await w.page.locator(".squiggly-warning, .squiggly-error").count()) === 0, shown);
    // A question would run something, too.
    await w.openFile("examples.py");
    await w.goto(34, 10);
    await w.command("AZR: Deduce the Output of a Call");
    const refused = await answered(w, await w.webview("#question"), "add_wrapped(13, 4)");
    check("in an untrusted workspace questions are refused", /switched off/.test(refused.text) && !/executed/.test(refused.text), refused);
    await w.screenshot("untrusted");
    await w.command("Workspaces: Manage Workspace Trust");
    const trust = w.page.locator(".workspace-trust-editor").getByRole("button", { name: /^Trust$/ }).first();
    await trust.click({ timeout: 20_000 });
    await w.openFile("examples.py");
    // The sandbox may still be compiling the guest: nothing has waited for it so far.
    await w.wait("hints once the workspace is trusted", async () => /\b7 ✓/.test(await w.editorText()), 120_000);
    check("hints come when the workspace is trusted", true);
}
