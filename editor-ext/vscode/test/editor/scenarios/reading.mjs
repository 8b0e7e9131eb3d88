// What is shown while somebody reads and edits: hints, hovers, diagnostics, lenses, actions.

export async function reading({ workbench: w, check, dataFolder, skipped }) {
    await w.wait("a hint with the executed value", async () => /\b7 ✓/.test(await w.editorText()));
    check("hints show what calls return", true);
    const shown = await w.editorText();
    check("a hint has a badge", /\b7 ✓/.test(shown), shown);

    await w.goto(27);
    await w.wait("marks", async () => (await w.page.locator(".squiggly-warning, .squiggly-error").count()) >= 2);
    check("a wrong assertion and a wrong doctest are marked", true);
    await w.screenshot("hints");

    await w.goto(34, 10);
    const hover = await w.hover();
    check("the hover has the value and its badge", /7/.test(hover) && /verified|✓/.test(hover), hover);
    await w.screenshot("hover");
    await w.page.keyboard.press("Escape");

    await w.goto(39, 3);
    const raised = await w.hover();
    check("the hover names an exception", /ZeroDivisionError/.test(raised), raised);
    await w.page.keyboard.press("Escape");

    await w.goto(11, 6);
    const lenses = await w.wait("lenses", async () => {
        const found = await w.texts(".codelens-decoration");
        return found.length > 0 ? found.join(" | ") : undefined;
    });
    check("functions have lenses", /output|deduce/i.test(lenses), lenses);

    // The action on the wrong assertion writes the actual value.
    await w.goto(35, 10);
    await w.page.keyboard.press("Control+.");
    await w.page.locator(".action-widget .monaco-list-row").filter({ hasText: /Replace with/ }).first().waitFor({ timeout: 20_000 });
    await w.screenshot("action");
    // A block over the page keeps the pointer out until the list is closed: keys choose.
    for (let tries = 0; tries < 12 && !/Replace with/.test((await w.texts(".action-widget .monaco-list-row.focused")).join("")); tries += 1) {
        await w.page.keyboard.press("ArrowDown");
    }
    await w.page.keyboard.press("Enter");
    await w.wait("the corrected line", async () => /add_wrapped\(0, 1\)[^\n]*== 1/.test(await w.editorText()));
    check("an action replaces a wrong value with the actual one", true);
    await w.save();

    // An edit is followed by new hints.
    await w.goto(8, 21);
    await w.page.keyboard.type(" + 1");
    await w.wait("hints after an edit", async () => /\b7 ✗ 8/.test(await w.editorText()));
    for (let at = 0; at < 4; at += 1) await w.page.keyboard.press("Backspace");
    await w.wait("hints after its end", async () => /\b7 ✓/.test(await w.editorText()));
    check("hints follow an edit", true);
    await w.save();

    await w.openFile("effects.py");
    await w.page.waitForTimeout(1500);
    const effects = await w.editorText();
    check("what touches files or the network has no value", !/[✓✔]/.test(effects), effects);

    await w.openFile("shop/basket.py");
    await w.wait("a hint in a module", async () => /quantities\(\[[^\n]*✓/.test(await w.editorText()));
    check("a module that imports others has hints for what stands alone", true);

    if (dataFolder === undefined) {
        skipped("recorded programs in the editor: no data folder (AZR_DATA)");
        return;
    }
    await w.openFile("cruxeval_samples.py");
    await w.wait("hints on functions of CRUXEval", async () => ((await w.editorText()).match(/[✓✔]/g) ?? []).length >= 2);
    check("functions of CRUXEval have the recorded outputs", (await w.page.locator(".squiggly-warning, .squiggly-error").count()) === 0);
    await w.openFile("humaneval_samples.py");
    await w.goto(1);
    await w.wait("hints on doctests of HumanEval+", async () => /False ✓/.test(await w.editorText()));
    check("doctests of HumanEval+ have hints", true);
}
