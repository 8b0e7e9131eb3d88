// The life of the connection to the server: start, stop, restart, come back after a crash. The views ask through
// `ask`, which outlives the connection: a question that a crash interrupted is asked once more.

import type { CancellationToken, Disposable, OutputChannel } from "vscode";
import { EventEmitter, workspace } from "vscode";
import type { ErrorHandler, ExecuteCommandSignature, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";
import { CloseAction, ErrorAction, LanguageClient, ProgressType, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import { describeError, fields, list, text } from "../reasoning/answer";
import { findBinary } from "./binary";
import { run, thisMachine } from "./machine";
import { Restarts } from "./restarts";
import { binarySetting, serverOptions } from "./settings";
import type { Connection, Status } from "./status";
import { readStatus, UNKNOWN } from "./status";

const RECONNECT_PATIENCE_MS = 20_000;
const STOP_PATIENCE_MS = 3_000;
const PROTOCOL = 1;

export interface Problem {
    readonly message: string;
    /** A program that is missing or old is fixed in the settings; anything else by a restart. */
    readonly fix: "settings" | "restart";
}

export type CommandIntercept = (command: string, arguments_: unknown[], next: ExecuteCommandSignature) => unknown;

export class Session implements Disposable {
    private client: LanguageClient | undefined;
    private clientListeners: Disposable[] = [];
    private connectionNow: Connection = "stopped";
    private statusNow: Status = UNKNOWN;
    private binaryPath = "";
    private reason = "";
    private readonly restarts = new Restarts();
    private nextToken = 0;
    /** Starts and stops come one after the other. */
    private queue: Promise<void> = Promise.resolve();

    private readonly changed = new EventEmitter<void>();
    private readonly problem = new EventEmitter<Problem>();
    private readonly trainEvent = new EventEmitter<unknown>();
    readonly onChanged = this.changed.event;
    readonly onProblem = this.problem.event;
    readonly onTrainEvent = this.trainEvent.event;

    constructor(
        readonly log: OutputChannel,
        private readonly intercept: CommandIntercept,
    ) {}

    get connection(): Connection {
        return this.connectionNow;
    }

    get status(): Status {
        return this.statusNow;
    }

    get failure(): string {
        return this.reason;
    }

    /** Path of the program, once it was found. */
    get binary(): string {
        return this.binaryPath;
    }

    start(): Promise<void> {
        return this.inOrder(() => this.startNow());
    }

    stop(): Promise<void> {
        return this.inOrder(() => this.stopNow());
    }

    restart(): Promise<void> {
        return this.inOrder(async () => {
            await this.stopNow();
            await this.startNow();
        });
    }

    /** Sends a request; waits for the connection first, and asks once more if it breaks meanwhile. */
    async ask(
        method: string,
        params: Record<string, unknown>,
        token?: CancellationToken,
        onPart?: (part: unknown) => void,
    ): Promise<unknown> {
        for (let attempt = 0; ; attempt += 1) {
            const client = await this.ready();
            const listeners: Disposable[] = [];
            let sent = params;
            if (onPart !== undefined) {
                const partialResultToken = `azr-${this.nextToken++}`;
                listeners.push(client.onProgress(new ProgressType<unknown>(), partialResultToken, onPart));
                sent = { ...params, partialResultToken };
            }
            try {
                return await (token === undefined ? client.sendRequest(method, sent) : client.sendRequest(method, sent, token));
            } catch (error) {
                const broken = this.client !== client || client.state !== State.Running || this.connectionNow !== "running" || isLoss(error);
                if (!broken || attempt > 0 || token?.isCancellationRequested === true) throw error;
                this.log.appendLine(`${method} was interrupted; asking again.`);
            } finally {
                for (const listener of listeners) listener.dispose();
            }
        }
    }

    /** Asks for the status now. */
    async refresh(): Promise<Status> {
        this.setStatus(readStatus(await this.ask("azr/status", {})));
        return this.statusNow;
    }

    /** Runs a command of the program, e.g. `daemon stop`. */
    async command(...arguments_: string[]): Promise<{ code: number | undefined; output: string }> {
        if (this.binaryPath === "") await this.start();
        if (this.binaryPath === "") return { code: undefined, output: this.reason };
        return run(this.binaryPath, arguments_);
    }

    /** Tells the server the settings as they are now. */
    async sendSettings(): Promise<void> {
        if (this.connectionNow === "running") {
            await this.client?.sendNotification("workspace/didChangeConfiguration", { settings: { azr: serverOptions() } });
        }
    }

    dispose(): void {
        void this.stop();
        this.changed.dispose();
        this.problem.dispose();
        this.trainEvent.dispose();
    }

    private inOrder(work: () => Promise<void>): Promise<void> {
        const next = this.queue.then(work);
        this.queue = next.catch(() => undefined);
        return next;
    }

    private async startNow(): Promise<void> {
        if (this.client !== undefined) return;
        this.set("starting");
        this.restarts.forget();
        await this.begin();
    }

    private async begin(): Promise<void> {
        if (this.client !== undefined) return;
        const found = await findBinary(binarySetting(), thisMachine());
        if (found.kind !== "found") {
            this.fail({ message: found.message, fix: "settings" });
            return;
        }
        this.binaryPath = found.path;
        this.log.appendLine(`Starting ${found.path} lsp (version ${found.version}).`);
        const client = new LanguageClient("azr", "AZR", this.launch(found.path), this.clientOptions());
        this.client = client;
        this.clientListeners = [
            client.onDidChangeState(({ newState }) => {
                if (this.client === client) this.follow(client, newState);
            }),
            client.onNotification("azr/statusChanged", (part: unknown) => this.setStatus(readStatus(part, this.statusNow))),
            client.onNotification("azr/train/event", (event: unknown) => this.trainEvent.fire(event)),
        ];
        try {
            await client.start();
        } catch (error) {
            await this.discard();
            this.fail({ message: `azr lsp did not start: ${describeError(error)}`, fix: "restart" });
        }
    }

    private async stopNow(): Promise<void> {
        await this.discard();
        this.set("stopped");
    }

    private async discard(): Promise<void> {
        const { client, clientListeners } = this;
        this.client = undefined;
        this.clientListeners = [];
        for (const listener of clientListeners) listener.dispose();
        // A client that is starting or that has failed cannot be stopped; it has no process left to end.
        await client?.dispose(STOP_PATIENCE_MS).catch(() => undefined);
    }

    private launch(path: string): ServerOptions {
        const folder = workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file")?.uri.fsPath;
        return { command: path, args: ["lsp"], options: folder === undefined ? {} : { cwd: folder } };
    }

    private clientOptions(): LanguageClientOptions {
        return {
            documentSelector: [
                { language: "python", scheme: "file" },
                { language: "python", scheme: "untitled" },
            ],
            outputChannel: this.log,
            revealOutputChannelOn: RevealOutputChannelOn.Never,
            initializationOptions: serverOptions(),
            markdown: { isTrusted: false, supportHtml: false },
            errorHandler: this.errorHandler(),
            middleware: {
                executeCommand: (command, arguments_, next) => this.intercept(command, arguments_ as unknown[], next),
                workspace: {
                    configuration: ({ items }) => items.map(({ section }) => (section === "azr" ? serverOptions() : null)),
                },
            },
        };
    }

    private errorHandler(): ErrorHandler {
        return {
            error: () => ({ action: ErrorAction.Continue, handled: true }),
            closed: () => {
                const again = this.restarts.mayRestart(Date.now());
                if (again) this.set("reconnecting");
                // Begun anew from here: the program may have gone meanwhile, and then one message says so.
                void this.inOrder(async () => {
                    await this.discard();
                    if (again) await this.begin();
                    else this.fail({ message: "azr lsp ended five times within three minutes.", fix: "restart" });
                });
                return { action: CloseAction.DoNotRestart, handled: true };
            },
        };
    }

    private follow(client: LanguageClient, state: State): void {
        if (state === State.Running) {
            const announced = fields(fields(client.initializeResult?.capabilities.experimental)["azr"]);
            const protocol = announced["protocol"];
            if (protocol !== undefined && protocol !== PROTOCOL) {
                void this.inOrder(async () => {
                    await this.discard();
                    this.fail({ message: `${this.binaryPath} speaks protocol ${text(protocol)}; this extension speaks ${PROTOCOL}. Install the two of one version.`, fix: "settings" });
                });
                return;
            }
            this.log.appendLine(`Connected; methods: ${list(announced["methods"]).join(", ")}.`);
            this.set("running");
            this.refresh().catch((error: unknown) => this.log.appendLine(`azr/status: ${describeError(error)}`));
        } else if (state === State.Starting && this.connectionNow === "running") {
            this.set("reconnecting");
        }
    }

    private ready(): Promise<LanguageClient> {
        const { client } = this;
        if (client !== undefined && this.connectionNow === "running") return Promise.resolve(client);
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => end(new Error("AZR has no connection to its daemon.")), RECONNECT_PATIENCE_MS);
            const listener = this.onChanged(() => {
                if (this.client !== undefined && this.connectionNow === "running") end(this.client);
                else if (this.connectionNow === "failed") end(new Error(this.reason));
            });
            const end = (outcome: LanguageClient | Error): void => {
                clearTimeout(timer);
                listener.dispose();
                if (outcome instanceof Error) reject(outcome);
                else resolve(outcome);
            };
            if (this.connectionNow === "stopped" || this.connectionNow === "failed") {
                this.start().catch((error: unknown) => end(new Error(describeError(error))));
            }
        });
    }

    private setStatus(status: Status): void {
        this.statusNow = status;
        this.changed.fire();
    }

    private set(connection: Connection): void {
        this.connectionNow = connection;
        if (connection !== "running") this.statusNow = { ...this.statusNow, interactive: 0, background: 0, training: undefined };
        this.changed.fire();
    }

    private fail(problem: Problem): void {
        this.reason = problem.message;
        this.log.appendLine(problem.message);
        this.set("failed");
        this.problem.fire(problem);
    }
}

/** The connection closed under a request (codes of the JSON-RPC library), or the daemon ended and another one took over. */
function isLoss(error: unknown): boolean {
    const { code, data } = error as { code?: unknown; data?: unknown };
    return code === -32097 || code === -32099 || fields(data)["kind"] === "DaemonEnded";
}
