// How often a server that ends is started again before a person is asked.

const MOST = 5;
const WITHIN_MS = 3 * 60_000;

export class Restarts {
    private times: number[] = [];

    /** Counts an end at this time (milliseconds), and says whether the server may be started again. */
    mayRestart(now: number): boolean {
        this.times = [...this.times.filter((time) => now - time < WITHIN_MS), now];
        return this.times.length < MOST;
    }

    forget(): void {
        this.times = [];
    }
}
