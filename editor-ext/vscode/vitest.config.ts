import { defineConfig } from "vitest/config";

// Pure logic only: what needs an editor is tested in a real one (test/editor).
export default defineConfig({ test: { include: ["test/unit/**/*.test.ts"] } });
