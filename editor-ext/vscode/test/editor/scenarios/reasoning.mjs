// The Reasoning view: the three questions, answers that grow, insert, copy, cancel, keys alone.

const TITLES = { deduce: "AZR: Deduce the Output of a Call", abduce: "AZR: Find an Input for an Output", induce: "AZR: Write a Function from Examples" };

export async function newest(view) {
    const article = view.locator("article").first();
    return {
        title: await article.locator("h2").innerText(),
        state: await article.getAttribute("data-state"),
        claim: await article.getAttribute("data-claim"),
        text: (await article.innerText()).replace(/\u00a0/g, " "),
    };
}

/** Waits until the newest answer is one of this title, and is no longer running. */
export async function answered(w, view, title, patienceMs = 60_000) {
    return w.wait(`an answer to ${title}`, async () => {
        const entry = await newest(view);
        return entry.title.includes(title) && entry.state !== "running" ? entry : undefined;
    }, patienceMs);
}

export async function reasoning({ workbench: w, check }) {
    await w.openFile("examples.py");
    await w.goto(34, 10);
    await w.command(TITLES.deduce);
    const view = await w.webview("#question");
    const deduced = await answered(w, view, "add_wrapped(13, 4)");
    check("deduce shows the executed value with a badge", /executed\s+7/.test(deduced.text) && ["verified", "refuted"].includes(deduced.claim), deduced);

    await w.openFile("examples.py");
    await w.goto(34, 10);
    await w.command(TITLES.abduce);
    // The browser's own record of the list: candidates appear before the answer is complete.
    const abduced = await answered(w, view, "add_wrapped(?) == 7");
    check("abduce shows arguments that were run", abduced.claim === "verified" && /verified/.test(abduced.text), abduced);

    await w.openFile("examples.py");
    await w.goto(34, 1);
    for (let line = 0; line < 2; line += 1) await w.page.keyboard.press("Shift+ArrowDown");
    await w.page.keyboard.press("Shift+End");
    await w.command(TITLES.induce);
    const induced = await answered(w, view, "a function for 3 example");
    check("induce says how many examples a program passes, or that there is none", /of \d+ examples|Nothing was found/.test(induced.text), induced);
    check("an answer says what it cost", /model version|run \d|model \d/.test(deduced.text + abduced.text), deduced);
    await w.screenshot("reasoning");

    // Inserting what was made from selected examples leaves the examples alone.
    const made = view.locator("article").first().locator("button", { hasText: "Insert" });
    if ((await made.count()) > 0) {
        await made.click();
        await w.wait("the inserted program", async () => (await w.editorText()).includes("def f"));
        check("the selected examples stay", (await w.editorText()).includes("add_wrapped(13, 4) == 7"), await w.editorText());
        await w.goto(34, 1);
        await w.page.keyboard.press("Control+z");
        await w.save();
    }

    // Insert puts the answer at the cursor of the file.
    await w.openFile("examples.py");
    await w.goto(39, 13);
    await w.page.keyboard.press("End");
    await w.page.keyboard.type("  # ");
    await view.locator("article", { hasText: "add_wrapped(13, 4)" }).locator("button", { hasText: "Insert" }).click();
    await w.wait("the inserted value", async () => /share\(10, 0\)[^\n]*# 7/.test(await w.editorText()));
    check("an answer can be inserted", true);
    await w.goto(39, 99);
    for (let at = 0; at < 5; at += 1) await w.page.keyboard.press("Backspace");
    await w.save();

    // Copy puts it onto the clipboard.
    await w.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await view.locator("article", { hasText: "add_wrapped(13, 4)" }).locator("button", { hasText: "Copy" }).click();
    const copied = await w.wait("the clipboard", async () => (await w.page.evaluate(() => globalThis.navigator.clipboard.readText())) === "7");
    check("an answer can be copied", copied);

    // Keys alone: type arguments, ask with Ctrl+Enter, reach the buttons with Tab.
    // From the file, the palette gives the view the keys, drawn anew; until then they would go elsewhere or be overwritten.
    await w.goto(39, 13);
    await w.wait("the keys in the file", () => view.evaluate(() => !globalThis.document.hasFocus()));
    await w.command("AZR: Show the Reasoning View");
    await w.wait("the keys", () => view.evaluate(() => globalThis.document.hasFocus()));
    await view.locator("input[value=deduce]").focus();
    await w.page.keyboard.press("Space");
    await view.locator("#input").press("Control+a");
    await view.locator("#input").pressSequentially("29, 1");
    await view.locator("#input").press("Control+Enter");
    const typed = await answered(w, view, "29, 1");
    check("a question can be typed and asked with keys alone", /executed\s+10/.test(typed.text), typed);
    let reached = "";
    for (let tabs = 0; tabs < 8 && !/answer/.test(reached); tabs += 1) {
        await w.page.keyboard.press("Tab");
        reached = await view.evaluate(() => globalThis.document.activeElement?.getAttribute("aria-label") ?? "");
    }
    check("the buttons of an answer are reached with Tab", /answer/.test(reached), reached);

    // What is wrong is said before anything is asked.
    await view.locator("#input").fill("[1");
    await view.locator("#ask").click();
    await w.wait("a refusal", async () => /not closed/.test(await view.locator("#notice").innerText()));
    check("an unclosed bracket is said at once", true);

    // What touches the network has no value.
    await w.openFile("effects.py");
    await w.goto(16, 5);
    await w.command(TITLES.deduce);
    const effects = await w.wait("an answer without a value", async () => {
        const entry = await newest(view);
        return entry.title.startsWith("ask(") && entry.state !== "running" ? entry : undefined;
    });
    check("what touches the network has no verified value", effects.claim !== "verified" && !/executed/.test(effects.text), effects);

    // Cancel ends a question at once.
    await w.openFile("examples.py");
    await w.goto(34, 10);
    await w.command(TITLES.abduce);
    await answered(w, view, "add_wrapped(?) == 7");
    await view.locator("#output").fill("'no such value'");
    await view.locator("#ask").click();
    await view.locator("article[data-state=running] button", { hasText: "Cancel" }).click({ timeout: 5000 });
    const cancelled = await answered(w, view, "no such value", 5000);
    check("a question can be cancelled", cancelled.state === "cancelled", cancelled);

    // A lens asks, and its answer is in the view.
    await w.openFile("examples.py");
    await w.goto(11, 6);
    const entries = await view.locator("article").count();
    const lens = w.page.locator(".codelens-decoration a").filter({ hasText: /AZR: deduce/ }).first();
    await lens.waitFor({ timeout: 20_000 });
    await lens.click();
    await w.wait("the question of the lens", async () => (await view.locator("article").count()) === entries + 1);
    const looked = await w.wait("its answer", async () => {
        const entry = await newest(view);
        return entry.state === "running" ? undefined : entry;
    });
    check("a lens is answered in the view", looked.state === "done" && /executed/.test(looked.text), looked);
}
