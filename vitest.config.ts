import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import "./test/compile-cache.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/cluster/**", "node_modules/**"],
    testTimeout: 120_000,
    // One fewer than there are, as Vitest has it, but two on two.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
