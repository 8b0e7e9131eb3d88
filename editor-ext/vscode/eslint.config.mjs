import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["dist/**", "node_modules/**", "test/editor/output/**"] },
    js.configs.recommended,
    {
        files: ["src/**/*.ts", "test/unit/**/*.ts"],
        extends: [...tseslint.configs.strictTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
            "no-console": "error",
            // Disposables of the editor are structural: anything with `dispose` is one.
            "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
            eqeqeq: "error",
            // What the models wrote is text, never markup.
            "no-restricted-properties": ["error", { property: "innerHTML" }, { property: "outerHTML" }],
            // The extension talks to the server that it starts, and to nothing else.
            "no-restricted-imports": ["error", { paths: ["http", "https", "net", "node:http", "node:https", "node:net", "node:tls", "node:dgram"] }],
            "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket"],
        },
    },
    {
        files: ["**/*.mjs"],
        languageOptions: { globals: { process: "readonly", console: "readonly", setTimeout: "readonly", clearTimeout: "readonly", URL: "readonly", document: "readonly", Buffer: "readonly", performance: "readonly", getComputedStyle: "readonly" } },
    },
);
