// What both views share: the page is made when the view is shown, and every state is sent to it while it lives.

import { randomBytes } from "node:crypto";
import type { Disposable, WebviewView, WebviewViewProvider } from "vscode";
import { Uri, window } from "vscode";
import { page } from "./page";

export abstract class ViewProvider<State> implements WebviewViewProvider, Disposable {
    private view: WebviewView | undefined;
    private readonly registration: Disposable;

    protected constructor(
        private readonly extension: Uri,
        readonly id: string,
        private readonly parts: { readonly title: string; readonly body: string; readonly script: string },
    ) {
        this.registration = window.registerWebviewViewProvider(id, this);
    }

    protected abstract state(): State;
    protected abstract receive(message: unknown): void;

    resolveWebviewView(view: WebviewView): void {
        this.view = view;
        const { webview } = view;
        const folders = ["dist", "media"].map((folder) => Uri.joinPath(this.extension, folder));
        webview.options = { enableScripts: true, localResourceRoots: folders };
        webview.onDidReceiveMessage((message: unknown) => {
            if (typeof message === "object" && message !== null && (message as { type?: unknown }).type === "ready") this.draw();
            else this.receive(message);
        });
        view.onDidDispose(() => {
            if (this.view === view) this.view = undefined;
        });
        const file = (...path: string[]): string => webview.asWebviewUri(Uri.joinPath(this.extension, ...path)).toString();
        webview.html = page({
            title: this.parts.title,
            body: this.parts.body,
            script: file("dist", "webview", this.parts.script),
            style: file("media", "view.css"),
            source: webview.cspSource,
            nonce: randomBytes(16).toString("hex"),
        });
    }

    protected draw(): void {
        void this.view?.webview.postMessage(this.state());
    }

    dispose(): void {
        this.registration.dispose();
    }
}
