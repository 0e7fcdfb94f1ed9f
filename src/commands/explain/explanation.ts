import { valueHash } from "../../api/canonical.ts";
import type { Finding } from "../../api/finding.ts";
import { equal, type Json, type JsonObject, stringOf } from "../../api/json.ts";
import { INJECTED, SETTINGS, STAMP } from "../../api/names.ts";
import { isOlder, parsePinned } from "../../defaults/pinned.ts";
import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { isWorkloadKind } from "../../kinds/index.ts";
import { type Unit, unitsOf } from "../../kinds/units.ts";
import type { Addition } from "../../pinning/addition.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { exactly } from "../../pinning/lean.ts";
import { ownOf } from "../../pinning/own.ts";
import { decodePath } from "../../pinning/path.ts";
import { parseRecord } from "../../pinning/record.ts";
import { get } from "../../pinning/tree.ts";
import { uninjected } from "../../pinning/uninjected.ts";
import type { Injectors, Owner } from "../../pinning/workload.ts";
import type { RoutedWorkload } from "../../readings/routing.ts";
import { type Recomputed, recomputed, recomputedServer } from "./recomputed.ts";

/** One thing that was added to an object. */
export interface ExplainedAddition {
  /** The role or worker; empty outside of them. */
  unit: string;
  /** Relative to the unit, or to the object outside of them. */
  path: string;
  /** The value as it was added, where it is known: the record holds its hash only. */
  value?: Json;
  /** Whether the value stands as it was added, was changed since, or is gone. */
  state: "stands" | "changed" | "gone";
  /** What stands there instead. */
  found?: Json;
  /** Which injector added it, why, and where the value came from; left out where this version adds no such thing. */
  injector?: string;
  reason?: string;
  source?: string;
}

/** What today's defaults would do otherwise. */
export interface Difference {
  unit: string;
  path: string;
  /** Left out where nothing is added there. */
  was?: Json;
  today?: Json;
  /** Where today's value comes from. */
  source?: string;
}

/** All that can be told of one object. */
export interface Explanation {
  kind: string;
  /** Whether it has a record of additions. */
  recorded: boolean;
  /** Whether it was admitted with other settings than hold today. */
  older: boolean;
  additions: ExplainedAddition[];
  /** Units without additions, and why. */
  skipped: { unit: string; skip: string; because?: string }[];
  differences: Difference[];
  /** Of the rules in force, but for those that say nothing. */
  findings: readonly Finding[];
  /** The object as its user asked for it. */
  lean: JsonObject;
}

/** An object with what holds for it. */
export interface Explained {
  /** As it is stored. */
  object: JsonObject;
  today: ResolvedDefaults;
  owner?: Owner | undefined;
  workloads?: readonly RoutedWorkload[] | undefined;
  findings: readonly Finding[];
  /** Of many objects the same ones: they remember what is added where. */
  injectors: Injectors;
}

/**
 * Explains an object from its record, its pinned settings and itself: completes the lean object again with what is
 * pinned and with today's defaults. Pure.
 */
export function explain({ object, today, owner, workloads, findings, injectors }: Explained): Explanation {
  const annotations = annotationsOf(object);
  const lean = uninjected(object);
  const again = (settings: {
    base: ResolvedDefaults;
    units: Record<string, ResolvedDefaults>;
  }): Recomputed =>
    typeof object.kind === "string" && isWorkloadKind(object.kind)
      ? recomputed(object.kind, lean, settings, owner, injectors)
      : recomputedServer(lean, object.kind === "ModelServer" ? (workloads ?? []) : []);
  const now = again({ base: today, units: {} });
  const record = parseRecord(annotations[INJECTED]);
  const pinned = record && parsePinned(annotations[SETTINGS], today);
  const then = pinned ? again(pinned) : now;
  const { additions, differences } = sides(object, then, now);
  const own = record ? additions : [];
  return {
    kind: stringOf(object.kind) ?? "",
    recorded: record !== undefined,
    older: pinned !== undefined && isOlder(annotations[SETTINGS] ?? "", today),
    additions: own,
    skipped: [...then.skipped].map(([unit, { skip, because }]) => ({
      unit,
      skip,
      ...(because === undefined ? {} : { because }),
    })),
    differences: record ? differences : [],
    findings,
    lean,
  };
}

interface Side {
  unit: string;
  value: JsonObject;
  added: Readonly<Record<string, string>>;
}

function sides(
  object: JsonObject,
  then: Recomputed,
  now: Recomputed,
): { additions: ExplainedAddition[]; differences: Difference[] } {
  const record = parseRecord(annotationsOf(object)[INJECTED]);
  const units: Unit[] =
    typeof object.kind === "string" && isWorkloadKind(object.kind) ? unitsOf(object.kind, object) : [];
  const all: Side[] = [
    ...units.map(({ key, value }) => ({ unit: key, value, added: ownOf(record?.units, key)?.added ?? {} })),
    { unit: "", value: object, added: record?.object ?? {} },
  ];
  return {
    additions: all.flatMap((side) => additionsOf(side, then, now)),
    differences: all.flatMap((side) => differencesOf(side, then, now)),
  };
}

function additionsOf({ unit, value, added }: Side, then: Recomputed, now: Recomputed): ExplainedAddition[] {
  return Object.entries(added).flatMap(([path, hash]): ExplainedAddition[] => {
    const keyed = decodePath(path);
    if (!keyed || isStamp(path)) return [];
    const pinned = then.additions.get(unit)?.get(path);
    const current = now.additions.get(unit)?.get(path);
    // Of the same value today's defaults tell the document; pinned settings do not.
    const known = current && valueHash(current.value) === hash ? current : pinned;
    const found = get(value, exactly(value, keyed, hash));
    const state = found === undefined ? "gone" : valueHash(found) === hash ? "stands" : "changed";
    const same = known !== undefined && valueHash(known.value) === hash;
    const was = state === "stands" ? found : same ? known.value : undefined;
    return [
      {
        unit,
        path,
        ...(was === undefined ? {} : { value: was }),
        state,
        ...(state === "changed" && found !== undefined ? { found } : {}),
        ...(known ? { injector: known.injector, reason: known.reason, source: known.source } : {}),
      },
    ];
  });
}

function differencesOf({ unit, added }: Side, then: Recomputed, now: Recomputed): Difference[] {
  const before = then.additions.get(unit) ?? new Map<string, Addition>();
  const after = now.additions.get(unit) ?? new Map<string, Addition>();
  const paths = new Set([...Object.keys(added), ...after.keys()]);
  return [...paths].flatMap((path): Difference[] => {
    if (isStamp(path)) return [];
    const [was, today] = [before.get(path), after.get(path)];
    const same = today !== undefined && Object.hasOwn(added, path) && valueHash(today.value) === added[path];
    if (same || (was && today && equal(was.value, today.value))) return [];
    return [
      {
        unit,
        path,
        ...(was && Object.hasOwn(added, path) ? { was: was.value } : {}),
        ...(today ? { today: today.value, source: today.source } : {}),
      },
    ];
  });
}

function isStamp(path: string): boolean {
  return decodePath(path)?.at(-1) === STAMP;
}
