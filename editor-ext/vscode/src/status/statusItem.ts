// The item in the status bar: the state in one line; a click opens the menu.

import type { Disposable } from "vscode";
import { MarkdownString, StatusBarAlignment, ThemeColor, window } from "vscode";
import type { Session } from "../server/session";
import { statusLine } from "../server/status";

export function statusItem(session: Session): Disposable {
    const item = window.createStatusBarItem("azr.status", StatusBarAlignment.Right, 90);
    item.name = "AZR";
    item.command = "azr.session.menu";
    const show = (): void => {
        const line = statusLine(session.connection, session.status, session.failure);
        item.text = line.text;
        item.tooltip = new MarkdownString().appendText(line.details.join("\n\n"));
        item.accessibilityInformation = { label: line.details.join(". "), role: "button" };
        item.backgroundColor = line.severity === "normal" ? undefined : new ThemeColor(`statusBarItem.${line.severity}Background`);
    };
    show();
    item.show();
    const listener = session.onChanged(show);
    return { dispose: () => { listener.dispose(); item.dispose(); } };
}
