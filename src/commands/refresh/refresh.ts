import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../api/json.ts";
import { INJECTED } from "../../api/names.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../cluster/kinds.ts";
import type { WorkloadKind } from "../../kinds/index.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import { listAll } from "../../kube/list-all.ts";
import type { AnyObject, Resource } from "../../kube/resource.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { sizeText } from "../audit/report.ts";
import { type ClusterAccess, type Connected, readObject, withCluster } from "../cluster/connect.ts";
import { asObject } from "../cluster/named.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { touches } from "../review/applied.ts";
import {
  isOfRun,
  isUnasked,
  modelStateOf,
  type RefreshStep,
  refreshKeyOf,
  refreshPatch,
  runAt,
  stepOf,
  wavesOf,
} from "./plan.ts";
import { type ModelBefore, modelBefore, readState, writeState } from "./state.ts";

/** What `refresh` is to do. */
export interface RefreshOptions {
  /** undefined: all namespaces. */
  namespace: string | undefined;
  selector: string | undefined;
  /** Models that restart at a time. */
  maxUnavailable: number;
  /** How long a wave may take. */
  timeoutSeconds: number;
  dryRun: boolean;
  /** Where is kept what stood before; undefined: a file named by the run. */
  stateFile: string | undefined;
  /** The file of a run that is to be taken back. */
  undo: string | undefined;
  access: ClusterAccess;
}

const KINDS: Readonly<Record<WorkloadKind, Resource>> = {
  ModelServing: MODEL_SERVINGS,
  ModelBooster: MODEL_BOOSTERS,
};
const PAUSE_MS = 1_000;

/**
 * Takes models to today's defaults in waves: the exit code, 1 where it stopped.
 * @throws UsageError where what is there cannot be read, or what stood before cannot be kept
 */
export function refresh(options: RefreshOptions, console: Console, now: () => number): Promise<number> {
  return withCluster(options.access, async (connected) => {
    const run = runAt(now());
    const todo =
      options.undo === undefined
        ? await planOf(connected, options, run)
        : await undoPlan(connected, await readState(options.undo), run);
    const waves = wavesOf(
      todo.models.map(({ step }) => step),
      options.maxUnavailable,
    );
    if (todo.unasked.length > 0)
      console.complain([`left out, as the webhook is not asked about them: ${todo.unasked.join(", ")}`]);
    console.print(planLines(waves));
    if (options.dryRun || waves.length === 0) return EXIT.ok;
    if (!(await underWayIsReady(connected, todo.underWay, options, console, now))) return EXIT.refused;
    if (options.undo === undefined) {
      const file = options.stateFile ?? `${run}.json`;
      await writeState(
        file,
        run,
        todo.models.map(({ before }) => before),
      );
      console.print([`What stands now is kept in ${file}; refresh --undo ${file} takes the refresh back.`]);
    }
    return runWaves(connected, waves, run, options, console, now);
  });
}

interface Todo {
  models: { step: RefreshStep; before: ModelBefore }[];
  /** Models that an earlier run refreshed and that are not ready yet. */
  underWay: RefreshStep[];
  /** Models that the API server does not ask the webhook about. */
  unasked: string[];
}

/** Looks at every model what a refresh would change; objects are held one page at a time. */
async function planOf(connected: Connected, options: RefreshOptions, run: string): Promise<Todo> {
  const todo: Todo = { models: [], underWay: [], unasked: [] };
  for (const [kind, resource] of Object.entries(KINDS) as [WorkloadKind, Resource][]) {
    const read = async (objects: AnyObject[]): Promise<never[]> => {
      for (const found of objects)
        await consider(connected, kind, asObject(found, resource), found, run, todo);
      return [];
    };
    const { namespace, selector } = options;
    const what = {
      pageSize: 200,
      read,
      ...(namespace === undefined ? {} : { namespace }),
      ...(selector === undefined ? {} : { labelSelector: selector }),
    };
    const listed = await listAll<AnyObject, never>(connected.client, resource, what, { timeoutMs: 60_000 });
    if (!listed.ok && !isNotFound(listed.failure))
      throw new UsageError(`${resource.plural} cannot be read: ${describeFailure(listed.failure)}`);
  }
  return todo;
}

async function consider(
  connected: Connected,
  kind: WorkloadKind,
  object: JsonObject,
  found: AnyObject,
  run: string,
  { models, underWay, unasked }: Todo,
): Promise<void> {
  if (annotationsOf(object)[INJECTED] === undefined || found.metadata.deletionTimestamp) return;
  // What a ModelBooster owns follows it.
  if (boosterReference(object)) return;
  const after = await wouldBe(connected, kind, object, run);
  if (!after) return;
  if (isUnasked(after, run)) {
    unasked.push(refreshKeyOf({ kind, ...placeOf(object) }));
    return;
  }
  const step = stepOf(kind, object, after);
  if (step) models.push({ step, before: modelBefore(step, object) });
  else if (isOfRun(object) && modelStateOf(kind, found as unknown as JsonObject) !== "ready")
    underWay.push({ kind, ...placeOf(object), pods: 0, npus: 0 });
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
  const result = await client.patch<AnyObject>(KINDS[kind], place, refreshPatch(run), options);
  if (result.ok) return asObject(result.value, KINDS[kind]);
  if (isNotFound(result.failure)) return undefined;
  throw new UsageError(
    `${refreshKeyOf({ kind, ...place })} would be refused, so nothing was changed: ${describeFailure(result.failure)}; leave it out with --selector, or mend it first`,
  );
}

