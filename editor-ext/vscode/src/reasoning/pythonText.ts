// The little of Python's surface that the editor needs to fill in a question: calls, examples, the function around a
// line. Nothing is evaluated, and the server parses everything anew; a wrong guess here costs an edit in the view.

const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Index after the string that starts at `start`, or `undefined` if it does not end. */
function afterString(text: string, start: number): number | undefined {
    const quote = text.charAt(start);
    const long = text.startsWith(quote.repeat(3), start);
    const end = long ? quote.repeat(3) : quote;
    let at = start + end.length;
    while (at < text.length) {
        if (text.charAt(at) === "\\") {
            at += 2;
        } else if (text.startsWith(end, at)) {
            return at + end.length;
        } else if (!long && text.charAt(at) === "\n") {
            return undefined;
        } else {
            at += 1;
        }
    }
    return undefined;
}

/** Walks over code outside strings; `visit` gets the index and the depth of brackets, and stops by returning true. */
function walk(text: string, visit: (index: number, depth: number) => boolean): "stopped" | "end" | "broken" {
    const open: string[] = [];
    let at = 0;
    while (at < text.length) {
        const character = text.charAt(at);
        if (character === "'" || character === '"') {
            const after = afterString(text, at);
            if (after === undefined) return "broken";
            at = after;
            continue;
        }
        if (open.length > 0 && character === open.at(-1)) open.pop();
        if (visit(at, open.length)) return "stopped";
        const closing = CLOSING[character];
        if (closing !== undefined) open.push(closing);
        at += 1;
    }
    return open.length === 0 ? "end" : "broken";
}

/** Whether brackets and strings are closed. */
export function isBalanced(text: string): boolean {
    let stray = false;
    const open: string[] = [];
    const result = walk(text, (index) => {
        const character = text.charAt(index);
        const closing = CLOSING[character];
        if (closing !== undefined) open.push(closing);
        else if (")]}".includes(character) && open.pop() !== character) stray = true;
        return stray;
    });
    return result === "end" && !stray;
}

export interface Call {
    readonly name: string;
    /** The text between the brackets. */
    readonly input: string;
}

