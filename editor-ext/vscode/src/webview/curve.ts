// The curve of a run, as points of an SVG: pure arithmetic.

import type { Point } from "../selfplay/progress";

export interface Frame {
    readonly width: number;
    readonly height: number;
    readonly left: number;
    readonly bottom: number;
    readonly top: number;
    readonly right: number;
}

export const FRAME: Frame = { width: 320, height: 150, left: 34, bottom: 20, top: 8, right: 8 };

export interface Axes {
    readonly firstStep: number;
    readonly lastStep: number;
    readonly lowest: number;
    readonly highest: number;
}

export function axes(points: readonly Point[], totalSteps: number | undefined): Axes {
    const steps = points.map(({ step }) => step);
    const values = points.flatMap(({ solver, proposer }) => [solver, proposer]).filter((value) => value !== undefined);
    const firstStep = Math.min(1, ...steps);
    return {
        firstStep,
        lastStep: Math.max(firstStep + 1, totalSteps ?? 0, ...steps),
        lowest: Math.min(0, ...values),
        highest: Math.max(1, ...values),
    };
}

export function x(step: number, { firstStep, lastStep }: Axes, frame: Frame = FRAME): number {
    return frame.left + ((step - firstStep) / (lastStep - firstStep)) * (frame.width - frame.left - frame.right);
}

export function y(value: number, { lowest, highest }: Axes, frame: Frame = FRAME): number {
    return frame.top + ((highest - value) / (highest - lowest)) * (frame.height - frame.top - frame.bottom);
}

/** Coordinates of one line, as the attribute `points` of a polyline. */
export function polyline(points: readonly Point[], of: "solver" | "proposer", bounds: Axes): string {
    return points
        .flatMap((point) => {
            const value = point[of];
            return value === undefined ? [] : [`${x(point.step, bounds).toFixed(1)},${y(value, bounds).toFixed(1)}`];
        })
        .join(" ");
}
