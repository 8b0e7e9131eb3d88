// Files made of recorded programs: functions of CRUXEval and reference programs of HumanEval+, with what they return.
// The data stays where it is; the files live in the temporary folder of a run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

function rows(path) {
    return gunzipSync(readFileSync(path)).toString("utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Functions of CRUXEval, each under a name of its own, each with an assertion of its recorded output. */
export function cruxeval(folder, count) {
    const path = join(folder, "cruxeval/cruxeval.jsonl.gz");
    const programs = rows(path).slice(0, count).map(({ code, input, output }, at) => {
        const name = `sample_${at}`;
        return `${code.replace(/\bf\(/, `${name}(`)}\n\n\nassert ${name}(${input}) == ${output}\n`;
    });
    return programs.join("\n\n");
}

/** Reference programs of HumanEval+, with the doctests of their prompts. */
export function humaneval(folder, count) {
    const path = join(folder, "humaneval_plus/HumanEvalPlus-Mini-v0.1.10.jsonl.gz");
    const programs = rows(path)
        .filter(({ prompt }) => prompt.includes(">>>"))
        .slice(0, count)
        .map((row) => row.prompt + row.canonical_solution.replace(/^\n+/, ""));
    return programs.join("\n\n");
}