/** Reads `name(arguments)`, all of the text, or gives nothing. */
export function readCall(text: string): Call | undefined {
    const match = /^\s*([\p{L}_][\p{L}\p{N}_]*)\s*\(/u.exec(text);
    const name = match?.[1];
    if (match === null || name === undefined || KEYWORDS.has(name)) return undefined;
    const start = match[0].length - 1;
    const body = text.slice(start);
    let end = -1;
    walk(body, (index, depth) => {
        if (index > 0 && depth === 0) end = index;
        return end >= 0;
    });
    if (end < 0 || body.charAt(end) !== ")" || body.slice(end + 1).trim() !== "") return undefined;
    return { name, input: body.slice(1, end).trim() };
}

const KEYWORDS = new Set([
    "assert", "await", "def", "del", "elif", "for", "if", "in", "is", "lambda", "not", "or", "print", "return", "while",
    "with", "yield",
]);

/** Splits at the first `separator` that stands outside brackets and strings. */
function splitAt(text: string, separators: readonly string[]): [string, string, string] | undefined {
    let found: [string, string, string] | undefined;
    walk(text, (index, depth) => {
        if (depth > 0) return false;
        for (const separator of separators) {
            if (text.startsWith(separator, index)) {
                found = [text.slice(0, index).trim(), text.slice(index + separator.length).trim(), separator];
                return true;
            }
        }
        return false;
    });
    return found;
}

/** Cuts a comment and the message of an assertion off. */
function expression(text: string): string {
    let end = text.length;
    walk(text, (index, depth) => {
        if (depth === 0 && (text.charAt(index) === "#" || text.charAt(index) === ",")) end = index;
        return end < text.length;
    });
    return text.slice(0, end).trim();
}

export interface Example {
    readonly input: string;
    readonly output: string;
}

/**
 * Reads examples out of text, whichever of the usual forms they have: `assert f(1) == 2`, `f(1) == 2`, `f(1) -> 2`,
 * `# f(1) = 2`, a doctest, or plain `1 -> 2` with the arguments on the left.
 */
export function readExamples(text: string): Example[] {
    const examples: Example[] = [];
    const lines = text.split(/\r?\n/u);
    for (let at = 0; at < lines.length; at += 1) {
        let line = (lines[at] ?? "").trim();
        if (line.startsWith(">>>")) {
            const call = readCall(line.slice(3));
            const output = (lines[at + 1] ?? "").trim();
            if (call !== undefined && output !== "" && !output.startsWith(">>>")) {
                examples.push({ input: call.input, output });
                at += 1;
            }
            continue;
        }
        line = line.replace(/^#\s*/u, "").replace(/^assert\s+/u, "");
        const sides = splitAt(line, ["==", "->", "=>", "→"]) ?? splitAt(line, [" = "]);
        if (sides === undefined) continue;
        const call = readCall(sides[0]);
        const arrow = ["->", "=>", "→"].includes(sides[2]) && !line.endsWith(":");
        const output = call === undefined ? sides[1] : expression(sides[1]);
        if (sides[0] === "" || output === "" || !isBalanced(sides[0]) || !isBalanced(output)) continue;
        if (call !== undefined) examples.push({ input: call.input, output });
        else if (arrow) examples.push({ input: sides[0], output });
    }
    return examples;
}

/** Examples as the lines `input -> output` that the view shows and `readExamples` reads. */
export function writeExamples(examples: readonly Example[]): string {
    return examples.map(({ input, output }) => `${input} -> ${output}`).join("\n");
}

export interface FunctionAt {
    readonly name: string;
    /** Line of the first decorator, or of `def`. */
    readonly firstLine: number;
    /** Line of `def`. */
    readonly defLine: number;
    readonly lastLine: number;
    /** Column of the name. */
    readonly nameColumn: number;
}

const DEF = /^(\s*)(?:async\s+)?def\s+([\p{L}_][\p{L}\p{N}_]*)/u;

/** The innermost function whose text has the line. */
export function functionAt(lines: readonly string[], line: number): FunctionAt | undefined {
    for (let at = Math.min(line, lines.length - 1); at >= 0; at -= 1) {
        const match = DEF.exec(lines[at] ?? "");
        const name = match?.[2];
        if (match === null || name === undefined) continue;
        const indent = (match[1] ?? "").length;
        const lastLine = lastLineOf(lines, at, indent);
        let firstLine = at;
        while (firstLine > 0 && (lines[firstLine - 1] ?? "").trimStart().startsWith("@")) firstLine -= 1;
        if (line <= lastLine) return { name, firstLine, defLine: at, lastLine, nameColumn: match[0].length - name.length };
    }
    // On a decorator: the function follows.
    let at = line;
    while ((lines[at] ?? "").trimStart().startsWith("@")) at += 1;
    return at > line && DEF.test(lines[at] ?? "") ? functionAt(lines, at) : undefined;
}

const KEPT = /^(?:(?:async\s+)?def\s|class\s|@|import\s|from\s|[\p{L}_][\p{L}\p{N}_]*\s*(?::[^=]+)?=(?!=))/u;

/**
 * The definitions, imports and assignments of a file. What else stands at its top level is left out: assertions, calls
 * and the like would run before the question, and one that fails would be the answer.
 */
export function definitionsOf(text: string): string {
    const kept: string[] = [];
    let chunk: string[] = [];
    const finish = (): void => {
        const first = chunk[0] ?? "";
        if (KEPT.test(first)) kept.push(chunk.join("\n").trimEnd());
        chunk = [];
    };
    for (const line of text.split(/\r?\n/u)) {
        const begins = /^[^\s#)\]}]/u.test(line);
        // A decorator belongs to what follows; an open bracket or string goes on.
        const goesOn = chunk.length > 0 && (chunk.every((each) => /^(?:@|#|\s*$)/u.test(each)) || !isBalanced(chunk.join("\n")));
        if (begins && !goesOn) finish();
        if (chunk.length > 0 || begins) chunk.push(line);
    }
    finish();
    return kept.length === 0 ? "" : `${kept.join("\n\n")}\n`;
}

function lastLineOf(lines: readonly string[], start: number, indent: number): number {
    let last = start;
    let inHeader = true;
    for (let at = start; at < lines.length; at += 1) {
        const text = lines[at] ?? "";
        if (inHeader) {
            last = at;
            // The header may span lines: it ends with the first line whose code ends in a colon.
            const header = lines.slice(start, at + 1).join("\n");
            if (isBalanced(header) && /:\s*(#.*)?$|:\s*\S/u.test(text)) inHeader = false;
            continue;
        }
        if (text.trim() === "") continue;
        const depth = text.length - text.trimStart().length;
        if (depth <= indent && !/^\s*[)\]}]/u.test(text)) break;
        last = at;
    }
    return last;
}
