import { defineConfig } from "vitest/config";

/** Against a real API server: built with Go on first use, see test/cluster/control-plane. */
export default defineConfig({
  test: {
    include: ["test/cluster/**/*.cluster.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
  },
});
