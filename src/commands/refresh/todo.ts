import { at, equal, type JsonObject } from "../../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../../api/names.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { MODEL_SERVINGS, workloadResource } from "../../cluster/kinds.ts";
import { WORKLOAD_KINDS, type WorkloadKind } from "../../kinds/index.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import { listAll } from "../../kube/list-all.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { type Connected, readObject } from "../cluster/connect.ts";
import { asObject, wantNamespace } from "../cluster/named.ts";
import { UsageError } from "../console.ts";
import { touches } from "../review/applied.ts";
import {
  isUnasked,
  placeOf,
  type RefreshStep,
  refreshKeyOf,
  refreshPatch,
  servingPlaceOf,
  stepOf,
  timeOfRun,
} from "./plan.ts";
import { type ModelBefore, modelBefore, type RefreshState } from "./state.ts";
import { readinessAfterRun } from "./waiting.ts";

export const FIELD_MANAGER = "kthena-ascend-refresh";

/** Which models; undefined: all. */
export interface WantedModels {
  namespace: string | undefined;
  selector: string | undefined;
}

/** What is to be done. */
export interface Todo {
  models: { step: RefreshStep; before: readonly ModelBefore[] }[];
  /** Models that an earlier run refreshed and that are not ready yet. */
  underWay: RefreshStep[];
  /** Models that the API server does not ask the webhook about. */
  unasked: string[];
}

/** One object as it was read. */
interface Candidate {
  kind: WorkloadKind;
  object: JsonObject;
}

/**
 * Looks at every model what a refresh would change; objects are held one page at a time.
 * @throws UsageError where models cannot be read, or one would be refused
 */
export async function planOf(connected: Connected, wanted: WantedModels, run: string): Promise<Todo> {
  const todo: Todo = { models: [], underWay: [], unasked: [] };
  let seen = 0;
  for (const kind of WORKLOAD_KINDS) {
    const resource = workloadResource(kind);
    const read = async (objects: AnyObject[]): Promise<never[]> => {
      seen += objects.length;
      for (const found of objects) {
        const object = asObject(found, resource);
        if (found.metadata.deletionTimestamp) continue;
        // What a ModelBooster owns is looked at with it.
        if (boosterReference(object)) continue;
        await consider(connected, { kind, object }, run, todo);
      }
      return [];
    };
    const { namespace, selector } = wanted;
    const what = {
      pageSize: 200,
      read,
      ...(namespace === undefined ? {} : { namespace }),
      ...(selector === undefined ? {} : { labelSelector: selector }),
    };
    const listed = await listAll<AnyObject, never>(connected.client, resource, what, { timeoutMs: 60_000 });
    if (!listed.ok && !isNotFound(listed.failure))
      throw new UsageError(
        `${resource.plural} cannot be read: ${describeFailure(listed.failure)}; refresh needs the right to get, list and patch ${resource.plural}`,
      );
  }
  if (seen === 0) await wantNamespace(connected, wanted.namespace);
  return todo;
}

async function consider(connected: Connected, one: Candidate, run: string, todo: Todo): Promise<void> {
  const own = await changeOf(connected, one, run, todo);
  if (own === "unasked") return;
  const of = { kind: one.kind, ...placeOf(one.object), pods: 0, npus: 0 };
  const ranAt = own ? undefined : timeOfRun(annotationsOf(one.object)[ASK.refresh]);
  if (ranAt !== undefined) {
    const { state } = await readinessAfterRun(connected, of, (timeOfRun(run) ?? ranAt) - ranAt);
    if (state !== "ready") {
      todo.underWay.push(of);
      return;
    }
  }
  const child = own?.respecified ? undefined : await childChange(connected, one, run, todo);
  if (child === "unasked") return;
  const changes = [own, child].filter((change) => change !== undefined);
  if (changes.length === 0) return;
  const serving = child ? { pods: child.step.pods, npus: child.step.npus, serving: child.step.name } : {};
  todo.models.push({
    step: { ...of, ...own?.step, ...serving },
    before: changes.map(({ before }) => before),
  });
}

interface Change {
  step: RefreshStep;
  before: ModelBefore;
  /** Not the settings alone change. */
  respecified: boolean;
}

