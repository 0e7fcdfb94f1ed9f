import fc from "fast-check";
import jsonpatch from "fast-json-patch";
import { expect, test } from "vitest";
import { type Children, createStatusReviewer } from "../../src/admission/status.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import {
  available,
  booster,
  condition,
  engineStatus,
  NOW,
  pod,
  progressing,
  readyStatus,
  server,
  serving,
  waiting,
} from "../conditions/world.ts";

const REFUSED = `admission webhook "x" denied the request: ModelServer.networking "m" is invalid: ${"long ".repeat(500)}`;
const STANDS = "ModelServer models/m-backend was refused and does not exist: x; correct the ModelBooster";

const own = [
  condition("Initialized", "True", "TakenUp"),
  condition("Active", "True", "Available"),
  condition("Active", "False", "ChildRefused", STANDS),
  condition("Failed", "True", "ChildRefused", STANDS),
  condition(
    "Failed",
    "True",
    "InvalidSpec",
    "ModelServing models/m-backend cannot be made of this spec and does not exist: y; z",
  ),
  condition("Failed", "False", "NoProblem"),
];
const theirs = [
  condition("Initialized", "True", "ModelCreating"),
  condition("Active", "True", "ModelAvailable"),
  condition("Active", "False", "ModelProcessing"),
  condition("Failed", "True", "ModelAbnormal", REFUSED),
  condition("Failed", "True", "ModelAbnormal", "etcdserver: request timed out"),
  condition("Failed", "True", "ModelAbnormal", 'modelservers "m" is invalid: x. Also: y'),
  condition("Theirs", "True", "Other"),
];
const conditions = fc.shuffledSubarray([...own, ...theirs], { maxLength: 6 });
const generation = fc.integer({ min: 1, max: 2 });
const boosterOf = fc
  .record({ generation, observed: fc.integer({ min: 0, max: 2 }), conditions })
  .map(({ generation, observed, conditions }) =>
    booster({ generation }, { observedGeneration: observed, conditions }),
  );
const children: fc.Arbitrary<Children> = fc.record({
  servings: fc.array(
    fc
      .constantFrom(available(), progressing())
      .map((status) => readServing(serving([{ name: "server" }], { status }))),
    { maxLength: 1 },
  ),
  servers: fc.array(fc.constant(readServer(server())), { maxLength: 1 }),
  routes: fc.constant([]),
  pods: fc.array(
    fc
      .constantFrom(readyStatus(), engineStatus(waiting("ImagePullBackOff", "x")))
      .map((status) => readPodFact(pod("server", 0, { status }))),
    { maxLength: 2 },
  ),
  podGroups: fc.constant([]),
});

async function once(
  oldObject: JsonObject,
  object: JsonObject,
  beside: Children,
  nowMs: number,
): Promise<JsonObject> {
  const request: AdmissionRequest = {
    uid: "1",
    kind: { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelBooster" },
    operation: "UPDATE",
    subResource: "status",
    object,
    oldObject,
  };
  const { response } = await createStatusReviewer({ childrenOf: () => beside, nowMs: () => nowMs })(
    structuredClone(request),
  );
  const operations = response.patch ? JSON.parse(Buffer.from(response.patch, "base64").toString()) : [];
  return jsonpatch.applyPatch(structuredClone(object), operations).newDocument as JsonObject;
}

test("/mutate-status twice gives what once gives, whatever was stored and is written", async () => {
  await fc.assert(
    fc.asyncProperty(boosterOf, boosterOf, children, async (stored, written, beside) => {
      const first = await once(stored, written, beside, NOW);
      expect(await once(stored, first, beside, NOW)).toEqual(first);
    }),
    { numRuns: 3000 },
  );
});
