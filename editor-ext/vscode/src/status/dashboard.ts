// Opens the live page of the runs in the person's own browser. The daemon says where it is, and serves it from then on.

import { window } from "vscode";
import { describeError } from "../reasoning/answer";
import type { Session } from "../server/session";
import { pageAddress } from "./pageAddress";

export async function openDashboard(session: Session, open: (address: string) => Thenable<boolean>): Promise<void> {
    try {
        await open(pageAddress(await session.ask("azr/dashboard", {})));
    } catch (error) {
        void window.showErrorMessage(`The dashboard did not open: ${describeError(error)}`);
    }
}