/** What refreshing one object changes; undefined where nothing does. */
async function changeOf(
  connected: Connected,
  { kind, object }: Candidate,
  run: string,
  { unasked }: Todo,
): Promise<Change | undefined | "unasked"> {
  if (annotationsOf(object)[INJECTED] === undefined) return undefined;
  const after = await wouldBe(connected, kind, object, run);
  if (!after) return undefined;
  if (isUnasked(after, run)) {
    unasked.push(refreshKeyOf({ kind, ...placeOf(object) }));
    return "unasked";
  }
  const step = stepOf(kind, object, after);
  return step && { step, before: modelBefore(step, object), respecified: !equal(object.spec, after.spec) };
}

/**
 * What changes of the ModelServing of a ModelBooster whose own backend stays as it is: Kthena's controller replaces it
 * for another backend only (controller/model_serving_handler.go), so it does not follow by itself.
 */
async function childChange(
  connected: Connected,
  { kind, object }: Candidate,
  run: string,
  todo: Todo,
): Promise<Change | undefined | "unasked"> {
  if (kind !== "ModelBooster") return undefined;
  const serving = await servingOf(connected, object);
  if (!serving) return undefined;
  const change = await changeOf(connected, { kind: "ModelServing", object: serving }, run, todo);
  if (change === undefined || change === "unasked") return change;
  return { ...change, before: { ...change.before, owner: placeOf(object).name } };
}

/** The ModelServing that Kthena made of a ModelBooster, as it is stored. */
async function servingOf(connected: Connected, booster: JsonObject): Promise<JsonObject | undefined> {
  const found = await readObject<AnyObject>(connected.client, MODEL_SERVINGS, servingPlaceOf(booster));
  const serving = found && asObject(found, MODEL_SERVINGS);
  return serving && boosterReference(serving)?.uid === at(booster, "metadata", "uid") ? serving : undefined;
}

/** What the API server says that it would store; undefined where the object is gone by now. @throws UsageError where it would refuse it */
async function wouldBe(
  { client }: Connected,
  kind: WorkloadKind,
  object: JsonObject,
  run: string,
): Promise<JsonObject | undefined> {
  const place = placeOf(object);
  const options = { dryRun: true, fieldManager: FIELD_MANAGER };
  const result = await client.patch<AnyObject>(workloadResource(kind), place, refreshPatch(run), options);
  if (result.ok) return asObject(result.value, workloadResource(kind));
  if (isNotFound(result.failure)) return undefined;
  throw new UsageError(
    `${refreshKeyOf({ kind, ...place })} would be refused, so nothing was changed: ${describeFailure(result.failure)}; leave it out with --selector, or mend it first`,
  );
}

/**
 * Refreshing with the defaults of before gives what stood before.
 * @throws UsageError where it does not: those defaults are not in force
 */
export async function undoPlan(
  connected: Connected,
  { models }: Pick<RefreshState, "models">,
  run: string,
): Promise<Todo> {
  const todo: Todo = { models: [], underWay: [], unasked: [] };
  for (const before of models) {
    const step = await undoStep(connected, before, run);
    if (!step) continue;
    const { kind, owner, namespace } = before;
    const whole = owner === undefined ? step : { ...step, kind: "ModelBooster" as const, name: owner };
    const of = refreshKeyOf(whole);
    const beside = todo.models.find((one) => refreshKeyOf(one.step) === of);
    const serving = kind === "ModelServing" && owner !== undefined ? { serving: before.name } : {};
    if (beside) Object.assign(beside.step, { pods: step.pods, npus: step.npus, namespace, ...serving });
    else todo.models.push({ step: { ...whole, ...serving }, before: [before] });
  }
  return todo;
}

async function undoStep(
  connected: Connected,
  before: ModelBefore,
  run: string,
): Promise<RefreshStep | undefined> {
  const { kind, namespace, name } = before;
  const found = await readObject<AnyObject>(connected.client, workloadResource(kind), { namespace, name });
  if (!found) return undefined;
  const object = asObject(found, workloadResource(kind));
  const pinned = annotationsOf(object)[SETTINGS] === before.annotations[SETTINGS];
  if (isAsBefore(object, before) && pinned) return undefined;
  const after = await wouldBe(connected, kind, object, run);
  if (!after) return undefined;
  const step = stepOf(kind, object, after);
  if (!isAsBefore(after, before) || !step)
    throw new UsageError(
      `${refreshKeyOf(before)} would not become what it was, so nothing was changed: put the defaults of before in force first; where its manifest was changed since, take it out of the file`,
    );
  return step;
}

/** Whether a model is what it was, but for its scaling. */
function isAsBefore({ spec }: JsonObject, { kind, spec: before }: ModelBefore): boolean {
  return !touches(kind, { spec: before as JsonObject }, { spec });
}