const FIELD_MANAGER = "kthena-ascend-refresh";

function placeOf(object: JsonObject): { namespace: string; name: string } {
  const { name, namespace } = object.metadata as { name?: string; namespace?: string };
  return { namespace: namespace ?? "default", name: name ?? "" };
}

/** Refreshing with the defaults of before gives what stood before; where it does not, they are not in force. */
async function undoPlan(
  connected: Connected,
  { models }: { models: readonly ModelBefore[] },
  run: string,
): Promise<Todo> {
  const todo: Todo = { models: [], underWay: [], unasked: [] };
  for (const before of models) {
    const { kind, ...place } = before;
    const where = { namespace: place.namespace, name: place.name };
    const found = await readObject<AnyObject>(connected.client, KINDS[kind], where);
    if (!found) continue;
    const object = asObject(found, KINDS[kind]);
    if (isAsBefore(object, before)) continue;
    const after = await wouldBe(connected, kind, object, run);
    if (!after) continue;
    if (!isAsBefore(after, before))
      throw new UsageError(
        `${refreshKeyOf({ kind, ...where })} would not become what it was, so nothing was changed: put the defaults of before in force first; where its manifest was changed since, take it out of the file`,
      );
    const step = stepOf(kind, object, after);
    if (step) todo.models.push({ step, before });
  }
  return todo;
}

/** Whether a model is what it was, but for its scaling. */
function isAsBefore({ spec }: JsonObject, { kind, spec: before }: ModelBefore): boolean {
  return !touches(kind, { spec: before as JsonObject }, { spec });
}

function planLines(waves: readonly RefreshStep[][]): string[] {
  if (waves.length === 0) return ["No model has older defaults: nothing to do."];
  const all = waves.flat();
  const total = {
    pods: all.reduce((sum, { pods }) => sum + pods, 0),
    npus: all.reduce((sum, { npus }) => sum + npus, 0),
  };
  return [
    `${all.length} ${all.length === 1 ? "model" : "models"} in ${waves.length} ${waves.length === 1 ? "wave" : "waves"}: ${sizeText(total)} restart.`,
    ...waves.flatMap((wave, index) =>
      wave.map(
        (step) =>
          `  wave ${index + 1}: ${refreshKeyOf(step)}, ${step.pods === 0 ? "nothing restarts" : sizeText(step)}`,
      ),
    ),
  ];
}

async function underWayIsReady(
  connected: Connected,
  steps: readonly RefreshStep[],
  options: RefreshOptions,
  console: Console,
  now: () => number,
): Promise<boolean> {
  if (steps.length === 0) return true;
  console.print([`Waiting for ${steps.map(refreshKeyOf).join(", ")}, which an earlier run refreshed.`]);
  return waitFor(connected, steps, options, console, now);
}

async function runWaves(
  connected: Connected,
  waves: readonly RefreshStep[][],
  run: string,
  options: RefreshOptions,
  console: Console,
  now: () => number,
): Promise<number> {
  for (const [index, wave] of waves.entries()) {
    for (const step of wave) {
      const place = { namespace: step.namespace, name: step.name };
      const written = await connected.client.patch(KINDS[step.kind], place, refreshPatch(run), {
        fieldManager: FIELD_MANAGER,
      });
      if (!written.ok) {
        console.complain([
          `${refreshKeyOf(step)} was refused: ${describeFailure(written.failure)}`,
          ...stopped(options),
        ]);
        return EXIT.refused;
      }
    }
    const restarting = wave.filter(({ pods }) => pods > 0);
    if (!(await waitFor(connected, restarting, options, console, now))) return EXIT.refused;
    console.print([`wave ${index + 1} of ${waves.length}: ${wave.map(refreshKeyOf).join(", ")} done`]);
  }
  return EXIT.ok;
}

/** Waits until all are ready: whether they are. */
async function waitFor(
  { client }: Connected,
  steps: readonly RefreshStep[],
  options: RefreshOptions,
  console: Console,
  now: () => number,
): Promise<boolean> {
  const end = now() + options.timeoutSeconds * 1000;
  for (const step of steps) {
    const place = { namespace: step.namespace, name: step.name };
    for (;;) {
      const found = await client.get<AnyObject>(KINDS[step.kind], place);
      const gone = !found.ok && isNotFound(found.failure);
      const state = found.ok ? modelStateOf(step.kind, found.value as unknown as JsonObject) : "waiting";
      if (gone || state === "ready") break;
      if (state === "failed" || now() >= end) {
        const why = state === "failed" ? "failed" : `is not ready after ${options.timeoutSeconds} seconds`;
        console.complain([`${refreshKeyOf(step)} ${why}`, ...stopped(options)]);
        return false;
      }
      await sleep(PAUSE_MS);
    }
  }
  return true;
}

function stopped({ undo }: RefreshOptions): string[] {
  return [
    undo === undefined
      ? "Stopped; no further model was touched. The same command goes on where it stopped; --undo takes back what it did."
      : "Stopped; no further model was touched. The same command goes on where it stopped.",
  ];
}
