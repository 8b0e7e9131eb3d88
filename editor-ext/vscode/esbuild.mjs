// Two bundles: the extension (runs in the extension host, `vscode` is given there) and one script a web view.
import { build, context } from "esbuild";

const production = process.argv.includes("--production");
const shared = { bundle: true, minify: production, sourcemap: !production, logLevel: "warning" };
const bundles = [
    {
        ...shared,
        entryPoints: ["src/extension.ts"],
        outfile: "dist/extension.js",
        platform: "node",
        format: "cjs",
        target: "node18",
        external: ["vscode"],
    },
    {
        ...shared,
        entryPoints: ["src/webview/reasoning.ts", "src/webview/selfPlay.ts"],
        outdir: "dist/webview",
        platform: "browser",
        format: "iife",
        target: "chrome114",
    },
];

if (process.argv.includes("--watch")) {
    await Promise.all(bundles.map(async (options) => (await context(options)).watch()));
} else {
    await Promise.all(bundles.map((options) => build(options)));
}
