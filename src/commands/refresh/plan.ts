import { equal, type JsonObject, objectOf } from "../../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../../api/names.ts";
import { readBooster, readServing } from "../../conditions/read.ts";
import type { WorkloadKind } from "../../kinds/index.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { parseRecord } from "../../pinning/record.ts";
import { restartsOf } from "../review/consequence.ts";

/** A model that is to be refreshed. */
export interface RefreshStep {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  /** What restarts. */
  pods: number;
  npus: number;
}

/**
 * What refreshing a model changes: undefined where it has today's defaults already. `after`: what the API server says
 * that it would store, by a dry run.
 */
export function stepOf(kind: WorkloadKind, before: JsonObject, after: JsonObject): RefreshStep | undefined {
  const same =
    equal(before.spec, after.spec) && annotationsOf(before)[SETTINGS] === annotationsOf(after)[SETTINGS];
  if (same) return undefined;
  const { name, namespace } = objectOf(before.metadata);
  return {
    kind,
    namespace: String(namespace ?? "default"),
    name: String(name),
    ...restartsOf(kind, { before, asked: after, after }),
  };
}

/** Steps in waves: smaller models first, so that a mistake shows where it costs least; at most so many at a time. */
export function wavesOf(steps: readonly RefreshStep[], most: number): RefreshStep[][] {
  const ordered = [...steps].sort(
    (left, right) => left.npus - right.npus || refreshKeyOf(left).localeCompare(refreshKeyOf(right), "en"),
  );
  const waves: RefreshStep[][] = [];
  for (let start = 0; start < ordered.length; start += most) waves.push(ordered.slice(start, start + most));
  return waves;
}

/** `ModelServing models/qwen3`. */
export function refreshKeyOf({
  kind,
  namespace,
  name,
}: Pick<RefreshStep, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace}/${name}`;
}

/** The patch that refreshes an object: the annotation with a value that it has not had. */
export function refreshPatch(run: string): { type: "merge"; body: object } {
  return { type: "merge", body: { metadata: { annotations: { [ASK.refresh]: run } } } };
}

/** Whether a model runs as it was asked for; failed: it will not by itself. */
export function modelStateOf(kind: WorkloadKind, object: JsonObject): "ready" | "waiting" | "failed" {
  if (kind === "ModelServing") {
    const { generation, observed, available, updating } = readServing(object);
    return observed >= generation && available && !updating ? "ready" : "waiting";
  }
  const { generation, takenUp, conditions } = readBooster(object);
  const holds = (type: string): boolean =>
    conditions.some((one) => one.type === type && one.status === "True");
  if (takenUp < generation) return "waiting";
  if (holds("Failed")) return "failed";
  return holds("Active") ? "ready" : "waiting";
}

/** Value of the annotation `refresh` that this command writes. */
const RUN = /^refresh-\d{8}T\d{6}Z$/;

/** The value for a run that begins now (milliseconds since 1970). */
export function runAt(now: number): string {
  return `refresh-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/** Whether this command refreshed an object the last time. */
export function isOfRun(object: JsonObject): boolean {
  return RUN.test(annotationsOf(object)[ASK.refresh] ?? "");
}

/** Whether nobody completed an object that was to be refreshed: its record does not tell of the run. */
export function isUnasked(after: JsonObject, run: string): boolean {
  const record = parseRecord(annotationsOf(after)[INJECTED]);
  return record !== undefined && record.refresh !== run;
}
