import { describe, expect, it } from "vitest";
import { EMPTY, missing, questionAt, questionOf, request, title } from "../../src/reasoning/question";

const FILE = `LIMIT = 10

def helper(x):
    return x % LIMIT

def f(a, b):
    return helper(a) + b

assert f(13, 4) == 7
assert helper(3) == 3
`;

const PROGRAM = "LIMIT = 10\n\ndef helper(x):\n    return x % LIMIT\n\ndef f(a, b):\n    return helper(a) + b\n";

const at = (line: number, selected = "", text = FILE): Parameters<typeof questionAt>[0] => ({ text, firstLine: line, lastLine: line, selected, file: "m.py" });

describe("questionAt", () => {
    it("takes the function around the cursor, its helpers, and an example of the file", () => {
        expect(questionAt(at(6), "deduce")).toEqual({ ...EMPTY, kind: "deduce", name: "f", program: PROGRAM, input: "13, 4", output: "7", origin: "m.py:7" });
    });

    it("takes the call that is selected", () => {
        expect(questionAt(at(8, "helper(99)"), "deduce")).toMatchObject({ name: "helper", input: "99", output: "" });
    });

    it("takes the call that is the line, but not one inside a function", () => {
        expect(questionAt(at(10, "", `${FILE}\nf(1, 2)\n`.replace("\n\nf(1", "\nf(1")), "deduce")).toMatchObject({ name: "f", input: "1, 2" });
        const inside = "def g(x):\n    return x\n\ndef h(x):\n    g(x)\n";
        expect(questionAt(at(4, "", inside), "deduce")).toMatchObject({ name: "h" });
    });

    it("takes the assertion under the cursor", () => {
        expect(questionAt(at(9), "abduce")).toMatchObject({ name: "helper", input: "3", output: "3" });
    });

    it("takes a selected function as the program", () => {
        const selected = "def g(x):\n    return x\n";
        expect(questionAt(at(0, selected), "abduce")).toMatchObject({ name: "g", program: selected.trim(), input: "" });
    });

    it("collects examples out of a selection", () => {
        expect(questionAt(at(8, "assert f(13, 4) == 7\nassert f(0, 1) == 1"), "induce").examples).toBe("13, 4 -> 7\n0, 1 -> 1");
    });

    it("asks nothing where nothing is", () => {
        expect(questionAt(at(0, "", "x = 1\n"), "deduce")).toMatchObject({ name: "", program: "" });
    });
});

describe("missing", () => {
    it.each([
        [{ ...EMPTY, program: "def f(): pass" }, undefined],
        [{ ...EMPTY, program: " " }, /cursor/],
        [{ ...EMPTY, program: "def f(x): pass", input: "[1" }, /not closed/],
        [{ ...EMPTY, kind: "abduce" as const, program: "def f(x): pass" }, /value/],
        [{ ...EMPTY, kind: "induce" as const, examples: "no examples" }, /example/],
        [{ ...EMPTY, kind: "induce" as const, examples: "1 -> 2" }, undefined],
    ])("%#", (question, expected) => {
        const said = missing(question);
        if (expected === undefined) expect(said).toBeUndefined();
        else expect(said).toMatch(expected);
    });
});

describe("request", () => {
    it("has the fields of the protocol", () => {
        const budget = { ms: 100 };
        expect(request({ ...EMPTY, name: "f", program: "P", input: "1" }, budget)).toEqual({ method: "azr/deduce", params: { program: "P", function: "f", input: "1", budget } });
        expect(request({ ...EMPTY, kind: "abduce", program: "P", output: "2" }, budget)).toEqual({ method: "azr/abduce", params: { program: "P", output: "2", budget } });
        expect(request({ ...EMPTY, kind: "induce", examples: "1 -> 2", message: "add" }, budget)).toEqual({
            method: "azr/induce",
            params: { examples: [{ input: "1", output: "2" }], message: "add", budget },
        });
    });

    it("has a title", () => {
        expect(title({ ...EMPTY, name: "g", input: "1" })).toBe("g(1)");
    });
});

describe("the parameters of a lens", () => {
    it("become the question in the view", () => {
        const asked = questionOf("induce", { examples: [{ input: "3, 4", output: "7" }, { input: 1 }] }, "a.py");
        expect(asked).toMatchObject({ kind: "induce", origin: "a.py" });
        expect(request(asked, { ms: 5 }).params["examples"]).toEqual([{ input: "3, 4", output: "7" }]);
        const deduced = questionOf("deduce", { program: "def f(a):\n    return a", function: "f", input: "2" }, "");
        expect(request(deduced, { ms: 5 }).params).toMatchObject({ function: "f", input: "2" });
        expect(missing(questionOf("abduce", { program: "def f(a): pass", output: 3 }, ""))).toBeDefined();
    });
});
