import { describe, expect, it } from "vitest";
import { fold, hasGap, NO_PROGRESS, type Progress, resubscribed } from "../../src/selfplay/progress";
import { REASONING, SELF_PLAY } from "../../src/webview/bodies";
import { axes, FRAME, polyline, x, y } from "../../src/webview/curve";
import { fromReasoning, fromSelfPlay } from "../../src/webview/messages";
import { page } from "../../src/webview/page";

describe("page", () => {
    it.each([REASONING, SELF_PLAY])("lets nothing load but its own script and style sheet", (body) => {
        const html = page({ title: "T", body, script: "s.js", style: "v.css", source: "self:", nonce: "abc" });
        const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
        expect(policy).toContain("default-src 'none'");
        expect(policy).not.toMatch(/unsafe|\*|https?:|connect-src/);
        expect(body).not.toMatch(/<script|style=|on\w+=/);
    });
});

describe("messages of the views", () => {
    it("are read field by field", () => {
        expect(fromReasoning({ type: "edit", field: "input", value: "1" })).toEqual({ type: "edit", field: "input", value: "1" });
        expect(fromSelfPlay({ type: "start", steps: 3, resume: true })).toEqual({ type: "start", steps: 3, resume: true });
    });

    it.each([null, 1, {}, { type: "edit", field: "origin", value: "x" }, { type: "edit", field: "input", value: 3 }, { type: "copy" }, { type: "start", steps: 0 }, { type: "start", steps: 1.5 }])("%j is dropped", (message) => {
        expect(fromReasoning(message)).toBeUndefined();
        expect(fromSelfPlay(message)).toBeUndefined();
    });
});

describe("events of a run", () => {
    const step = (seq: number, at: number, more: Record<string, unknown> = {}): unknown => ({
        runId: "r",
        seq,
        kind: "step",
        step: at,
        metrics: { groups: { deduction_solve: { n: 2, reward_mean: 0.5 }, abduction_solve: { n: 6, reward_mean: 1 }, deduction_propose: { n: 1, reward_mean: -1 } }, ...more },
    });

    it("become a curve, weighted by how many answers each task type has", () => {
        const progress = [step(0, 1), step(1, 2)].reduce<Progress>(fold, NO_PROGRESS);
        expect(progress.points).toEqual([
            { step: 1, solver: 0.875, proposer: -1 },
            { step: 2, solver: 0.875, proposer: -1 },
        ]);
    });

    it("that are known change nothing, and lost ones are noticed", () => {
        const progress = fold(NO_PROGRESS, step(0, 1));
        expect(fold(progress, step(0, 1))).toBe(progress);
        expect(hasGap(progress, { seq: 2, kind: "eval" })).toBe(true);
        expect(hasGap(progress, { seq: 1, kind: "eval" })).toBe(false);
        expect(hasGap(NO_PROGRESS, step(1, 2))).toBe(true);
    });

    it("of a second subscription repeat nothing", () => {
        const proposals = [{ program: "p", verdict: "valid" }];
        const first = fold(fold(NO_PROGRESS, step(0, 1, { proposals })), { seq: 1, kind: "eval", step: 1, metrics: { tiny: 40 } });
        const again = fold(fold(resubscribed(first), step(0, 1, { proposals })), { seq: 1, kind: "eval", step: 1, metrics: { tiny: 40 } });
        expect(again).toEqual(first);
    });

    it("keep the last proposals, newest first", () => {
        const events = Array.from({ length: 20 }, (_, at) => step(at, at + 1, { proposals: [{ taskType: "deduction", program: `p${at}`, verdict: { kind: "value" }, reward: 1 }] }));
        const { proposals } = events.reduce<Progress>(fold, NO_PROGRESS);
        expect(proposals).toHaveLength(12);
        expect(proposals[0]).toEqual({ step: 20, taskType: "deduction", program: "p19", verdict: "value", reward: 1 });
    });

    it("end a run, with the reason", () => {
        expect(fold(NO_PROGRESS, { seq: 0, kind: "error", metrics: { message: "disk full" } })).toMatchObject({ ended: "error", message: "disk full" });
        expect(fold(NO_PROGRESS, { seq: 0, kind: "done", step: 9 })).toMatchObject({ ended: "done", step: 9 });
        const stopped = { seq: 0, kind: "done", step: 4, metrics: { outcome: "stopped" } };
        expect(fold(NO_PROGRESS, stopped)).toMatchObject({ ended: "stopped", step: 4 });
    });

    it.each([undefined, 3, [], { kind: "step", metrics: 4 }, { kind: "eval", metrics: { tiny: "x" } }])("of any shape are survived: %j", (event) => {
        expect(fold(NO_PROGRESS, event).proposals).toEqual([]);
    });
});

describe("curve", () => {
    it("stays within its frame", () => {
        const points = [
            { step: 1, solver: -1, proposer: undefined },
            { step: 7, solver: 2, proposer: 0.5 },
        ];
        const bounds = axes(points, 30);
        for (const [left, top] of polyline(points, "solver", bounds).split(" ").map((pair) => pair.split(",").map(Number))) {
            expect(left).toBeGreaterThanOrEqual(FRAME.left);
            expect(left).toBeLessThanOrEqual(FRAME.width - FRAME.right);
            expect(top).toBeGreaterThanOrEqual(FRAME.top);
            expect(top).toBeLessThanOrEqual(FRAME.height - FRAME.bottom);
        }
        expect(polyline(points, "proposer", bounds).split(" ")).toHaveLength(1);
    });

    it("has a place for a single point", () => {
        const bounds = axes([{ step: 1, solver: 0, proposer: 0 }], undefined);
        expect(Number.isFinite(x(1, bounds)) && Number.isFinite(y(0, bounds))).toBe(true);
    });
});
