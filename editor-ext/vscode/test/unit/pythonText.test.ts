import { describe, expect, it } from "vitest";
import { definitionsOf, functionAt, isBalanced, readCall, readExamples, writeExamples } from "../../src/reasoning/pythonText";

describe("readCall", () => {
    it.each([
        ["f(1)", "f", "1"],
        [" add ( 3, [1, 2] ) ", "add", "3, [1, 2]"],
        ["f()", "f", ""],
        ["f(')', \"(\")", "f", "')', \"(\""],
        ["f('it\\'s')", "f", "'it\\'s'"],
        ["f('''a\n)''')", "f", "'''a\n)'''"],
        ["größe(1)", "größe", "1"],
        ["f({'a': (1, 2)})", "f", "{'a': (1, 2)}"],
    ])("reads %s", (text, name, input) => {
        expect(readCall(text)).toEqual({ name, input });
    });

    it.each(["f", "f(1", "f(1) + 2", "f(1)(2)", "if (x)", "1f(2)", "f('", "f(1]", ""])("refuses %s", (text) => {
        expect(readCall(text)).toBeUndefined();
    });
});

describe("readExamples", () => {
    it.each([
        ["assert f(1) == 2", [["1", "2"]]],
        ["    assert f(1, 'a == b') == 'c', 'message'", [["1, 'a == b'", "'c'"]]],
        ["f([1]) == [2]  # right", [["[1]", "[2]"]]],
        ["# f(1) = 2", [["1", "2"]]],
        ["# f(1) -> 2", [["1", "2"]]],
        [">>> f(1)\n2\n>>> f(2)\n3", [["1", "2"], ["2", "3"]]],
        ["3, 4 -> 7\n\n5, 6 -> 11", [["3, 4", "7"], ["5, 6", "11"]]],
        ["'a' → 'b'", [["'a'", "'b'"]]],
        ["x = 3", []],
        ["def f(x) -> int:", []],
        ["if a == b:", []],
        [">>> f(1)", []],
        ["nothing at all", []],
    ])("reads %s", (text, expected) => {
        expect(readExamples(text)).toEqual(expected.map(([input, output]) => ({ input, output })));
    });

    it("reads what writeExamples writes", () => {
        const examples = [
            { input: "3, [1, {'a': '->'}]", output: "{'b': (1, 2)}" },
            { input: "'#'", output: "'x == y'" },
        ];
        expect(readExamples(writeExamples(examples))).toEqual(examples);
    });
});

const FILE = `import math

@cache
def outer(a,
          b=(1, 2)):
    """def not_one(): pass"""

    def inner(x):
        return x

    return inner(a)

def after(x): return x
value = after(1)
`.split("\n");

describe("functionAt", () => {
    it.each([
        [0, undefined],
        [2, "outer"],
        [3, "outer"],
        [4, "outer"],
        [8, "inner"],
        [10, "outer"],
        [12, "after"],
        [13, undefined],
    ])("line %i is in %s", (line, name) => {
        expect(functionAt(FILE, line)?.name).toBe(name);
    });

    it("has the decorator and the last line", () => {
        expect(functionAt(FILE, 4)).toEqual({ name: "outer", firstLine: 2, defLine: 3, lastLine: 10, nameColumn: 4 });
    });
});

describe("definitionsOf", () => {
    it("leaves out what would run before the question", () => {
        const text = `"""Says what it does."""
import math
assert False
LIMITS = {
"a": 1,
}
@cache
# why
def f(x):
    return x

f(1)
x: int = 3
x == 4
TEXT = """
def not_one(): pass
"""
class A:
    y = 1
if __name__ == "__main__":
    f(2)
`;
        expect(definitionsOf(text)).toBe(`import math

LIMITS = {
"a": 1,
}

@cache
# why
def f(x):
    return x

x: int = 3

TEXT = """
def not_one(): pass
"""

class A:
    y = 1
`);
    });
});

describe("any text", () => {
    // A fixed sequence of pseudo-random texts out of what is hard to read.
    const pieces = ["(", ")", "[", "]", "{", "}", "'", '"', "'''", "\\", "\n", "#", "==", "->", "f(", "def f(x):", "@a", ">>> f(1)", "assert ", "é", "🐍", " ", ",", "1"];
    const texts = (n: number): string[] => {
        let state = 1;
        const draw = (below: number): number => {
            state = (state * 48271) % 2147483647;
            return state % below;
        };
        return Array.from({ length: n }, () => Array.from({ length: draw(40) }, () => pieces[draw(pieces.length)] ?? "").join(""));
    };

    it("is read without a failure, and examples are closed expressions", () => {
        for (const text of texts(20_000)) {
            isBalanced(text);
            definitionsOf(text);
            const call = readCall(text);
            if (call !== undefined) expect(text.includes(call.input)).toBe(true);
            for (const { input, output } of readExamples(text)) {
                expect(input.includes("\n")).toBe(false);
                expect(output).not.toBe("");
            }
            const lines = text.split("\n");
            for (let line = 0; line < lines.length; line += 1) {
                const found = functionAt(lines, line);
                if (found !== undefined) expect(found.firstLine <= line && line <= found.lastLine).toBe(true);
            }
        }
    });
});
