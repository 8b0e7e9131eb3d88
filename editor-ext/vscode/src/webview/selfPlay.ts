// The script of the Self-play view: start and stop a run, its curve, and what the model proposed last.

import type { Proposal } from "../selfplay/progress";
import { axes, FRAME, polyline, x, y } from "./curve";
import { api, byId, element, svg } from "./dom";
import type { FromSelfPlay, SelfPlayState } from "./messages";

const steps = byId("steps", HTMLInputElement);

function send(message: FromSelfPlay): void {
    api.postMessage(message);
}

function start(resume: boolean): void {
    if (steps.reportValidity()) send({ type: "start", steps: steps.valueAsNumber, resume });
}

byId("run", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    start(false);
});
byId("resume", HTMLButtonElement).addEventListener("click", () => start(true));
byId("stop", HTMLButtonElement).addEventListener("click", () => send({ type: "stop" }));

function drawCurve({ progress, totalSteps }: SelfPlayState): Node {
    if (progress.points.length === 0) return element("p", { class: "empty" }, "The curve appears with the first step.");
    const bounds = axes(progress.points, totalSteps);
    const last = progress.points.at(-1);
    const label = `Solver reward ${format(last?.solver)} and proposer reward ${format(last?.proposer)} at step ${last?.step ?? 0}`;
    const picture = svg("svg", { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, role: "img", "aria-label": label, class: "curve" });
    for (const value of [bounds.lowest, (bounds.lowest + bounds.highest) / 2, bounds.highest]) {
        const height = y(value, bounds);
        picture.append(
            svg("line", { class: "grid", x1: FRAME.left, x2: FRAME.width - FRAME.right, y1: height, y2: height }),
            svg("text", { class: "tick", x: FRAME.left - 4, y: height + 3, "text-anchor": "end" }, value.toFixed(1)),
        );
    }
    for (const [step, anchor] of [[bounds.firstStep, "start"], [bounds.lastStep, "end"]] as const) {
        picture.append(svg("text", { class: "tick", x: x(step, bounds), y: FRAME.height - 5, "text-anchor": anchor }, String(step)));
    }
    picture.append(
        svg("polyline", { class: "line proposer", points: polyline(progress.points, "proposer", bounds) }),
        svg("polyline", { class: "line solver", points: polyline(progress.points, "solver", bounds) }),
    );
    return picture;
}

function format(value: number | undefined): string {
    return value === undefined ? "–" : value.toFixed(2);
}

function drawProposal(proposal: Proposal): HTMLElement {
    const good = proposal.verdict === "value" || proposal.verdict === "valid" || proposal.verdict === "verified";
    return element(
        "li",
        {},
        element("span", { class: `badge ${good ? "verified" : "refuted"}` }, element("span", { "aria-hidden": "true" }, good ? "✓" : "✗"), ` ${proposal.verdict.replaceAll("_", " ")}`),
        element("span", { class: "notes" }, [`step ${proposal.step}`, proposal.taskType, proposal.reward === undefined ? "" : `reward ${proposal.reward.toFixed(2)}`].filter((note) => note !== "").join(", ")),
        proposal.program === "" ? undefined : element("pre", { tabindex: "0" }, element("code", {}, proposal.program)),
    );
}

function sentence(state: SelfPlayState): string {
    const { progress, totalSteps, runId } = state;
    const of = totalSteps === undefined ? "" : ` of ${totalSteps}`;
    if (state.stopping) return `Stopping after a checkpoint (step ${progress.step}).`;
    if (state.running) return `${runId}: step ${progress.step}${of}.`;
    if (progress.ended === "error") return `${runId} ended: ${progress.message}`;
    if (progress.ended === "done") return `${runId} is done after step ${progress.step}.`;
    return runId === "" ? "The model in the daemon can learn from its own tasks while you work." : `${runId} stopped at step ${progress.step}.`;
}

function draw(state: SelfPlayState): void {
    byId("state", HTMLElement).textContent = sentence(state);
    byId("notice", HTMLElement).textContent = state.notice;
    byId("setup", HTMLElement).hidden = state.running;
    byId("resume", HTMLButtonElement).hidden = !state.resumable;
    byId("stop", HTMLButtonElement).hidden = !state.running;
    byId("stop", HTMLButtonElement).disabled = state.stopping;
    byId("curve", HTMLElement).replaceChildren(drawCurve(state));
    const last = state.progress.points.at(-1);
    const accuracy = state.progress.evaluations.at(-1);
    byId("legend", HTMLElement).replaceChildren(
        ...(last === undefined
            ? []
            : [
                  element("span", {}, element("span", { class: "mark solver", "aria-hidden": "true" }, "— "), `solver ${format(last.solver)}`),
                  element("span", {}, element("span", { class: "mark proposer", "aria-hidden": "true" }, "- - "), `proposer ${format(last.proposer)}`),
                  accuracy === undefined ? "" : element("span", {}, `${accuracy.name} ${accuracy.value.toFixed(1)} at step ${accuracy.step}`),
              ]),
    );
    const items = element("ul", { class: "candidates" });
    items.append(...state.progress.proposals.map(drawProposal));
    byId("proposals", HTMLElement).replaceChildren(
        state.progress.proposals.length === 0 ? element("p", { class: "empty" }, "None yet.") : items,
    );
}

window.addEventListener("message", (event: MessageEvent<SelfPlayState>) => draw(event.data));
send({ type: "ready" });
