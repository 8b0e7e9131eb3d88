// Where the program is, and whether it is new enough. Nothing is ever downloaded.

export const MINIMUM_VERSION = "0.1.0";

export interface Machine {
    readonly environmentPath: string;
    readonly home: string;
    readonly windows: boolean;
    isProgram(path: string): Promise<boolean>;
    /** Runs a program for a moment; exit code `undefined` when it could not be started. */
    run(path: string, arguments_: readonly string[]): Promise<{ code: number | undefined; output: string }>;
}

export type Found =
    | { readonly kind: "found"; readonly path: string; readonly version: string }
    | { readonly kind: "missing"; readonly message: string }
    | { readonly kind: "old"; readonly message: string };

const INSTALL = "Build it with `cargo install --path harness` in a checkout of azr, or name the program in the setting azr.server.path.";

/** Finds the program: the setting alone if there is one, else `PATH`, else cargo's folder. */
export async function findBinary(setting: string, machine: Machine): Promise<Found> {
    const path = await locate(setting, machine);
    if (path === undefined) {
        const where = setting === "" ? "on PATH or in ~/.cargo/bin" : `at ${expandHome(setting, machine.home)} (azr.server.path)`;
        return { kind: "missing", message: `The program azr is not there: nothing ${where}. ${INSTALL}` };
    }
    const { code, output } = await machine.run(path, ["--version"]);
    const version = parseVersion(output);
    if (code !== 0 || version === undefined) {
        return { kind: "missing", message: `${path} does not work as azr (\`--version\` gave ${code === undefined ? "no start" : `exit code ${code}`}). ${INSTALL}` };
    }
    if (isOlder(version, MINIMUM_VERSION)) {
        return { kind: "old", message: `${path} is version ${version}; this extension needs ${MINIMUM_VERSION} or later. ${INSTALL}` };
    }
    if ((await machine.run(path, ["lsp", "--help"])).code !== 0) {
        return { kind: "old", message: `${path} (version ${version}) is too old for this extension: it has no \`azr lsp\`. ${INSTALL}` };
    }
    return { kind: "found", path, version };
}

async function locate(setting: string, machine: Machine): Promise<string | undefined> {
    if (setting !== "") {
        const path = expandHome(setting, machine.home);
        return (await machine.isProgram(path)) ? path : undefined;
    }
    const [separator, slash, ending] = machine.windows ? [";", "\\", ".exe"] : [":", "/", ""];
    const folders = machine.environmentPath.split(separator).filter((folder) => folder !== "");
    if (machine.home !== "") folders.push([machine.home, ".cargo", "bin"].join(slash));
    for (const folder of folders) {
        const path = `${folder.replace(/[\\/]+$/u, "")}${slash}azr${ending}`;
        if (await machine.isProgram(path)) return path;
    }
    return undefined;
}

/** `~/` and `${userHome}` as the home folder. */
export function expandHome(setting: string, home: string): string {
    return setting.replace(/^~(?=[\\/])/u, home).replaceAll("${userHome}", home);
}

export function parseVersion(output: string): string | undefined {
    return /^azr\s+(\d+\.\d+\.\d+)/mu.exec(output)?.[1];
}

export function isOlder(version: string, than: string): boolean {
    const [left, right] = [version, than].map((each) => each.split(".").map(Number));
    for (let at = 0; at < 3; at += 1) {
        const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
        if (difference !== 0) return difference < 0;
    }
    return false;
}
