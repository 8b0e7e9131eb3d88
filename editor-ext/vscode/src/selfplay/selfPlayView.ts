// The Self-play view: starts, follows and stops a run in the daemon. Runs belong to the daemon, not to the window: a
// window that comes later, or comes back, subscribes from the step that it knows.

import type { Uri } from "vscode";
import { commands } from "vscode";
import { describeError, fields, text } from "../reasoning/answer";
import type { Session } from "../server/session";
import { SELF_PLAY } from "../webview/bodies";
import type { SelfPlayState } from "../webview/messages";
import { fromSelfPlay } from "../webview/messages";
import { ViewProvider } from "../webview/provider";
import type { Progress } from "./progress";
import { fold, hasGap, NO_PROGRESS, resubscribed } from "./progress";

const DEFAULT_STEPS = 30;

export class SelfPlayView extends ViewProvider<SelfPlayState> {
    private runId = "";
    /** Folder of the run, where this window started it: what resuming needs. */
    private runDir = "";
    private running = false;
    private stopping = false;
    private totalSteps: number | undefined;
    private progress: Progress = NO_PROGRESS;
    private notice = "";
    private subscribed = "";

    constructor(
        extension: Uri,
        private readonly session: Session,
    ) {
        super(extension, "azr.selfPlay", { title: "AZR Self-Play", body: SELF_PLAY, script: "selfPlay.js" });
        session.onTrainEvent((event) => this.onEvent(event));
        session.onChanged(() => this.onSession());
    }

    protected state(): SelfPlayState {
        return {
            connected: this.session.connection === "running",
            runId: this.runId,
            running: this.running,
            stopping: this.stopping,
            resumable: !this.running && this.runDir !== "" && this.progress.ended !== "done",
            totalSteps: this.totalSteps,
            progress: this.progress,
            notice: this.notice,
        };
    }

    protected receive(message: unknown): void {
        const read = fromSelfPlay(message);
        if (read?.type === "start") void this.start(read.steps, read.resume);
        else if (read?.type === "stop") void this.stop();
    }

    async start(steps = DEFAULT_STEPS, resume = false): Promise<void> {
        this.notice = "";
        try {
            const place = resume ? { runDir: this.runDir, resume: true } : {};
            const result = fields(await this.session.ask("azr/train/start", { config: { run: { steps } }, ...place }));
            if (!resume) this.progress = NO_PROGRESS;
            this.runId = text(result["runId"]);
            this.runDir = text(result["runDir"]);
            this.totalSteps = steps;
            this.running = true;
            await this.subscribe();
        } catch (error) {
            this.notice = describeError(error);
        }
        this.show();
    }

    async stop(): Promise<void> {
        if (!this.running) return;
        this.stopping = true;
        this.notice = "";
        this.show();
        try {
            await this.session.ask("azr/train/stop", { runId: this.runId, checkpoint: true });
            this.running = false;
        } catch (error) {
            this.notice = describeError(error);
        }
        this.stopping = false;
        this.show();
    }

    private async subscribe(): Promise<void> {
        this.subscribed = this.runId;
        this.progress = resubscribed(this.progress);
        await this.session.ask("azr/train/subscribe", { runId: this.runId, fromStep: this.progress.step });
    }

    private onEvent(event: unknown): void {
        if (text(fields(event)["runId"]) !== this.runId) return;
        if (hasGap(this.progress, event)) {
            this.progress = NO_PROGRESS;
            this.resubscribe();
            return;
        }
        this.progress = fold(this.progress, event);
        if (this.progress.ended !== "") this.running = false;
        this.show();
    }

    private onSession(): void {
        const { connection, status } = this.session;
        if (connection !== "running") {
            this.subscribed = "";
            return;
        }
        const { training } = status;
        if (training === undefined) {
            this.running = false;
            this.show();
            return;
        }
        if (training.runId !== this.runId) {
            this.runId = training.runId;
            this.progress = NO_PROGRESS;
        }
        this.running = true;
        this.totalSteps = training.steps ?? this.totalSteps;
        if (this.subscribed !== training.runId) this.resubscribe();
        this.show();
    }

    private resubscribe(): void {
        this.subscribe().catch((error: unknown) => {
            this.notice = describeError(error);
            this.show();
        });
    }

    private show(): void {
        void commands.executeCommand("setContext", "azr.training", this.running);
        this.draw();
    }
}
