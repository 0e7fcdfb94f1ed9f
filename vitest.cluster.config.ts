import { defineConfig } from "vitest/config";
import "./test/compile-cache.ts";
import { LongestFirst } from "./test/cluster/longest-first.ts";

/**
 * Against a real API server: built with Go on first use, see test/cluster/control-plane. Every file starts a control
 * plane of its own, since many restart or break theirs; two run at a time.
 */
export default defineConfig({
  test: {
    include: ["test/cluster/**/*.cluster.test.ts"],
    setupFiles: ["test/cluster/keep-logs.ts"],
    testTimeout: 180_000,
    hookTimeout: 1_800_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
