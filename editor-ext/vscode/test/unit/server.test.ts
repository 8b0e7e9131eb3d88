import { describe, expect, it } from "vitest";
import { findBinary, isOlder, type Machine, parseVersion } from "../../src/server/binary";
import { mostCareful } from "../../src/server/execution";
import { Restarts } from "../../src/server/restarts";
import { readStatus, statusLine, UNKNOWN } from "../../src/server/status";

function machine(programs: Record<string, { version?: string; lsp?: boolean }>, more: Partial<Machine> = {}): Machine {
    return {
        environmentPath: "/usr/bin:/opt/azr/bin/",
        home: "/home/me",
        windows: false,
        isProgram: (path) => Promise.resolve(path in programs),
        run: (path, [first]) => {
            const program = programs[path] ?? {};
            if (first === "--version") return Promise.resolve(program.version === undefined ? { code: 1, output: "" } : { code: 0, output: `azr ${program.version}\n` });
            return Promise.resolve({ code: program.lsp === false ? 2 : 0, output: "" });
        },
        ...more,
    };
}

describe("findBinary", () => {
    it("looks on PATH, then in cargo's folder", async () => {
        expect(await findBinary("", machine({ "/opt/azr/bin/azr": { version: "0.1.0" } }))).toEqual({ kind: "found", path: "/opt/azr/bin/azr", version: "0.1.0" });
        expect(await findBinary("", machine({ "/home/me/.cargo/bin/azr": { version: "0.2.0" } }))).toMatchObject({ kind: "found", path: "/home/me/.cargo/bin/azr" });
    });

    it("takes the setting alone where there is one", async () => {
        const programs = { "/usr/bin/azr": { version: "0.1.0" } };
        expect(await findBinary("~/azr", machine(programs))).toMatchObject({ kind: "missing", message: expect.stringContaining("/home/me/azr") as string });
    });

    it("says what is wrong and what to do, in one message", async () => {
        for (const programs of [{}, { "/usr/bin/azr": {} }, { "/usr/bin/azr": { version: "0.0.9" } }, { "/usr/bin/azr": { version: "0.1.0", lsp: false } }]) {
            const found = await findBinary("", machine(programs));
            expect(found.kind).not.toBe("found");
            expect("message" in found && found.message).toMatch(/cargo install .* azr\.server\.path/);
        }
    });

    it("compares versions as numbers", () => {
        expect(isOlder("0.9.0", "0.10.0")).toBe(true);
        expect(isOlder("0.10.0", "0.10.0")).toBe(false);
        expect(parseVersion("azr 0.1.0 (abc)")).toBe("0.1.0");
        expect(parseVersion("something 1.2.3")).toBeUndefined();
    });
});

it("a server that keeps ending is not started for ever", () => {
    const restarts = new Restarts();
    expect([0, 1, 2, 3, 4].map((second) => restarts.mayRestart(second * 1000))).toEqual([true, true, true, true, false]);
    expect(restarts.mayRestart(400_000)).toBe(true);
});

describe("status", () => {
    const whole = {
        daemon: { version: "0.1.0", uptime: 5, clients: 2 },
        model: { name: "azr-tiny", version: 3, device: "cpu", loaded: true },
        queue: { interactive: 1, background: 2 },
        training: { runId: "run-1", step: 4, steps: 30 },
    };

    it("is one line with model, version, step and queue", () => {
        const line = statusLine("running", readStatus(whole), "");
        expect(line.text).toBe("$(check-all) azr-tiny v3 $(pulse) 4/30 $(list-ordered) 3");
        expect(line.details.join("\n")).toContain("step 4 of 30 of run-1");
    });

    it("takes parts on top of what is known", () => {
        const known = readStatus(whole);
        expect(readStatus({ queue: { interactive: 0 } }, known)).toEqual({ ...known, interactive: 0 });
        expect(readStatus({ training: null }, known).training).toBeUndefined();
        expect(readStatus("nonsense")).toEqual(UNKNOWN);
    });

    it("says why it failed", () => {
        expect(statusLine("failed", UNKNOWN, "no azr")).toMatchObject({ severity: "error", details: ["no azr"] });
    });
});

describe("a sandbox that is being prepared", () => {
    it("is what the status item says until it is ready", () => {
        const preparing = readStatus({ daemon: { sandbox: "preparing" }, model: { name: "azr-tiny", version: 0 } });
        expect(statusLine("running", preparing, "").text).toContain("preparing the sandbox");
        const ready = readStatus({ daemon: { sandbox: "ready" } }, preparing);
        expect(statusLine("running", ready, "").text).not.toContain("preparing");
    });
});

describe("what may be run", () => {
    it("is the least that any folder allows", () => {
        expect(mostCareful(true, ["literals", "off"])).toBe("off");
        expect(mostCareful(true, ["all", "literals"])).toBe("literals");
        expect(mostCareful(true, ["all", "all"])).toBe("all");
        expect(mostCareful(true, ["all", "nonsense"])).toBe("off");
        expect(mostCareful(true, [])).toBe("off");
        expect(mostCareful(false, ["all"])).toBe("off");
    });
});
