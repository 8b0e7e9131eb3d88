// Opens the pages of the daemon, where it serves them, in the person's own browser.

import { window } from "vscode";
import type { Session } from "../server/session";

export async function openDashboard(session: Session, open: (address: string) => Thenable<boolean>): Promise<void> {
    const { http } = session.status;
    if (http !== "") {
        await open(http);
        return;
    }
    void window.showInformationMessage("This daemon serves no pages. Restart it with: azr daemon start --http 127.0.0.1:0");
}
