// What a person does and sees in the workbench, as functions on a page of the browser.

import { until } from "./codeServer.mjs";

const PATIENCE_MS = 30_000;

/** Rendered text has spaces of other kinds: non-breaking ones, and hair spaces before hints. */
const plain = (text) => text.replace(/[^\S\n]|\u00b7/g, " ");

export class Workbench {
    constructor(page, output) {
        this.page = page;
        this.output = output;
        this.requests = [];
        page.on("request", (request) => this.requests.push(request.url()));
    }

    async open(url) {
        await this.page.goto(url);
        await this.page.waitForSelector(".monaco-workbench .part.editor", { timeout: PATIENCE_MS });
    }

    /** Waits until a function of the page's text gives something. */
    wait(what, condition, patienceMs = PATIENCE_MS) {
        return until(what, patienceMs, async () => {
            try {
                return await condition();
            } catch (error) {
                if (/closed|crashed/.test(String(error))) throw error;
                return undefined;
            }
        }, () => this.describe());
    }

    async describe() {
        const shot = `${this.output}/failure.png`;
        await this.page.screenshot({ path: shot }).catch(() => undefined);
        const parts = [];
        for (const selector of [".statusbar", ".notifications-toasts", ".view-lines"]) {
            for (const text of await this.page.locator(selector).allInnerTexts()) parts.push(`${selector}: ${plain(text).slice(0, 600)}`);
        }
        return `${parts.join("\n")}\nscreenshot: ${shot}`;
    }

    async texts(selector) {
        return (await this.page.locator(selector).allInnerTexts()).map(plain);
    }

    async screenshot(name, clip) {
        await this.page.screenshot({ path: `${this.output}/${name}.png`, ...(clip === undefined ? {} : { clip }) });
    }

    status() {
        return this.page.locator('[id$="azr.status"]');
    }

    waitForStatus(pattern, patienceMs) {
        return this.wait(`status ${pattern}`, async () => pattern.test(await this.statusText()), patienceMs);
    }

    async statusText() {
        const item = this.status();
        const label = (await item.locator("a").getAttribute("aria-label")) ?? "";
        return `${plain(await item.innerText()).trim()} | ${label}`;
    }

    /** Opens a list with a key, types, and takes the first row with this text; again if something took the focus. */
    async pick(key, text, row) {
        const input = this.page.locator(".quick-input-widget input").first();
        const rows = this.page.locator(".quick-input-list .monaco-list-row");
        await this.wait(`${text} in the list`, async () => {
            await this.page.keyboard.press(key);
            await input.fill(text, { timeout: 2000 });
            if (row !== undefined) await rows.filter({ hasText: row }).first().click({ timeout: 3000 });
            else await this.page.keyboard.press("Enter");
            await input.waitFor({ state: "hidden", timeout: 3000 });
            return true;
        });
    }

    /** Runs a command through the palette, as a person does. */
    command(title) {
        return this.pick("F1", `>${title}`, title);
    }

    async openFile(path) {
        const name = path.split("/").at(-1);
        await this.pick("Control+p", path, name);
        await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`, { timeout: PATIENCE_MS });
    }

    /** Puts the cursor on a line (from 1) and a column. */
    goto(line, column = 1) {
        return this.pick("Control+g", `:${line}:${column}`);
    }

    async save() {
        await this.page.keyboard.press("Control+s");
        await this.page.waitForSelector(".tab.active:not(.dirty)", { timeout: PATIENCE_MS });
    }

    /** Text of the editor as it is shown, hints and lenses included. */
    async editorText() {
        return (await this.texts(".editor-instance .view-lines")).join("\n");
    }

    async hover() {
        await this.page.keyboard.press("Control+k");
        await this.page.keyboard.press("Control+i");
        return this.wait("a hover", async () => {
            const text = (await this.texts(".monaco-hover:not(.hidden) .monaco-hover-content")).join("\n").trim();
            return text === "" || /^Loading/.test(text) ? undefined : text;
        });
    }

    /** The document inside the web view whose page has this element. */
    async webview(element) {
        return this.wait(`a view with ${element}`, async () => {
            for (const frame of this.page.frames()) {
                if ((await frame.locator(element).count()) > 0 && (await frame.locator(element).first().isVisible())) return frame;
            }
            return undefined;
        });
    }

    async notifications() {
        return this.texts(".notifications-toasts .notification-list-item-message");
    }

    async dismissNotifications() {
        await this.command("Notifications: Clear All Notifications");
    }

    async choose(label) {
        const row = this.page.locator(".quick-input-list .monaco-list-row").filter({ hasText: label }).first();
        await row.waitFor({ timeout: PATIENCE_MS });
        await row.click();
    }
}
