// The address of the live page, as the daemon says it.

import { fields, text } from "../reasoning/answer";

/** The address in a reply. Anything but a page on this machine is refused: it would be opened with a token in it. */
export function pageAddress(reply: unknown): string {
    const address = text(fields(reply)["url"]);
    if (!/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+\/dashboard#token=[0-9a-f]+$/.test(address)) {
        throw new Error("the daemon named no page of this machine; it may be of another version");
    }
    return address;
}
