// What the server says about itself, and the line and the tooltip that people see.

import { count, fields, text } from "../reasoning/answer";

export interface Training {
    readonly runId: string;
    readonly step: number;
    readonly steps: number | undefined;
    readonly stopping: boolean;
}

export interface Status {
    readonly daemonVersion: string;
    readonly uptimeSeconds: number | undefined;
    readonly clients: number | undefined;
    readonly model: string;
    readonly modelVersion: string;
    readonly device: string;
    readonly loaded: boolean;
    /** Programs cannot be run yet: on the first start the sandbox is compiled for this machine. */
    readonly preparing: boolean;
    readonly interactive: number;
    readonly background: number;
    readonly training: Training | undefined;
    /** Address of the pages and of the HTTP interface, where the daemon serves them. */
    readonly http: string;
}

export const UNKNOWN: Status = {
    daemonVersion: "",
    uptimeSeconds: undefined,
    clients: undefined,
    model: "",
    modelVersion: "",
    device: "",
    loaded: false,
    preparing: false,
    interactive: 0,
    background: 0,
    training: undefined,
    http: "",
};

/** Reads `azr/status`, or a part of it on top of what is known (`azr/statusChanged`). */
export function readStatus(value: unknown, known: Status = UNKNOWN): Status {
    const all = fields(value);
    const daemon = fields(all["daemon"]);
    const model = fields(all["model"]);
    const queue = fields(all["queue"]);
    return {
        daemonVersion: text(daemon["version"] ?? known.daemonVersion),
        uptimeSeconds: count(daemon["uptime"]) ?? known.uptimeSeconds,
        clients: count(daemon["clients"]) ?? known.clients,
        model: text(model["name"] ?? known.model),
        modelVersion: text(model["version"] ?? known.modelVersion),
        device: text(model["device"] ?? known.device),
        loaded: typeof model["loaded"] === "boolean" ? model["loaded"] : known.loaded,
        preparing: "sandbox" in daemon ? daemon["sandbox"] === "preparing" : known.preparing,
        interactive: count(queue["interactive"]) ?? known.interactive,
        background: count(queue["background"]) ?? known.background,
        // Absent in a whole status means none; absent in a part means as before.
        training: "training" in all || "daemon" in all ? readTraining(all["training"]) : known.training,
        http: text(daemon["http"] ?? all["http"] ?? known.http),
    };
}

function readTraining(value: unknown): Training | undefined {
    const all = fields(value);
    const runId = text(all["runId"]);
    if (runId === "") return undefined;
    return {
        runId,
        step: count(all["step"]) ?? 0,
        steps: count(all["steps"]),
        stopping: text(all["state"]) === "stopping",
    };
}

export type Connection = "stopped" | "starting" | "running" | "reconnecting" | "failed";

export interface Line {
    readonly text: string;
    readonly severity: "normal" | "warning" | "error";
    /** Sentences for the tooltip and for people who cannot see icons. */
    readonly details: readonly string[];
}

/** The status item: state of the connection, else model, version, step of the training and queue. */
export function statusLine(connection: Connection, status: Status, reason: string): Line {
    switch (connection) {
        case "stopped":
            return { text: "$(circle-slash) AZR", severity: "normal", details: ["AZR is stopped."] };
        case "starting":
            return { text: "$(loading~spin) AZR", severity: "normal", details: ["AZR is starting."] };
        case "reconnecting":
            return { text: "$(sync~spin) AZR", severity: "warning", details: ["The daemon ended; AZR is reconnecting."] };
        case "failed":
            return { text: "$(error) AZR", severity: "error", details: [reason] };
        case "running":
            break;
    }
    const model = status.model === "" ? "AZR" : status.model;
    const version = status.modelVersion === "" ? "" : ` v${status.modelVersion.replace(/^v/u, "")}`;
    const { training } = status;
    const step = training !== undefined ? ` $(pulse) ${training.step}${training.steps === undefined ? "" : `/${training.steps}`}` : "";
    const waiting = status.interactive + status.background;
    const queue = waiting > 0 ? ` $(list-ordered) ${waiting}` : "";
    const details = [`Model: ${model}${version}${status.device === "" ? "" : ` on ${status.device}`}${status.loaded ? "" : ", not loaded yet"}`];
    details.push(training !== undefined ? `Self-play: step ${training.step}${training.steps === undefined ? "" : ` of ${training.steps}`} of ${training.runId}` : "Self-play: no run");
    details.push(`Queue: ${status.interactive} questions, ${status.background} for hints`);
    if (status.daemonVersion !== "") {
        const clients = status.clients === undefined ? "" : `, ${status.clients} window${status.clients === 1 ? "" : "s"}`;
        details.push(`Daemon: ${status.daemonVersion}${clients}`);
    }
    if (status.preparing) {
        details.unshift("The sandbox is being prepared. On the first start that takes a minute; values are shown after it.");
        return { text: `$(loading~spin) ${model}${version}: preparing the sandbox`, severity: "normal", details };
    }
    return { text: `$(check-all) ${model}${version}${step}${queue}`, severity: "normal", details };
}
