// A question as the view edits it, made from where the person is in a file, and the request it becomes.

import type { Example } from "./pythonText";
import { definitionsOf, functionAt, isBalanced, readCall, readExamples, writeExamples } from "./pythonText";

export const KINDS = ["deduce", "abduce", "induce"] as const;
export type Kind = (typeof KINDS)[number];

export interface Question {
    readonly kind: Kind;
    /** The function that is asked about; empty for induction. */
    readonly name: string;
    /** Source of the program. */
    readonly program: string;
    /** Arguments, as between the brackets of a call. */
    readonly input: string;
    /** The value that the function shall return, as a Python literal. */
    readonly output: string;
    /** Lines `input -> output`. */
    readonly examples: string;
    /** What the function shall do, in words. */
    readonly message: string;
    /** Where the program comes from, for people. */
    readonly origin: string;
}

export const EMPTY: Question = {
    kind: "deduce",
    name: "",
    program: "",
    input: "",
    output: "",
    examples: "",
    message: "",
    origin: "",
};

export interface Place {
    readonly text: string;
    /** Lines of the selection, first and last, and its text (empty without one). */
    readonly firstLine: number;
    readonly lastLine: number;
    readonly selected: string;
    readonly file: string;
}

/** The question that somebody at this place most likely has. */
export function questionAt(place: Place, kind: Kind): Question {
    const lines = place.text.split(/\r?\n/u);
    const selected = place.selected.trim();
    const origin = `${place.file}:${place.firstLine + 1}`;
    if (kind === "induce") {
        const around = functionAt(lines, place.firstLine);
        const source = selected !== "" ? selected : around === undefined ? (lines[place.firstLine] ?? "") : linesOf(lines, around);
        return { ...EMPTY, kind, origin, examples: writeExamples(readExamples(source)) };
    }
    const line = lines[place.firstLine] ?? "";
    const asserted = assertion(selected !== "" ? selected : line);
    // A call of the module's own level stands for itself; inside a function its arguments are that function's names.
    const statement = selected !== "" || /^\s/u.test(line) ? selected : line;
    const called = readCall(statement) ?? (asserted === undefined ? undefined : { name: asserted.name, input: asserted.input });
    if (called !== undefined) {
        return {
            ...EMPTY,
            kind,
            origin,
            name: called.name,
            program: programOf(lines, called.name) ?? definitionsOf(place.text),
            input: called.input,
            output: asserted?.output ?? "",
        };
    }
    if (/^\s*(?:@|(?:async\s+)?def\s)/u.test(selected)) {
        const inside = functionAt(selected.split(/\r?\n/u), 0);
        const example = firstExample(selected, place.text, inside?.name ?? "");
        return { ...EMPTY, kind, origin, name: inside?.name ?? "", program: selected, ...example };
    }
    const around = functionAt(lines, place.firstLine);
    if (around === undefined) return { ...EMPTY, kind, origin, program: selected };
    const program = programOf(lines, around.name) ?? linesOf(lines, around);
    return { ...EMPTY, kind, origin, name: around.name, program, ...firstExample(linesOf(lines, around), place.text, around.name) };
}

/** The question in the parameters of a request, as a lens or an action of the server has them. */
export function questionOf(kind: Kind, asked: Record<string, unknown>, origin: string): Question {
    const of = (name: string): string => (typeof asked[name] === "string" ? asked[name] : "");
    const examples = Array.isArray(asked["examples"]) ? (asked["examples"] as Partial<Example>[]) : [];
    const whole = examples.filter((each): each is Example => typeof each.input === "string" && typeof each.output === "string");
    return { ...EMPTY, kind, origin, name: of("function"), program: of("program"), input: of("input"), output: of("output"), examples: writeExamples(whole) };
}

function linesOf(lines: readonly string[], { firstLine, lastLine }: { firstLine: number; lastLine: number }): string {
    return lines.slice(firstLine, lastLine + 1).join("\n");
}

/** The definitions of the file serve as the program where the function is one of them: helpers and constants come along. */
function programOf(lines: readonly string[], name: string): string | undefined {
    return lines.some((line) => new RegExp(`^(?:async\\s+)?def\\s+${name}(?![\\p{L}\\p{N}_])`, "u").test(line)) ? definitionsOf(lines.join("\n")) : undefined;
}

function assertion(text: string): { name: string; input: string; output: string } | undefined {
    const call = /^\s*(?:#\s*|>>>\s*|assert\s+)?([\p{L}_][\p{L}\p{N}_]*)\s*\(/u.exec(text);
    const example = readExamples(text)[0];
    const name = call?.[1];
    return example === undefined || name === undefined ? undefined : { name, ...example };
}

/** The first example of the function in its own text, else in the file. */
function firstExample(own: string, file: string, name: string): { input: string; output: string } {
    for (const text of [own, file]) {
        const lines = text.split(/\r?\n/u);
        for (let at = 0; at < lines.length; at += 1) {
            const line = lines[at] ?? "";
            if (!line.includes(`${name}(`)) continue;
            const example = readExamples(`${line}\n${lines[at + 1] ?? ""}`)[0];
            if (example !== undefined && assertionName(line) === name) return { input: example.input, output: example.output };
        }
    }
    return { input: "", output: "" };
}

function assertionName(line: string): string | undefined {
    return /^\s*(?:#\s*|>>>\s*|assert\s+)?([\p{L}_][\p{L}\p{N}_]*)\s*\(/u.exec(line)?.[1];
}

export interface Budget {
    readonly ms: number;
}

/** What is missing before the question can be asked, in words for the person, or nothing. */
export function missing(question: Question): string | undefined {
    if (question.kind === "induce") {
        return readExamples(question.examples).length === 0
            ? "Give at least one example, one a line: 3, 4 -> 7"
            : undefined;
    }
    if (question.program.trim() === "") return "Put the cursor into a Python function, or write one here.";
    const text = question.kind === "deduce" ? question.input : question.output;
    if (!isBalanced(text)) return "A bracket or a string is not closed.";
    return question.kind === "abduce" && text.trim() === "" ? "Give the value that the function shall return." : undefined;
}

/** Method and parameters of the request. */
export function request(question: Question, budget: Budget): { method: string; params: Record<string, unknown> } {
    const named = question.name === "" ? {} : { function: question.name };
    switch (question.kind) {
        case "deduce":
            return { method: "azr/deduce", params: { program: question.program, ...named, input: question.input, budget } };
        case "abduce":
            return { method: "azr/abduce", params: { program: question.program, ...named, output: question.output, budget } };
        case "induce": {
            const examples: Example[] = readExamples(question.examples);
            const message = question.message.trim() === "" ? {} : { message: question.message };
            return { method: "azr/induce", params: { examples, ...message, budget } };
        }
    }
}

/** One line that names the question. */
export function title(question: Question): string {
    const name = question.name === "" ? "f" : question.name;
    switch (question.kind) {
        case "deduce":
            return `${name}(${question.input})`;
        case "abduce":
            return `${name}(?) == ${question.output}`;
        case "induce":
            return `a function for ${readExamples(question.examples).length} example(s)`;
    }
}
