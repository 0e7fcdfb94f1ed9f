import { valueHash } from "../../api/canonical.ts";
import { type Json, type JsonObject, objectOf } from "../../api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../../api/names.ts";
import { parsePinned } from "../../defaults/pinned.ts";
import { isWorkloadKind, type WorkloadKind } from "../../kinds/index.ts";
import type { Addition } from "../../pinning/addition.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { uninjected } from "../../pinning/uninjected.ts";
import { completeWorkload, type Injectors } from "../../pinning/workload.ts";
import { maskFor } from "../../rules/secrets.ts";
import { type Difference, explain } from "../explain/explanation.ts";
import { type AdditionsByUnit, recomputed, type SettingsOfUnits } from "../explain/recomputed.ts";
import { restartsOf } from "../review/consequence.ts";
import { maskedJson } from "../review/json.ts";
import { withoutSecret } from "../review/report.ts";
import type { Known } from "../review/world.ts";
import { type AuditedObject, judgedAnew, judgedAtChange, ruleIdsOf } from "./entry.ts";

/** What new defaults would mean for one object. */
export interface Blast {
  /** Rules that would refuse its next change, and do not today. */
  refused: string[];
  /** Rules that would refuse its manifest were it created anew, and do not today. */
  refusedAnew: string[];
  /** Rules that would warn about it, and do not today. */
  warned: string[];
  /** Additions that its next change would make otherwise: settings that are not pinned. */
  otherwise: number;
  /** Additions that a refresh would make otherwise than they stand. */
  refreshed: number;
  /** What a refresh would restart. */
  pods: number;
  npus: number;
  /** The additions that a refresh makes otherwise, where they were asked for. */
  differences?: Difference[];
}

/** A change of defaults as one object meets it. */
export interface Change extends AuditedObject {
  /** What holds with the new defaults. */
  after: Known;
  /** Whether each difference is wanted. */
  diff: boolean;
}

/**
 * Compares what the defaults in force and new ones make of a stored object. Pure. `created`: what the webhook would say
 * with those in force were it created today, where that is known already.
 */
export function blastOf(change: Change, created = judgedAnew(change)): Blast {
  const { object, known, facts, injectors, after, diff } = change;
  const lean = uninjected(object);
  const atChange = [known, after].map(
    (one) => judgedAtChange({ object, known: one, facts, injectors }).findings,
  );
  const [changeBefore = [], changeAfter = []] = atChange;
  const anewBefore = created.findings;
  const anewAfter = judgedAnew({ object, known: after, facts, injectors }).findings;
  const fresh = (before: readonly string[], now: readonly string[]): string[] =>
    now.filter((rule) => !before.includes(rule));
  const { owner, workloads } = after;
  const { differences } = explain({
    object,
    today: after.defaults,
    owner,
    workloads,
    findings: [],
    injectors,
  });
  return {
    refused: fresh(ruleIdsOf(changeBefore, "deny"), ruleIdsOf(changeAfter, "deny")),
    refusedAnew: fresh(ruleIdsOf(anewBefore, "deny"), ruleIdsOf(anewAfter, "deny")),
    warned: fresh(ruleIdsOf(changeBefore, "warn"), ruleIdsOf(changeAfter, "warn")),
    otherwise: otherwise(object, lean, { known, after, injectors }),
    refreshed: differences.length,
    ...restarts(object, after, injectors),
    ...(diff ? { differences: differences.map((one) => shownDifference(one, object)) } : {}),
  };
}

/** Additions that differ although the object keeps what is pinned on it. */
function otherwise(
  object: JsonObject,
  lean: JsonObject,
  { known, after, injectors }: Pick<Change, "known" | "after" | "injectors">,
): number {
  const { kind } = object;
  if (typeof kind !== "string" || !isWorkloadKind(kind)) return 0;
  if (annotationsOf(object)[INJECTED] === undefined) return 0;
  const text = annotationsOf(object)[SETTINGS];
  const [before, now] = [known, after].map(
    ({ defaults }): SettingsOfUnits => parsePinned(text, defaults) ?? { base: defaults, units: {} },
  );
  if (!before || !now || sameSettings(before, now)) return 0;
  const { owner } = after;
  const [old, next] = [before, now].map((one) => recomputed(kind, lean, one, owner, injectors).additions);
  return old && next ? differing(old, next) : 0;
}

/** Whether an object that keeps these settings keeps what they make of it: about all are pinned whole. */
function sameSettings(left: SettingsOfUnits, right: SettingsOfUnits): boolean {
  const units = Object.keys(left.units);
  return (
    left.base.text === right.base.text &&
    units.length === Object.keys(right.units).length &&
    units.every((unit) => left.units[unit]?.text === right.units[unit]?.text)
  );
}

function differing(before: AdditionsByUnit, now: AdditionsByUnit): number {
  const hashes = (all: AdditionsByUnit): Set<string> =>
    new Set(
      [...all].flatMap(([unit, additions]) =>
        [...additions].flatMap(([path, one]) =>
          isStamp(one) ? [] : [JSON.stringify([unit, path, valueHash(one.value)])],
        ),
      ),
    );
  const [old, next] = [hashes(before), hashes(now)];
  return [...next].filter((one) => !old.has(one)).length + [...old].filter((one) => !next.has(one)).length;
}

function isStamp({ injector }: Addition): boolean {
  return injector === "stamp";
}

/** What the annotation `refresh` with a new value would restart; a part of another object is counted with it alone. */
function restarts(object: JsonObject, after: Known, injectors: Injectors): { pods: number; npus: number } {
  const { kind } = object;
  const record = annotationsOf(object)[INJECTED];
  if (typeof kind !== "string" || !isWorkloadKind(kind) || record === undefined) return { pods: 0, npus: 0 };
  const metadata = objectOf(object.metadata);
  const annotations = { ...annotationsOf(object), [ASK.refresh]: "what-a-refresh-would-do" };
  const asked = { ...object, metadata: { ...metadata, annotations } };
  const completed = refreshedObject(object, asked, kind, { ...after, injectors });
  return restartsOf(kind, { before: object, asked, after: completed });
}

function refreshedObject(
  oldObject: JsonObject,
  object: JsonObject,
  kind: WorkloadKind,
  { defaults: today, owner, injectors }: Known & { injectors: Injectors },
): JsonObject {
  return completeWorkload({ kind, object, oldObject, today, owner, injectors }).object;
}

/** A difference as it is shown: without secrets. */
export function shownDifference({ was, today, ...place }: Difference, object: JsonObject): Difference {
  const mask = maskFor(object);
  const masked = (value: Json): Json => maskedJson(withoutSecret(value), mask);
  return {
    ...place,
    ...(was === undefined ? {} : { was: masked(was) }),
    ...(today === undefined ? {} : { today: masked(today) }),
  };
}
