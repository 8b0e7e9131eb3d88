// The events of a run folded into what the Self-play view shows. Events of a subscription are counted without
// gaps; where one appears, the subscription is renewed.

import { count, fields, list, text } from "../reasoning/answer";

export interface Point {
    readonly step: number;
    readonly solver: number | undefined;
    readonly proposer: number | undefined;
}

export interface Evaluation {
    readonly step: number;
    readonly name: string;
    readonly value: number;
}

export interface Proposal {
    readonly step: number;
    readonly taskType: string;
    readonly program: string;
    readonly verdict: string;
    readonly reward: number | undefined;
}

export interface Progress {
    readonly seq: number;
    readonly step: number;
    readonly points: readonly Point[];
    readonly evaluations: readonly Evaluation[];
    /** Newest first. */
    readonly proposals: readonly Proposal[];
    readonly checkpoint: number | undefined;
    readonly ended: "" | "done" | "stopped" | "error";
    readonly message: string;
}

export const NO_PROGRESS: Progress = {
    seq: -1,
    step: 0,
    points: [],
    evaluations: [],
    proposals: [],
    checkpoint: undefined,
    ended: "",
    message: "",
};

const MOST_PROPOSALS = 12;
const MOST_POINTS = 5_000;

/** What a new subscription adds to: its events are counted from 0, and may repeat steps that are known. */
export function resubscribed(progress: Progress): Progress {
    return { ...progress, seq: -1, ended: "", message: "" };
}

/** Adds an event. An event that is known already changes nothing. */
export function fold(progress: Progress, event: unknown): Progress {
    const all = fields(event);
    const seq = count(all["seq"]) ?? progress.seq + 1;
    if (seq <= progress.seq) return progress;
    const step = count(all["step"]) ?? progress.step;
    const metrics = fields(all["metrics"]);
    const next: Progress = { ...progress, seq, step: Math.max(step, progress.step) };
    switch (all["kind"]) {
        case "step": {
            const point = readPoint(step, metrics);
            const points = [...progress.points.filter((known) => known.step !== step), point].sort((left, right) => left.step - right.step);
            const proposals = [...list(metrics["proposals"]).map((each) => readProposal(step, each)), ...progress.proposals.filter((known) => known.step !== step)];
            return { ...next, points: points.slice(-MOST_POINTS), proposals: proposals.slice(0, MOST_PROPOSALS) };
        }
        case "eval":
            return { ...next, evaluations: [...progress.evaluations.filter((known) => known.step !== step), ...readEvaluations(step, metrics)] };
        case "checkpoint":
            return { ...next, checkpoint: step };
        case "error":
            return { ...next, ended: "error", message: text(metrics["message"] ?? all["message"]) };
        case "done":
            return { ...next, ended: metrics["outcome"] === "stopped" ? "stopped" : "done" };
        default:
            return next;
    }
}

/** Whether events between the last known one and this one are lost. */
export function hasGap(progress: Progress, event: unknown): boolean {
    const all = fields(event);
    const seq = count(all["seq"]);
    return seq !== undefined && seq > progress.seq + 1;
}

function readPoint(step: number, metrics: Readonly<Record<string, unknown>>): Point {
    return { step, solver: roleMean(metrics, "solve"), proposer: roleMean(metrics, "propose") };
}

/** Mean reward of a role: over its groups of the three task types, weighted by how many answers each has. */
function roleMean(metrics: Readonly<Record<string, unknown>>, role: "solve" | "propose"): number | undefined {
    const direct = count(metrics[role === "solve" ? "solverReward" : "proposerReward"]);
    if (direct !== undefined) return direct;
    let sum = 0;
    let weight = 0;
    for (const [name, group] of Object.entries(fields(metrics["groups"]))) {
        if (!name.endsWith(`_${role}`)) continue;
        const values = fields(group);
        const mean = count(values["reward_mean"] ?? values["rewardMean"]);
        const n = count(values["n"]) ?? 1;
        if (mean === undefined || n <= 0) continue;
        sum += mean * n;
        weight += n;
    }
    return weight > 0 ? sum / weight : undefined;
}

function readProposal(step: number, value: unknown): Proposal {
    const all = fields(value);
    const verdict = all["verdict"];
    return {
        step,
        taskType: text(all["taskType"] ?? all["task_type"]),
        program: text(all["program"] ?? all["response"]),
        verdict: typeof verdict === "string" ? verdict : text(fields(verdict)["kind"]),
        reward: count(all["reward"]),
    };
}

function readEvaluations(step: number, metrics: Readonly<Record<string, unknown>>): Evaluation[] {
    return Object.entries(metrics).flatMap(([name, value]) => {
        const number = count(value) ?? count(fields(value)["pass@1"]);
        return number === undefined ? [] : [{ step, name, value: number }];
    });
}
