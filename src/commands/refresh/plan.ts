import { at, equal, type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../../api/names.ts";
import type { WorkloadKind } from "../../kinds/index.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { parseRecord } from "../../pinning/record.ts";
import { childName } from "../../readings/neighbours.ts";
import { restartsOf } from "../review/consequence.ts";

/** A model that is to be refreshed. */
export interface RefreshStep {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  /** What restarts. */
  pods: number;
  npus: number;
  /** Of a ModelBooster of which Kthena sees no change: its ModelServing, which has to be refreshed beside it. */
  serving?: string;
}

/**
 * What refreshing a model changes: undefined where it has today's defaults already. `after`: what the API server says
 * that it would store, by a dry run.
 */
export function stepOf(kind: WorkloadKind, before: JsonObject, after: JsonObject): RefreshStep | undefined {
  const same =
    equal(before.spec, after.spec) && annotationsOf(before)[SETTINGS] === annotationsOf(after)[SETTINGS];
  if (same) return undefined;
  return {
    kind,
    ...placeOf(before),
    ...restartsOf(kind, { before, asked: after, after }),
  };
}

/** Where an object stands. */
export function placeOf({ metadata }: JsonObject): { namespace: string; name: string } {
  const { name, namespace } = objectOf(metadata);
  return { namespace: stringOf(namespace) ?? "default", name: stringOf(name) ?? "" };
}

/** Where the ModelServing stands that Kthena makes of a ModelBooster. */
export function servingPlaceOf(booster: JsonObject): { namespace: string; name: string } {
  const { namespace, name } = placeOf(booster);
  const backend = stringOf(at(booster, "spec", "backend", "name")) ?? "";
  return { namespace, name: childName({ name, backend }) };
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

/** Value of the annotation `refresh` that this command writes. */
const RUN = /^refresh-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** The value for a run that begins now (milliseconds since 1970). */
export function runAt(now: number): string {
  return `refresh-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/** When a run was, in milliseconds since 1970; undefined where a value of the annotation is of none. */
export function timeOfRun(value: string | undefined): number | undefined {
  const [text, ...parts] = RUN.exec(value ?? "") ?? [];
  if (text === undefined) return undefined;
  const [year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** Whether nobody completed an object that was to be refreshed: its record does not tell of the run. */
export function isUnasked(after: JsonObject, run: string): boolean {
  const record = parseRecord(annotationsOf(after)[INJECTED]);
  return record !== undefined && record.refresh !== run;
}
