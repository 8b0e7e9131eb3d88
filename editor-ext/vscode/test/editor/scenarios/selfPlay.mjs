// The Self-play view: start, watch, ask meanwhile, stop.

import { answered } from "./reasoning.mjs";

export async function selfPlay({ workbench: w, check }) {
    await w.command("AZR: Show the Self-Play View");
    const view = await w.webview("#run");
    await view.locator("#steps").fill("200");
    await view.locator("#start").click();
    await w.wait("a curve", async () => (await view.locator("svg.curve polyline.solver").count()) > 0, 120_000);
    await w.wait("two steps", async () => Number(/step (\d+)/.exec(await view.locator("#state").innerText())?.[1] ?? 0) >= 2, 120_000);
    check("the view follows a run", /step \d+ of 200/.test(await view.locator("#state").innerText()));
    check("the curve says its values to those who cannot see it", /Solver reward \d/.test((await view.locator("svg.curve").getAttribute("aria-label")) ?? ""));
    await w.wait("proposals", async () => (await view.locator("#proposals li").count()) > 0, 60_000);
    check("the last proposals have verdicts", /step \d/.test(await view.locator("#proposals li").first().innerText()));
    await w.waitForStatus(/\d+\/200/);
    check("the status item has the step", true);
    // The view alone, so that all of it is seen.
    const other = w.page.locator(".pane-header", { hasText: /reasoning/i }).first();
    await other.click();
    await w.page.waitForTimeout(500);
    await w.screenshot("self-play-view");
    await other.click();

    await w.openFile("examples.py");
    await w.goto(36, 10);
    await w.command("AZR: Deduce the Output of a Call");
    const reasoning = await w.webview("#question");
    const deduced = await answered(w, reasoning, "add_wrapped(25, 1)");
    check("questions are answered while the model trains", /executed\s+6/.test(deduced.text), deduced);
    await w.screenshot("self-play");

    await w.command("AZR: Show the Self-Play View");
    await view.locator("#stop").click();
    await w.wait("the end of the run", async () => /stopped at step|is done/.test(await view.locator("#state").innerText()), 120_000);
    check("a run stops after a checkpoint, and can be resumed", await view.locator("#resume").isVisible());
    await w.waitForStatus(/^(?!.*\/200)/);
}
