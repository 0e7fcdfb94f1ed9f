import { judgeRequest } from "../../admission/judge.ts";
import type { Judgement } from "../../admission/judgement.ts";
import { requestFor } from "../../admission/manifest.ts";
import { type JsonObject, objectOf } from "../../api/json.ts";
import { ASK, INJECTED, STAMP } from "../../api/names.ts";
import { isWorkloadKind, type WorkloadKind } from "../../kinds/index.ts";
import { unitsOf } from "../../kinds/units.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { exactly } from "../../pinning/lean.ts";
import { decodePath } from "../../pinning/path.ts";
import { parseRecord } from "../../pinning/record.ts";
import { get } from "../../pinning/tree.ts";
import type { Difference } from "../explain/explanation.ts";
import { restartsOf } from "../review/consequence.ts";
import { type Blast, shownDifference } from "./blast.ts";
import { type AuditedObject, judgedAtChange, referenceOf, ruleIdsOf } from "./entry.ts";

/** What the version that runs in a cluster answers about one object: by dry runs at its API server. */
export interface Running {
  /** The object as a refresh would store it; undefined where that is refused, or nobody was asked. */
  refreshed: JsonObject | undefined;
  /** Whether a refresh is refused. */
  refuses: boolean;
  /** Whether its manifest is refused were it created anew. */
  refusesAnew: boolean;
}

/** One object with what both versions say. */
export interface VersionChange extends AuditedObject {
  running: Running;
  /** The value of the annotation `refresh` that was tried. */
  run: string;
  diff: boolean;
}

/**
 * Compares what this version makes of a stored object with what the running one does, by their records of what they
 * add: the API server's own defaults are in neither. Pure. `created`: what this version says of its manifest.
 */
export function versionBlast(change: VersionChange, created: Pick<Judgement, "findings">): Blast {
  const { object, running, run, diff } = change;
  const next = judgedAtChange(change);
  const refreshed = running.refreshed && judgedRefreshed(change, run);
  const differences = refreshed ? recordDifferences(running.refreshed ?? {}, refreshed.object) : [];
  const { kind } = object;
  const size =
    refreshed && differences.length > 0 && typeof kind === "string" && isWorkloadKind(kind)
      ? restartsOf(kind, { before: object, asked: askedOf(object, run), after: refreshed.object })
      : { pods: 0, npus: 0 };
  const denied = ruleIdsOf([...next.findings, ...(refreshed?.findings ?? [])], "deny");
  return {
    refused: running.refuses ? [] : denied,
    refusedAnew: running.refusesAnew ? [] : ruleIdsOf(created.findings, "deny"),
    // What the running version warns about is not read.
    warned: [],
    otherwise: recordDifferences(object, next.object).length,
    refreshed: differences.length,
    ...size,
    ...(diff ? { differences: differences.map((one) => shownDifference(one, object)) } : {}),
  };
}

function askedOf(object: JsonObject, run: string): JsonObject {
  const annotations = { ...annotationsOf(object), [ASK.refresh]: run };
  return { ...object, metadata: { ...objectOf(object.metadata), annotations } };
}

function judgedRefreshed(
  { object, known, facts, injectors }: AuditedObject,
  run: string,
): Pick<Judgement, "findings" | "object"> {
  const request = requestFor(askedOf(object, run), referenceOf(object).namespace);
  const around = { defaultsFor: () => known.defaults, clusterFacts: () => facts, injectors };
  return judgeRequest({ ...request, operation: "UPDATE", oldObject: object }, known, around);
}

/** What was added to one of two forms of an object and not to the other, or with another value. */
function recordDifferences(before: JsonObject, after: JsonObject): Difference[] {
  const [old, next] = [recorded(before), recorded(after)];
  const keys = [...new Set([...old.keys(), ...next.keys()])];
  return keys.flatMap((key): Difference[] => {
    const [was, today] = [old.get(key), next.get(key)];
    const { unit = "", path = "" } = was ?? today ?? {};
    if (was?.hash === today?.hash) return [];
    return [
      {
        unit,
        path,
        ...(was?.value === undefined ? {} : { was: was.value }),
        ...(today?.value === undefined ? {} : { today: today.value, source: "this version" }),
      },
    ];
  });
}

interface Recorded {
  unit: string;
  path: string;
  hash: string;
  value: ReturnType<typeof get>;
}

/** What is recorded on an object, with its values; stamps say no more than the rest. */
function recorded(object: JsonObject): Map<string, Recorded> {
  const record = parseRecord(annotationsOf(object)[INJECTED]);
  if (!record) return new Map();
  const { kind } = object;
  const units = typeof kind === "string" && isWorkloadKind(kind) ? unitsOf(kind as WorkloadKind, object) : [];
  const values = new Map(units.map(({ key, value }) => [key, value]));
  const sides = [
    { unit: "", value: object, added: record.object },
    ...Object.entries(record.units).map(([unit, { added }]) => ({
      unit,
      value: values.get(unit) ?? {},
      added,
    })),
  ];
  return new Map(
    sides.flatMap(({ unit, value, added }) =>
      Object.entries(added).flatMap(([path, hash]): [string, Recorded][] => {
        const keyed = decodePath(path);
        if (!keyed || keyed.at(-1) === STAMP) return [];
        const found = get(value, exactly(value, keyed, hash));
        return [[JSON.stringify([unit, path]), { unit, path, hash, value: found }]];
      }),
    ),
  );
}
