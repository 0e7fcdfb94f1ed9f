import { defineConfig } from "vitest/config";
import cluster from "./vitest.cluster.config.ts";

/** What depends on which CRDs are there. */
const EITHER = ["across", "apply", "children", "crds", "kv", "pinning", "policy", "webhook-away"];

const { maxWorkers = 2, sequence = {}, ...suites } = cluster.test ?? {};

/**
 * All suites with Kthena's own CRDs (KTHENA_CRDS), and beside them with the project's reduced ones what depends on
 * which they are.
 */
export default defineConfig({
  test: {
    maxWorkers,
    sequence,
    projects: [
      { test: { ...suites, name: "kthena" } },
      {
        test: {
          ...suites,
          name: "reduced",
          include: EITHER.map((name) => `test/cluster/${name}.cluster.test.ts`),
          env: { KTHENA_CRDS: "" },
        },
      },
    ],
  },
});
