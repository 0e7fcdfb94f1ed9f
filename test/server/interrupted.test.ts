import { afterEach, expect, test } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { Rule } from "../../src/rules/rule.ts";
import { type Running, review, start } from "./client.ts";

let running: Running | undefined;
afterEach(() => running?.stop());

/** Whatever is still unknown: something that does not end by itself with a ModelServing of this name. */
const endless: Rule = {
  id: "test/endless",
  severity: "deny",
  summary: "",
  why: "",
  example: { in: "object", refused: "", admitted: "" },
  check: ({ object }) => {
    while ((object.metadata as { name?: string }).name === "endless");
    return [];
  },
};

const object = (name: string) => ({
  apiVersion: "workload.serving.volcano.sh/v1alpha1",
  kind: "ModelServing",
  metadata: {
    name,
    namespace: "n",
    annotations: { "kthena-ascend.io/inject": "true", pad: "x".repeat(70_000) },
  },
  spec: { template: { roles: [] } },
});

test("a review that does not end is refused, and probes and other reviews are answered", async () => {
  const defaults = resolveDefaults([]);
  const { mutate } = createReviewers({ defaultsFor: () => defaults, rules: [endless] });
  running = await start({ "/mutate": mutate });
  const { send } = running;
  const [stuck, healthy, other] = await Promise.all([
    send("/mutate", review({ name: "endless", object: object("endless") })),
    send("/healthz", undefined),
    send("/mutate", review({ name: "other", object: object("other") })),
  ]);
  const { response } = JSON.parse(stuck.text);
  expect(response).toMatchObject({ uid: "u-1", allowed: false, status: { code: 422 } });
  expect(response.status.message).toContain("takes longer than 1 s");
  expect(healthy.status).toBe(200);
  expect(JSON.parse(other.text).response.allowed).toBe(true);
});
