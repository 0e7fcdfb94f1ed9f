import type { AdmissionRequest, Operation } from "../api/admission-review.ts";
import { at, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { CONDITIONS_MANAGER } from "../api/names.ts";
import { mergeConditions, sameConditions, stored } from "../conditions/condition.ts";
import { evaluate } from "../conditions/evaluate.ts";
import type { BoosterFact, Observed } from "../conditions/facts.ts";
import { readBooster } from "../conditions/read.ts";
import { REASONS } from "../conditions/reasons.ts";
import { reportIn } from "../conditions/report.ts";
import { bounded } from "../interrupt/bounded.ts";
import { kindOf } from "./shape.ts";
import type { Awaitable } from "./surroundings.ts";
import type { Reviewer, Verdict } from "./verdict.ts";

/** What is known beside the ModelBooster itself. */
export type Children = Omit<Observed, "booster" | "report">;

/** What the status webhook needs to know of the world: passed in, so that it stays pure. */
export interface StatusSurroundings {
  /**
   * The children of a ModelBooster; undefined where the snapshot is not complete yet, or is older than the given
   * resourceVersion of the ModelBooster.
   */
  childrenOf: (booster: BoosterFact, resourceVersion: string) => Awaitable<Children | undefined>;
  nowMs: () => number;
}

/**
 * Makes the webhook for `modelboosters/status`: it puts what is true in place of what a writer says of the three
 * conditions, and leaves the rest of the status as it was sent. It never refuses: what it cannot judge passes.
 */
export function createStatusReviewer(surroundings: StatusSurroundings): Reviewer {
  return async (request) => {
    const { object, oldObject } = request;
    const pass = passReason(request);
    if (pass !== undefined || !object || !oldObject) return skipped(request, pass ?? "operation");
    const before = readBooster(oldObject);
    const version = stringOf(objectOf(oldObject.metadata).resourceVersion) ?? "";
    const children = await surroundings.childrenOf(before, version);
    if (!children) return skipped(request, "snapshot-behind");
    const length = (listOf(at(object, "status", "conditions")).length + children.pods.length) * ONE_OF_MANY;
    const result = bounded(length, () =>
      answered(request, judgeStatus(object, before, children, surroundings.nowMs())),
    );
    return result.ok ? result.value : skipped(request, "given-up");
  };
}

/** About what a condition or a pod counts for in characters. */
const ONE_OF_MANY = 1024;

function passReason(request: AdmissionRequest): string | undefined {
  if (kindOf(request) !== "ModelBooster" || request.subResource !== "status") return "unknown-kind";
  if (request.operation !== "UPDATE") return "operation";
  return request.options?.fieldManager === CONDITIONS_MANAGER ? "own-write" : undefined;
}

function judgeStatus(
  object: JsonObject,
  before: BoosterFact,
  children: Children,
  nowMs: number,
): Operation[] {
  const written = readBooster(object);
  const booster: BoosterFact = { ...written, conditions: remembered(before, written) };
  const { findings } = evaluate({ ...children, booster, report: reportIn(written.conditions) }, nowMs);
  return operationsOf(
    object,
    inOrder(before, mergeConditions(before.conditions, findings, nowMs, written.conditions)),
  );
}

/**
 * The conditions in which an earlier report is looked for: the stored ones, but for a Failed that this webhook itself
 * has written already. The API server may call again with what the first call gave, and then it says the same.
 */
function remembered(before: BoosterFact, written: BoosterFact): readonly JsonObject[] {
  const failed = stored(written.conditions, "Failed");
  if (!failed || !REASONS.some((reason) => reason === failed.reason)) return before.conditions;
  return [failed, ...before.conditions.filter(({ type }) => type !== "Failed")];
}

/** Conditions in the order of the stored ones, so that a write that changes nothing stays one. */
function inOrder(before: BoosterFact, conditions: readonly JsonObject[]): JsonObject[] {
  const places = new Map(
    before.conditions.map(({ type }, index) => [type, index]).reverse() as [Json, number][],
  );
  const place = ({ type }: JsonObject): number => places.get(type ?? null) ?? before.conditions.length;
  return conditions.toSorted((left, right) => place(left) - place(right));
}

function operationsOf(object: JsonObject, conditions: JsonObject[]): Operation[] {
  if (!isObject(object.status)) return [{ op: "add", path: "/status", value: { conditions } }];
  const current = at(object, "status", "conditions");
  if (Array.isArray(current) && sameConditions(listOf(current).map(objectOf), conditions)) return [];
  return [{ op: current === undefined ? "add" : "replace", path: "/status/conditions", value: conditions }];
}

function answered(request: AdmissionRequest, operations: Operation[]): Verdict {
  const patched = operations.length > 0;
  const patch = patched
    ? ({
        patchType: "JSONPatch",
        patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
      } as const)
    : {};
  return {
    response: { uid: request.uid, allowed: true, ...patch },
    outcome: patched ? "patched" : "unchanged",
    findings: [],
    operations: operations.length,
  };
}

function skipped(request: AdmissionRequest, skipReason: string): Verdict {
  const response = { uid: request.uid, allowed: true };
  return { response, outcome: "skipped", skipReason, findings: [], operations: 0 };
}
