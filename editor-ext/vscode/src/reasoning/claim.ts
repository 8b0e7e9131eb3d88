// What execution says about a claim, and how it is shown. The server decides; here it only gets a badge.

export const CLAIMS = ["verified", "refuted", "unverified", "timeout", "error", "nondeterministic"] as const;
export type Claim = (typeof CLAIMS)[number];

export interface Badge {
    /** One character, so that a badge never rests on colour alone. */
    readonly glyph: string;
    readonly label: string;
    readonly explanation: string;
}

export const BADGES: Readonly<Record<Claim, Badge>> = {
    verified: { glyph: "✓", label: "verified", explanation: "Execution gives this value." },
    refuted: { glyph: "✗", label: "refuted", explanation: "Execution gives another value." },
    unverified: { glyph: "?", label: "not checked", explanation: "Nothing was run." },
    timeout: { glyph: "⧖", label: "limit reached", explanation: "A limit of time, memory or output ended the run." },
    error: { glyph: "!", label: "raised", explanation: "The program raised, or does not compile." },
    nondeterministic: { glyph: "≁", label: "varies", explanation: "Two runs give different values." },
};

/** Reads a claim of the server; what this version does not know counts as not checked. */
export function asClaim(value: unknown): Claim {
    return CLAIMS.find((claim) => claim === value) ?? "unverified";
}
