import { expect, it } from "vitest";
import { createStatusReviewer } from "../../src/admission/status.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { Json, JsonObject } from "../../src/api/json.ts";
import { evaluate } from "../../src/conditions/evaluate.ts";
import type { Observed } from "../../src/conditions/facts.ts";
import { remarksOn } from "../../src/conditions/oversight.ts";
import { readBooster, readPodGroup, readRoute, readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";

const NAME = "modelserving.volcano.sh/name";
const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

const boosterWith = (conditions: Json[] = []): JsonObject => ({
  metadata: { name: "b", namespace: "n", uid: "B", generation: 1 },
  spec: { backend: { name: "x" } },
  status: { observedGeneration: 1, conditions },
});
const SERVING = readServing({
  metadata: { name: "b-x", namespace: "n", uid: "S" },
  spec: { replicas: 1, template: { roles: [{ name: "server", replicas: 1 }] } },
});
const podOf = (name: string, status: JsonObject): JsonObject => ({
  metadata: { name, namespace: "n", labels: { [NAME]: "b-x", "modelserving.volcano.sh/role": "server" } },
  status,
});
const observed = (more: Partial<Observed>): Observed => ({
  booster: readBooster(boosterWith()),
  servings: [SERVING],
  servers: [],
  routes: [],
  pods: [],
  podGroups: [],
  ...more,
});
const failedOf = (more: Partial<Observed>) =>
  evaluate(observed(more), Date.now()).findings.find(({ type }) => type === "Failed");

it("a PodGroup in a phase of any name waits for nothing that is not known to be waited for", () => {
  for (const phase of ["constructor", "__proto__", "toString", "Running"]) {
    const labels = { [NAME]: "b-x" };
    const group = readPodGroup({ metadata: { name: "g", namespace: "n", labels }, status: { phase } });
    const pods = [readPodFact(podOf("p", {}))];
    expect(failedOf({ pods, podGroups: [group] }), phase).toMatchObject({ status: "False" });
  }
});

it("of pods that all fail in another container the first are told, and how many there are beside them", () => {
  const waiting = { reason: "ImagePullBackOff", message: "no such image" };
  const pods = many(5_000, (index) =>
    readPodFact(
      podOf(`p-${String(index).padStart(4, "0")}`, {
        containerStatuses: [{ name: `c${index}`, image: "i", ready: false, state: { waiting } }],
      }),
    ),
  );
  const message = failedOf({ pods })?.message ?? "";
  expect(message).toContain("the image i of c0 in pod n/p-0000 cannot be pulled");
  expect(message).toMatch(/Also: 4997 more$/);
});

it("a remark names ten ModelServers, and how many there are beside them", () => {
  const selector = { workloadSelector: { matchLabels: { [NAME]: "b-x" } } };
  const servers = many(300, (index) =>
    readServer({ metadata: { name: `s${index}`, namespace: "n" }, spec: selector }),
  );
  const gone = { name: "r", namespace: "n", deletionTimestamp: "2026-01-01T00:00:00Z" };
  const targetModels = servers.map(({ name }) => ({ modelServerName: name }));
  const route = (metadata: JsonObject) => readRoute({ metadata, spec: { rules: [{ targetModels }] } });
  const around = {
    serving: SERVING,
    pods: [],
    servers,
    ownerOptedOut: false,
    ownerAsks: false,
    settingsToday: undefined,
  };
  const { remarks } = remarksOn({ ...around, routes: [route(gone)] }, Date.now(), 0);
  expect(remarks).toHaveLength(1);
  expect(remarks[0]?.note).toMatch(/^no ModelRoute sends to s0, s1, .*, s9 and 290 more, so no request/);
  const reached = remarksOn({ ...around, routes: [route({ name: "r", namespace: "n" })] }, Date.now(), 0);
  expect(reached.remarks).toEqual([]);
});

it("a status that nests deeper than the stack passes as it was sent", async () => {
  let deep: Json = 1;
  for (let level = 0; level < 50_000; level++) deep = { a: deep };
  const review = createStatusReviewer({
    childrenOf: () => ({ servings: [], servers: [], routes: [], pods: [], podGroups: [] }),
    nowMs: () => 0,
  });
  const request: AdmissionRequest = {
    uid: "u",
    kind: { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelBooster" },
    operation: "UPDATE",
    subResource: "status",
    object: boosterWith([{ type: "Other", message: deep }]),
    oldObject: boosterWith(),
  };
  const { response, skipReason } = await review(request);
  expect([response, skipReason]).toEqual([{ uid: "u", allowed: true }, "given-up"]);
});
