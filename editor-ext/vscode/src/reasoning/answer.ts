// Results of the server as what the view shows. Every field is checked: the view must stand whatever comes.

import type { Claim } from "./claim";
import { asClaim } from "./claim";
import type { Kind } from "./question";

export interface Candidate {
    readonly text: string;
    readonly claim: Claim;
    /** Who found it: "executor", "search" or "model". */
    readonly source: string;
    /** How many samples gave it. */
    readonly count: number;
    /** What else is known, e.g. "4 of 5 examples". */
    readonly detail: string;
}

export interface Answer {
    readonly claim: Claim;
    /** The best answer: a value, an argument list or a program; empty when there is none. */
    readonly text: string;
    /** What execution gave, where that is known. */
    readonly actual: string;
    /** What the model predicted. */
    readonly predicted: string;
    readonly source: string;
    /** Why execution gave no value. */
    readonly raised: string;
    readonly candidates: readonly Candidate[];
    readonly rationale: string;
    /** Short facts: version of the model, times, counts. */
    readonly facts: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function list(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
    if (typeof value === "string") return value;
    return value === undefined || value === null ? "" : JSON.stringify(value);
}

export function count(value: unknown): number | undefined {
    return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Reads the result of `azr/deduce`, `azr/abduce` or `azr/induce`. */
export function readAnswer(kind: Kind, result: unknown): Answer {
    const all = fields(result);
    const candidates = readCandidates(kind, all).map((candidate) => claimed(candidate, all));
    const shared = {
        candidates,
        raised: readRunError(all["error"]),
        rationale: text(all["rationale"]),
        facts: facts(kind, all),
    };
    switch (kind) {
        case "deduce": {
            const actual = text(all["actual"]);
            const predicted = text(all["predicted"]);
            return {
                ...shared,
                claim: asClaim(all["verdict"]),
                text: actual === "" ? predicted : actual,
                actual,
                predicted,
                source: text(all["source"]),
            };
        }
        case "abduce": {
            const best = candidates.find(({ claim }) => claim === "verified") ?? candidates[0];
            return {
                ...shared,
                claim: all["verdict"] === undefined ? (best?.claim ?? "unverified") : asClaim(all["verdict"]),
                text: best?.text ?? "",
                actual: "",
                predicted: "",
                source: best?.source ?? text(all["source"]),
            };
        }
        case "induce": {
            const program = text(all["program"]);
            return {
                ...shared,
                claim: asClaim(all["verdict"]),
                text: program === "" ? (candidates[0]?.text ?? "") : program,
                actual: "",
                predicted: "",
                source: text(all["source"]) === "" ? (candidates[0]?.source ?? "") : text(all["source"]),
            };
        }
    }
}

function readRunError(value: unknown): string {
    const { kind, message } = fields(value);
    return [text(kind), text(message)].filter((part) => part !== "").join(": ");
}

/** The claim of a deduced candidate is in the result where the candidate is the prediction or the executed value. */
function claimed(candidate: Candidate, all: Fields): Candidate {
    if (candidate.claim !== "unverified") return candidate;
    if (candidate.text === text(all["actual"])) return { ...candidate, claim: "verified" };
    return candidate.text === text(all["predicted"]) ? { ...candidate, claim: asClaim(all["verdict"]) } : candidate;
}

/** Reads candidates, of a result or of a part that came before it. */
export function readCandidates(kind: Kind, part: unknown): Candidate[] {
    const all = fields(part);
    const listed = kind === "abduce" ? list(all["inputs"]) : list(all["candidates"]);
    const one = Array.isArray(part) ? part : listed;
    return one.map((entry) => {
        const each = fields(entry);
        const heldOut = fields(each["heldOut"]);
        const passed = sum(each["passed"], heldOut["passed"]);
        const total = sum(each["total"], heldOut["total"]);
        return {
            text: text(each["input"] ?? each["program"] ?? each["value"] ?? (typeof entry === "string" ? entry : "")),
            claim: asClaim(each["verdict"]),
            source: text(each["source"]),
            count: count(each["count"]) ?? 1,
            detail: passed === undefined || total === undefined ? "" : `${passed} of ${total} examples`,
        };
    });
}

/** Whether a part is a whole answer as it is so far, not candidates alone. */
export function isAnswer(part: unknown): boolean {
    return "verdict" in fields(part);
}

/** Adds candidates that came meanwhile; one that is known is replaced by its newer state. */
export function merge(known: readonly Candidate[], more: readonly Candidate[]): Candidate[] {
    const merged = [...known];
    for (const candidate of more) {
        const at = merged.findIndex(({ text }) => text === candidate.text);
        if (at < 0) merged.push(candidate);
        else merged[at] = candidate;
    }
    return merged;
}

/** The candidates that are listed: all while they come in, then those that the answer above the list does not say already. */
export function listed(kind: Kind, found: readonly Candidate[], answer: Answer | undefined, settled: boolean): Candidate[] {
    const shown = found.filter(({ text }) => text !== "");
    if (answer === undefined || !settled) return shown;
    // A predicted value stays in the list for its count; it is short. One that is alone would only repeat it.
    if (kind === "deduce") return shown.length > 1 ? shown : [];
    return shown.filter(({ text }) => text !== answer.text);
}

function sum(value: unknown, more: unknown): number | undefined {
    const number = count(value);
    return number === undefined ? undefined : number + (count(more) ?? 0);
}

function facts(kind: Kind, all: Fields): string[] {
    const found: string[] = [];
    const passed = count(all["passed"]);
    const total = count(all["total"]);
    if (kind === "induce" && passed !== undefined && total !== undefined) {
        found.push(`passes ${passed} of ${total} examples`);
    }
    const heldOut = fields(all["heldOut"]);
    const heldTotal = count(heldOut["total"]);
    if (heldTotal !== undefined && heldTotal > 0) {
        found.push(`${count(heldOut["passed"]) ?? 0} of ${heldTotal} held out`);
    }
    const tried = count(all["tried"]);
    if (tried !== undefined) found.push(`${tried} tried`);
    const elapsed = fields(all["elapsedMs"]);
    for (const [key, label] of [["queue", "waited"], ["model", "model"], ["execute", "run"]] as const) {
        const ms = count(elapsed[key]);
        if (ms !== undefined && ms >= 0.5) found.push(`${label} ${duration(ms)}`);
    }
    const version = all["modelVersion"];
    if (version !== undefined && version !== null) found.push(`model version ${text(version)}`);
    return found;
}

export function duration(ms: number): string {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** What an error reply says, with the advice that it carries. */
export function describeError(error: unknown): string {
    const { message, data } = fields(error instanceof Error ? { message: error.message, data: (error as { data?: unknown }).data } : error);
    const hint = text(fields(data)["hint"]);
    const said = text(message) === "" ? text(error) : text(message);
    if (hint === "" || said.includes(hint)) return said;
    return `${said}${/[.!?:;]$/u.test(said) ? "" : ";"} ${hint}`;
}
