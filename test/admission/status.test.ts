import jsonpatch from "fast-json-patch";
import { expect, test } from "vitest";
import { type Children, createStatusReviewer } from "../../src/admission/status.ts";
import type { Verdict } from "../../src/admission/verdict.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { readRoute, readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import { booster, condition, NOW, type Objects, settled, whole } from "../conditions/world.ts";

function childrenOf({ servings, servers, routes, pods }: Objects): Children {
  return {
    servings: servings.map(readServing),
    servers: servers.map(readServer),
    routes: routes.map(readRoute),
    pods: pods.map(readPodFact),
    podGroups: [],
  };
}

function withConditions(object: JsonObject, conditions: JsonObject[], more: JsonObject = {}): JsonObject {
  return { ...object, status: { observedGeneration: 1, ...more, conditions } };
}

/** What Kthena's controller sends: its own conditions set into the stored ones (apimachinery's SetStatusCondition). */
function kthenaWrites(stored: JsonObject, ...set: JsonObject[]): JsonObject {
  const conditions = [...(((stored.status as JsonObject).conditions as JsonObject[] | undefined) ?? [])];
  for (const next of set) {
    const index = conditions.findIndex(({ type }) => type === next.type);
    if (index === -1) conditions.push(next);
    else conditions[index] = next;
  }
  return withConditions(stored, conditions);
}

async function review(
  oldObject: JsonObject,
  object: JsonObject,
  children: Children | undefined,
  more: Partial<AdmissionRequest> = {},
): Promise<{ verdict: Verdict; stored: JsonObject }> {
  const request: AdmissionRequest = {
    uid: "1",
    kind: { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelBooster" },
    operation: "UPDATE",
    subResource: "status",
    name: "m",
    namespace: "models",
    object,
    oldObject,
    ...more,
  };
  const reviewer = createStatusReviewer({ childrenOf: () => children, nowMs: () => NOW });
  const verdict = await reviewer(structuredClone(request));
  expect(verdict.response).toMatchObject({ uid: "1", allowed: true });
  const { patch } = verdict.response;
  const operations = patch === undefined ? [] : JSON.parse(Buffer.from(patch, "base64").toString());
  return { verdict, stored: jsonpatch.applyPatch(structuredClone(object), operations).newDocument };
}

const conditionsOf = ({ status }: JsonObject) => (status as JsonObject).conditions as JsonObject[];
const processing = condition("Active", "False", "ModelProcessing", "ModelBooster not ready yet");
const active = condition("Active", "True", "ModelAvailable", "ModelBooster is ready");
const abnormal = condition("Failed", "True", "ModelAbnormal", "ModelServing is invalid: spec: Invalid value");

const serving = settled(whole());

test("Kthena's Active=False before each True changes nothing that is stored", async () => {
  const { verdict, stored } = await review(
    serving.booster,
    kthenaWrites(serving.booster, processing),
    childrenOf(serving),
  );
  expect(stored).toEqual(serving.booster);
  expect(verdict.outcome).toBe("patched");
});

test("nor does the True that follows", async () => {
  const { stored } = await review(
    serving.booster,
    kthenaWrites(serving.booster, active),
    childrenOf(serving),
  );
  expect(stored).toEqual(serving.booster);
});

test("an Active=True is not stored while pods are missing", async () => {
  const { stored } = await review(
    booster(),
    kthenaWrites(booster(), active),
    childrenOf(whole({ pods: [] })),
  );
  expect(conditionsOf(stored).find(({ type }) => type === "Active")).toMatchObject({
    status: "False",
    reason: "PodsNotReady",
  });
});

test("a Failed that Kthena never takes back is taken back when all is well", async () => {
  const failed = withConditions(booster(), [processing, abnormal]);
  const { stored } = await review(failed, kthenaWrites(failed, active), childrenOf(whole()));
  expect(conditionsOf(stored).map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
    "Active=True Available",
    "Failed=False NoProblem",
    "Initialized=True TakenUp",
  ]);
});

test("a refusal is stored with the child's name, and outlives Kthena's next attempt", async () => {
  const none = childrenOf(whole({ servings: [], servers: [], routes: [], pods: [] }));
  const refused = (await review(booster(), kthenaWrites(booster(), abnormal), none)).stored;
  expect(conditionsOf(refused).find(({ type }) => type === "Failed")).toMatchObject({
    status: "True",
    reason: "ChildRefused",
    message: expect.stringContaining("ModelServing models/m-b was refused and does not exist"),
  });
  const again = await review(refused, kthenaWrites(refused, processing), none);
  expect(again.stored).toEqual(refused);
});

test("the generation that Kthena takes up counts at once", async () => {
  const old = {
    ...serving.booster,
    metadata: { ...(serving.booster.metadata as JsonObject), generation: 2 },
  };
  const written = withConditions(old, conditionsOf(kthenaWrites(old, processing)), { observedGeneration: 2 });
  const { stored } = await review(old, written, childrenOf(serving));
  expect(conditionsOf(stored)).toEqual(
    conditionsOf(serving.booster).map((stands) => ({ ...stands, observedGeneration: 2 })),
  );
  expect(stored.status).toMatchObject({ observedGeneration: 2 });
});

test("conditions of others and all else in the status are stored as they were sent", async () => {
  const theirs = condition("Theirs", "Unknown", "X");
  const written = withConditions(
    serving.booster,
    [theirs, ...conditionsOf(serving.booster), condition("New", "True", "Y")],
    {
      extra: { a: [1] },
    },
  );
  const { stored } = await review(serving.booster, written, childrenOf(serving));
  expect(stored.status).toMatchObject({ extra: { a: [1] }, observedGeneration: 1 });
  expect(
    conditionsOf(stored)
      .map(({ type }) => type)
      .sort(),
  ).toEqual(["Active", "Failed", "Initialized", "New", "Theirs"]);
});

test("a status without conditions, and an object without a status, get them", async () => {
  for (const status of [{ observedGeneration: 1 }, undefined]) {
    const { status: _, ...bare } = booster();
    const object = status ? { ...bare, status } : bare;
    const { stored } = await review(booster(), object, childrenOf(whole()));
    expect(conditionsOf(stored)).toHaveLength(3);
  }
});

test.each<[string, Partial<AdmissionRequest>, Children | undefined]>([
  ["snapshot-behind", {}, undefined],
  ["own-write", { options: { fieldManager: "kthena-ascend-conditions" } }, childrenOf(whole())],
  ["operation", { operation: "CREATE" }, childrenOf(whole())],
  ["operation", { oldObject: null }, childrenOf(whole())],
  ["unknown-kind", { subResource: "" }, childrenOf(whole())],
  ["unknown-kind", { kind: { group: "", version: "v1", kind: "Pod" } }, childrenOf(whole())],
])("lets a write pass: %s", async (skipReason, more, children) => {
  const { verdict } = await review(booster(), kthenaWrites(booster(), active), children, more);
  expect(verdict).toMatchObject({ outcome: "skipped", skipReason, operations: 0 });
  expect(verdict.response.patch).toBeUndefined();
});
