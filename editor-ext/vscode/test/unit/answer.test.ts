import { describe, expect, it } from "vitest";
import { describeError, duration, listed, merge, readAnswer, readCandidates } from "../../src/reasoning/answer";
import { asClaim, BADGES, CLAIMS } from "../../src/reasoning/claim";
import { KINDS } from "../../src/reasoning/question";

describe("readAnswer", () => {
    it("shows the executed value, not the predicted one, where they differ", () => {
        const answer = readAnswer("deduce", {
            predicted: "5",
            actual: "4",
            verdict: "refuted",
            candidates: [{ value: "5", count: 3 }],
            rationale: "because",
            source: "model",
            modelVersion: 12,
            elapsedMs: { model: 1500, execute: 2, queue: 0 },
        });
        expect(answer).toMatchObject({ claim: "refuted", text: "4", actual: "4", predicted: "5", rationale: "because", source: "model" });
        expect(answer.facts).toEqual(["model 1.5 s", "run 2 ms", "model version 12"]);
        expect(answer.candidates).toEqual([{ text: "5", claim: "refuted", source: "", count: 3, detail: "" }]);
    });

    it("says what was raised", () => {
        const answer = readAnswer("deduce", { verdict: "error", error: { kind: "ZeroDivisionError", message: "division by zero" }, candidates: [] });
        expect(answer).toMatchObject({ claim: "error", text: "", raised: "ZeroDivisionError: division by zero" });
    });

    it("prefers a verified input", () => {
        const answer = readAnswer("abduce", { inputs: [{ input: "1", verdict: "refuted" }, { input: "2", verdict: "verified", source: "search" }], tried: 40 });
        expect(answer).toMatchObject({ claim: "verified", text: "2", source: "search", facts: ["40 tried"] });
    });

    it("says how many examples a program passes", () => {
        const answer = readAnswer("induce", { program: "def f(x): return x", passed: 3, total: 3, heldOut: { passed: 1, total: 2 }, verdict: "refuted" });
        expect(answer.facts).toEqual(["passes 3 of 3 examples", "1 of 2 held out"]);
    });

    it.each([undefined, null, 3, "text", [], { candidates: "no", inputs: 4, verdict: {} }, { candidates: [null, 3, { value: { a: 1 } }] }])("stands %j", (result) => {
        for (const kind of KINDS) {
            const answer = readAnswer(kind, result);
            expect(CLAIMS).toContain(answer.claim);
            expect(typeof answer.text).toBe("string");
        }
    });
});

describe("candidates", () => {
    it("come in parts of either shape", () => {
        expect(readCandidates("abduce", { inputs: [{ input: "1", verdict: "verified" }] })).toHaveLength(1);
        expect(readCandidates("induce", [{ program: "p", passed: 1, total: 2 }])).toEqual([{ text: "p", claim: "unverified", source: "", count: 1, detail: "1 of 2 examples" }]);
    });

    it("are replaced by their newer state", () => {
        const [first] = readCandidates("abduce", [{ input: "1", verdict: "unverified" }]);
        const more = readCandidates("abduce", [{ input: "2", verdict: "refuted" }, { input: "1", verdict: "verified" }]);
        expect(merge(first === undefined ? [] : [first], more).map(({ text, claim }) => `${text} ${claim}`)).toEqual(["1 verified", "2 refuted"]);
    });
});

describe("listed candidates", () => {
    const result = { verdict: "verified", program: "good", candidates: [{ program: "good", verdict: "verified" }, { program: "bad", verdict: "refuted" }] };
    const answer = readAnswer("induce", result);

    it("are all while they come in, and the others once the answer stands", () => {
        const names = (settled: boolean) => listed("induce", answer.candidates, answer, settled).map(({ text }) => text);
        expect(names(false)).toEqual(["good", "bad"]);
        expect(names(true)).toEqual(["bad"]);
    });

    it("repeat no predicted value that is alone", () => {
        const one = readAnswer("deduce", { verdict: "verified", actual: "5", candidates: [{ value: "5", count: 3 }] });
        expect(listed("deduce", one.candidates, one, false)).toHaveLength(1);
        expect(listed("deduce", one.candidates, one, true)).toEqual([]);
    });
});

describe("claims", () => {
    it("have a badge with a sign and a word each", () => {
        expect(new Set(CLAIMS.map((claim) => BADGES[claim].glyph)).size).toBe(CLAIMS.length);
        expect(asClaim("something new")).toBe("unverified");
    });
});

describe("errors", () => {
    it("say what to do once", () => {
        const error = Object.assign(new Error("The model is not loaded."), { data: { kind: "ModelNotLoaded", hint: "Load one." } });
        expect(describeError(error)).toBe("The model is not loaded. Load one.");
        const bare = { message: "running programs is switched off", data: { hint: "set azr.execution" } };
        expect(describeError(bare)).toBe("running programs is switched off; set azr.execution");
        expect(describeError("plain")).toBe("plain");
    });
});

it("durations are read at a glance", () => {
    expect([3.4, 1500, 61_000].map(duration)).toEqual(["3 ms", "1.5 s", "1 min 1 s"]);
});
