import { expect, test } from "vitest";
import { readBooster } from "../../src/conditions/read.ts";
import { happenings, toldOf } from "../../src/reconciler/transitions.ts";
import { booster, condition } from "../conditions/world.ts";

const CALM = [
  condition("Initialized", "True", "TakenUp"),
  condition("Active", "True", "Available"),
  condition("Failed", "False", "NoProblem"),
];

function told(before: ReturnType<typeof condition>[], after: ReturnType<typeof condition>[]): string[] {
  const fact = readBooster(booster({}, { conditions: after }));
  return happenings(fact, toldOf(before)).map(({ type, reason, note }) => `${type} ${reason} ${note}`.trim());
}

test("each transition is told once, a cause once for both conditions that have it", () => {
  const failed = [
    condition("Active", "False", "Crashing", "x has crashed"),
    condition("Failed", "True", "Crashing", "x has crashed"),
  ];
  expect(told(CALM, failed)).toEqual(["Warning Crashing x has crashed"]);
  expect(told(failed, CALM)).toEqual(["Normal TakenUp", "Normal Available", "Normal Recovered"]);
  expect(told(CALM, CALM)).toEqual([]);
});

test("the beginning is no news, the first Active is", () => {
  const first = [
    condition("Initialized", "False", "WaitingForKthena"),
    condition("Active", "False", "WaitingForKthena"),
    condition("Failed", "False", "NoProblem"),
  ];
  expect(told([], first)).toEqual([]);
  expect(told(first, CALM)).toEqual(["Normal TakenUp", "Normal Available"]);
});

test("a lost pod is a warning, what was asked for is none", () => {
  expect(told(CALM, [condition("Active", "False", "PodsNotReady", "0/1")])).toEqual([
    "Warning PodsNotReady 0/1",
  ]);
  expect(told(CALM, [condition("Active", "False", "ScaledToZero")])).toEqual(["Normal ScaledToZero"]);
});

test("one cause that takes the place of another is told", () => {
  const image = [condition("Failed", "True", "ImagePull", "a")];
  expect(told(image, [condition("Failed", "True", "Crashing", "b")])).toEqual(["Warning Crashing b"]);
});

test("what Kthena's controller writes in between is not told", () => {
  const theirs = [
    condition("Active", "False", "ModelProcessing"),
    condition("Failed", "True", "ModelAbnormal"),
  ];
  expect(told(CALM, theirs)).toEqual([]);
  expect(toldOf(theirs)).toEqual({});
});

test("an event is about the ModelBooster itself", () => {
  const fact = readBooster(booster({}, { conditions: CALM }));
  expect(happenings(fact, {})[0]?.regarding).toEqual({
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    namespace: "models",
    name: "m",
    uid: "u-m",
  });
});
