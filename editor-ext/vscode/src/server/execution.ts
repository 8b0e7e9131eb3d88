// What may be run, where several folders say so.

export type Execution = "off" | "literals" | "all";

/** The least that any of the settings allows; what is none of them allows nothing. */
export function mostCareful(trusted: boolean, settings: readonly string[]): Execution {
    if (!trusted || settings.length === 0) return "off";
    if (settings.every((each) => each === "all")) return "all";
    return settings.every((each) => each === "all" || each === "literals") ? "literals" : "off";
}
