// The script of the Reasoning view: a form for the question, below it the answers, newest first.

import { BADGES, type Claim } from "../reasoning/claim";
import type { Candidate } from "../reasoning/answer";
import { listed } from "../reasoning/answer";
import { KINDS, type Kind } from "../reasoning/question";
import { api, button, byId, element } from "./dom";
import type { Entry, FromReasoning, ReasoningState } from "./messages";

const EXPLANATIONS: Readonly<Record<Kind, string>> = {
    deduce: "What does the call return? The prediction is checked by running it.",
    abduce: "Which arguments give this value? Every one found is checked by running it.",
    induce: "Which function fits the examples? It is checked on them, and on some that the model did not see.",
};
const FIELDS = ["program", "name", "input", "output", "examples", "message"] as const satisfies readonly (keyof ReasoningState["question"])[];

const form = byId("question", HTMLFormElement);
const inputs = new Map(
    FIELDS.map((field) => {
        const found = document.getElementById(field);
        if (!(found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement)) throw new Error(`the page has no ${field}`);
        return [field, found] as const;
    }),
);
const radios = [...document.querySelectorAll<HTMLInputElement>("input[name=kind]")];
let revision = -1;
/** Which foldings the person opened, by entry. */
const opened = new Set<number>();

function send(message: FromReasoning): void {
    api.postMessage(message);
}

for (const [field, input] of inputs) input.addEventListener("input", () => send({ type: "edit", field, value: input.value }));
for (const radio of radios) {
    radio.addEventListener("change", () => {
        send({ type: "edit", field: "kind", value: radio.value });
        showKind(radio.value);
    });
}
form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({ type: "ask" });
});
form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        send({ type: "ask" });
    }
});

function showKind(value: string): void {
    const kind = KINDS.find((each) => each === value) ?? "deduce";
    byId("explanation", HTMLElement).textContent = EXPLANATIONS[kind];
    byId("of-program", HTMLElement).hidden = kind === "induce";
    byId("of-input", HTMLElement).hidden = kind !== "deduce";
    byId("of-output", HTMLElement).hidden = kind !== "abduce";
    byId("of-examples", HTMLElement).hidden = kind !== "induce";
}

function badge(claim: Claim): HTMLElement {
    const { glyph, label, explanation } = BADGES[claim];
    return element("span", { class: `badge ${claim}`, title: explanation }, element("span", { "aria-hidden": "true" }, glyph), ` ${label}`);
}

function candidateItem(candidate: Candidate, kind: Kind): HTMLElement {
    const notes = [
        candidate.detail,
        candidate.count > 1 ? `${candidate.count} times` : "",
        candidate.source === "" ? "" : `by ${candidate.source}`,
    ].filter((note) => note !== "");
    return element(
        "li",
        {},
        badge(candidate.claim),
        code(candidate.text, kind === "induce"),
        notes.length === 0 ? undefined : element("span", { class: "notes" }, notes.join(", ")),
    );
}

function code(text: string, block = false): HTMLElement {
    return block ? element("pre", { tabindex: "0" }, element("code", {}, text)) : element("code", {}, text);
}

function row(label: string, value: string, strong = false): HTMLElement | undefined {
    if (value === "") return undefined;
    return element("div", { class: strong ? "row strong" : "row" }, element("span", { class: "label" }, label), code(value));
}

function drawEntry(entry: Entry): HTMLElement {
    const { answer } = entry;
    const parts = answer === undefined || answer.candidates.length === 0 ? entry.parts : answer.candidates;
    const article = element("article", { class: "entry", "data-state": entry.state, "data-claim": answer?.claim ?? "" });
    const head = element("header", {}, element("h2", {}, entry.title));
    const settled = answer !== undefined && entry.state !== "running";
    if (entry.state === "running") head.append(element("span", { class: "badge running" }, "running"));
    else if (entry.state === "cancelled") head.append(element("span", { class: "badge" }, "cancelled"));
    else if (answer !== undefined) head.append(badge(answer.claim));
    article.append(head);
    if (entry.error !== "") article.append(element("p", { class: "error" }, entry.error));
    if (answer !== undefined) {
        if (entry.kind === "deduce") {
            const executed = row("executed", answer.actual, true);
            const predicted = row("model", answer.predicted);
            const raised = row("raised", answer.raised, true);
            for (const each of [executed, raised, predicted]) if (each !== undefined) article.append(each);
        } else if (answer.text === "" && entry.state !== "running") {
            article.append(element("p", {}, "Nothing was found within the time for one question."));
        } else if (answer.text !== "") {
            article.append(code(answer.text, true));
        }
    }
    const others = listed(entry.kind, parts, answer, settled);
    if (others.length > 0) {
        const items = element("ul", { class: "candidates", "aria-label": "Candidates" });
        items.append(...others.map((candidate) => candidateItem(candidate, entry.kind)));
        article.append(items);
    }
    if (answer !== undefined && answer.rationale !== "") {
        const folded = element("details", {}, element("summary", {}, "The model's reasoning"), element("pre", { tabindex: "0" }, answer.rationale));
        folded.open = opened.has(entry.id);
        folded.addEventListener("toggle", () => (folded.open ? opened.add(entry.id) : opened.delete(entry.id)));
        article.append(folded);
    }
    const facts = [entry.origin, answer === undefined || answer.source === "" ? "" : `by ${answer.source}`, ...(answer?.facts ?? [])];
    article.append(element("p", { class: "facts" }, facts.filter((fact) => fact !== "").join(" · ")));
    const actions = element("div", { class: "actions" });
    if (entry.state === "running") {
        actions.append(button("Cancel", () => send({ type: "cancel", id: entry.id }), { class: "secondary", "aria-label": `Cancel ${entry.title}` }));
    }
    if (answer !== undefined && answer.text !== "") {
        const { text } = answer;
        actions.append(
            button("Insert", () => send({ type: "insert", text }), { "aria-label": `Insert the answer to ${entry.title} at the cursor` }),
            button("Copy", () => send({ type: "copy", text }), { class: "secondary", "aria-label": `Copy the answer to ${entry.title}` }),
        );
    }
    article.append(actions);
    return article;
}

function draw(state: ReasoningState): void {
    if (state.revision !== revision) {
        revision = state.revision;
        for (const [field, input] of inputs) input.value = state.question[field];
        for (const radio of radios) radio.checked = radio.value === state.question.kind;
        const { name, program, origin } = state.question;
        byId("origin", HTMLElement).textContent = [name, origin === "" ? "" : `from ${origin}`].filter((part) => part !== "").join(" ");
        byId("of-program", HTMLDetailsElement).open = program === "";
        showKind(state.question.kind);
    }
    byId("notice", HTMLElement).textContent = state.notice;
    const drawn = state.entries.map(drawEntry);
    if (drawn.length === 0) drawn.push(element("p", { class: "empty" }, "Answers appear here, each with what execution says about it."));
    const entries = byId("entries", HTMLElement);
    // A page that is not the focused one keeps its active element: focusing that would take the keys from the editor.
    const label = document.hasFocus() && entries.contains(document.activeElement) ? (document.activeElement?.getAttribute("aria-label") ?? "") : "";
    entries.replaceChildren(...drawn);
    // The focus stays where it was while candidates stream in.
    if (label !== "") {
        for (const each of entries.querySelectorAll<HTMLElement>("button")) if (each.getAttribute("aria-label") === label) each.focus();
    }
}

window.addEventListener("message", (event: MessageEvent<ReasoningState>) => draw(event.data));
send({ type: "ready" });
