import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../api/json.ts";
import { ASK, INJECTED } from "../../api/names.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS, workloadResource } from "../../cluster/kinds.ts";
import { holdsTemplates } from "../../kinds/index.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import type { AnyObject, Resource } from "../../kube/resource.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { parseRecord } from "../../pinning/record.ts";
import type { Connected } from "../cluster/connect.ts";
import { type RefreshStep, refreshKeyOf, servingPlaceOf } from "./plan.ts";
import {
  boosterReadiness,
  failedSince,
  type Mark,
  type ModelReadiness,
  servingReadiness,
  specMark,
} from "./readiness.ts";

const PAUSE_MS = 1_000;
/** How often is looked whether Kthena goes on, and how long after a run. */
const LOOKS = 5;
const SETTLED_MS = 3_600_000;

/** How a model stands now; one that is gone is ready. */
export async function readinessNow(
  connected: Connected,
  { kind, ...place }: Pick<RefreshStep, "kind" | "namespace" | "name">,
  mark: Mark = {},
): Promise<ModelReadiness> {
  const object = await look(connected, workloadResource(kind), place);
  if (object === undefined) return { state: "ready", why: "" };
  if (typeof object === "string") return { state: "waiting", why: object };
  if (holdsTemplates(kind)) return servingReadiness(object);
  const serving = await servingBeside(connected, object);
  return typeof serving === "string"
    ? { state: "waiting", why: serving }
    : boosterReadiness(object, serving, mark);
}

/**
 * The same of a model that a run refreshed: for a moment after Kthena's controller has taken a ModelBooster up its
 * ModelServing is the one of before, and ready. `sinceRun`: milliseconds.
 */
export async function readinessAfterRun(
  connected: Connected,
  of: Pick<RefreshStep, "kind" | "namespace" | "name">,
  sinceRun: number,
): Promise<ModelReadiness> {
  const looks = sinceRun < SETTLED_MS ? LOOKS : 1;
  for (let looked = 1; ; looked += 1) {
    const readiness = await readinessNow(connected, of);
    if (readiness.state !== "ready" || looked >= looks || (await hasFollowed(connected, of)))
      return readiness;
    await sleep(PAUSE_MS);
  }
}

/** Whether the ModelServing of a ModelBooster was completed with what it was refreshed to. */
async function hasFollowed(
  connected: Connected,
  { kind, namespace, name }: Pick<RefreshStep, "kind" | "namespace" | "name">,
): Promise<boolean> {
  if (kind !== "ModelBooster") return true;
  const booster = await look(connected, MODEL_BOOSTERS, { namespace, name });
  if (booster === undefined || typeof booster === "string") return true;
  const serving = await servingBeside(connected, booster);
  if (serving === undefined || typeof serving === "string") return true;
  const record = parseRecord(annotationsOf(serving)[INJECTED]);
  return record === undefined || record.refresh === annotationsOf(booster)[ASK.refresh];
}

/** What stands of a model before it is changed, so that what comes of the change can be told from it. */
export async function markOf(connected: Connected, { kind, namespace, name }: RefreshStep): Promise<Mark> {
  if (kind !== "ModelBooster") return {};
  const booster = await look(connected, MODEL_BOOSTERS, { namespace, name });
  if (booster === undefined || typeof booster === "string") return {};
  const serving = await servingBeside(connected, booster);
  const since = failedSince(booster);
  return {
    ...(since === undefined ? {} : { failedSince: since }),
    ...(serving === undefined || typeof serving === "string" ? {} : { serving: specMark(serving) }),
  };
}

/** A model that was changed. */
export interface Changed {
  step: RefreshStep;
  /** How it stood before. */
  mark: Mark;
}

/** Waits until all are ready: undefined, or the first that failed or, after `until` (milliseconds since 1970), is not. */
export async function firstUnready(
  connected: Connected,
  changed: readonly Changed[],
  until: number,
  now: () => number,
): Promise<(ModelReadiness & { step: RefreshStep }) | undefined> {
  for (let pending = changed; ; await sleep(PAUSE_MS)) {
    const still: Changed[] = [];
    let unready: (ModelReadiness & { step: RefreshStep }) | undefined;
    for (const { step, mark } of pending) {
      const found = { ...(await readinessNow(connected, step, mark)), step };
      if (found.state === "failed") return found;
      if (found.state === "ready") continue;
      unready ??= found;
      still.push({ step, mark });
    }
    if (!unready || now() >= until) return unready;
    pending = still;
  }
}

function servingBeside(connected: Connected, booster: JsonObject): Promise<JsonObject | string | undefined> {
  return look(connected, MODEL_SERVINGS, servingPlaceOf(booster));
}

/** An object as it stands; undefined: it is gone; a text: why it cannot be read. */
async function look(
  { client }: Connected,
  resource: Resource,
  place: { namespace: string; name: string },
): Promise<JsonObject | string | undefined> {
  const found = await client.get<AnyObject>(resource, place);
  if (found.ok) return found.value as unknown as JsonObject;
  if (isNotFound(found.failure)) return undefined;
  return `${refreshKeyOf({ kind: resource.kind as RefreshStep["kind"], ...place })} cannot be read: ${describeFailure(found.failure)}`;
}
