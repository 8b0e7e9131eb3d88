// What the extension and its web views say to each other. The extension holds all state; a view draws it and reports
// what the person does, so that a hidden or reloaded view loses nothing.

import type { Answer, Candidate } from "../reasoning/answer";
import type { Kind, Question } from "../reasoning/question";
import type { Progress } from "../selfplay/progress";

export interface Entry {
    readonly id: number;
    readonly title: string;
    readonly kind: Kind;
    readonly origin: string;
    readonly state: "running" | "done" | "failed" | "cancelled";
    /** Candidates that came so far, while the question runs. */
    readonly parts: readonly Candidate[];
    readonly answer: Answer | undefined;
    readonly error: string;
}

export interface ReasoningState {
    readonly question: Question;
    /** Grows when the extension, not the person at the view, changes the question. */
    readonly revision: number;
    readonly entries: readonly Entry[];
    readonly notice: string;
}

export type FromReasoning =
    | { readonly type: "ready" }
    | { readonly type: "edit"; readonly field: "kind" | "name" | "program" | "input" | "output" | "examples" | "message"; readonly value: string }
    | { readonly type: "ask" }
    | { readonly type: "cancel"; readonly id: number }
    | { readonly type: "insert" | "copy"; readonly text: string };

export interface SelfPlayState {
    readonly connected: boolean;
    readonly runId: string;
    readonly running: boolean;
    readonly stopping: boolean;
    readonly resumable: boolean;
    readonly totalSteps: number | undefined;
    readonly progress: Progress;
    readonly notice: string;
}

export type FromSelfPlay =
    | { readonly type: "ready" }
    | { readonly type: "start"; readonly steps: number; readonly resume: boolean }
    | { readonly type: "stop" };

/** Reads a message of the reasoning view; anything else is dropped. */
export function fromReasoning(message: unknown): FromReasoning | undefined {
    const all = record(message);
    switch (all["type"]) {
        case "ready":
        case "ask":
            return { type: all["type"] };
        case "edit": {
            const field = (["kind", "name", "program", "input", "output", "examples", "message"] as const).find((name) => name === all["field"]);
            return field === undefined || typeof all["value"] !== "string" ? undefined : { type: "edit", field, value: all["value"] };
        }
        case "cancel":
            return typeof all["id"] === "number" ? { type: "cancel", id: all["id"] } : undefined;
        case "insert":
        case "copy":
            return typeof all["text"] === "string" ? { type: all["type"], text: all["text"] } : undefined;
        default:
            return undefined;
    }
}

/** Reads a message of the self-play view; anything else is dropped. */
export function fromSelfPlay(message: unknown): FromSelfPlay | undefined {
    const all = record(message);
    switch (all["type"]) {
        case "ready":
        case "stop":
            return { type: all["type"] };
        case "start": {
            const steps = all["steps"];
            if (typeof steps !== "number" || !Number.isInteger(steps) || steps < 1 || steps > 100_000) return undefined;
            return { type: "start", steps, resume: all["resume"] === true };
        }
        default:
            return undefined;
    }
}

function record(value: unknown): Record<string, unknown> {
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
