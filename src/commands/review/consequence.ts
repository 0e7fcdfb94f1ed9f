import { at, equal, type Json, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { npuResourcesOf } from "../../engines/accelerators.ts";
import { parseNpuCount } from "../../engines/npu-count.ts";
import { shapeOf, type WorkloadKind } from "../../kinds/index.ts";
import { templatesOf, type Unit, unitsOf } from "../../kinds/units.ts";

/** What applying will do to one role or worker. */
export interface Consequence {
  unit: string;
  /**
   * nothing: it stays as it is stored; restored: what the manifest lacks is put back; completed: it is new, and gets
   * its additions; restarts: its template changes, and Kthena makes its pods anew; starts: new, and nothing is added;
   * removed: it is in the stored object only.
   */
  effect: "nothing" | "restored" | "completed" | "restarts" | "starts" | "removed";
  /** Pods that start, restart or end. */
  pods: number;
  /** NPUs of those pods. */
  npus: number;
}

/** The object before (undefined where it is new), as applying asks for it, and as it will be. */
export interface AppliedVersions {
  before: JsonObject | undefined;
  asked: JsonObject;
  after: JsonObject;
}

/**
 * What will happen to each role of a ModelServing or worker of a ModelBooster. Kthena makes pods anew when a role
 * changes in anything but its scaling: all of the group, or with RoleRollingUpdate those of the role
 * (pkg/model-serving-controller, utils/revision_util.go; rolloutStrategy of the CRD). Of a ModelBooster all pods carry
 * a hash of the whole backend, scaling and all, as a label (pkg/model-booster-controller, convert/model_serving.go).
 */
export function consequences(kind: WorkloadKind, { before, asked, after }: AppliedVersions): Consequence[] {
  const old = new Map(before ? unitsOf(kind, before).map((unit) => [unit.key, unit]) : []);
  const wanted = new Map(unitsOf(kind, asked).map((unit) => [unit.key, unit]));
  const units = unitsOf(kind, after);
  const changed = new Set(
    units.filter(({ key, value }) => !same(kind, old.get(key)?.value, value)).map(({ key }) => key),
  );
  const gone = [...old.values()].filter(({ key }) => !units.some((unit) => unit.key === key));
  const { beside: place, rollsUnits } = shapeOf(kind);
  const beside = (object: JsonObject | undefined): Json => (object && place && at(object, ...place)) ?? null;
  const whole = changed.size > 0 || gone.length > 0 || !equal(beside(before), beside(after));
  const together = !rollsUnits(after);
  const found = units.map((unit): Consequence => {
    const stored = old.get(unit.key);
    const count = sizeOf(kind, unit, after);
    if (!stored) {
      const added = !equal(wanted.get(unit.key)?.value, unit.value);
      return { unit: unit.key, effect: added ? "completed" : "starts", ...count };
    }
    if (changed.has(unit.key) || (whole && together)) return { unit: unit.key, effect: "restarts", ...count };
    const restored = !same(kind, wanted.get(unit.key)?.value, unit.value);
    return { unit: unit.key, effect: restored ? "restored" : "nothing", pods: 0, npus: 0 };
  });
  const removed = gone.map(
    (unit): Consequence => ({ unit: unit.key, effect: "removed", ...sizeOf(kind, unit, before ?? {}) }),
  );
  return [...found, ...removed];
}

/** What restarts of it in all. */
export function restartsOf(kind: WorkloadKind, versions: AppliedVersions): { pods: number; npus: number } {
  const restarting = consequences(kind, versions).filter(({ effect }) => effect === "restarts");
  return {
    pods: restarting.reduce((sum, { pods }) => sum + pods, 0),
    npus: restarting.reduce((sum, { npus }) => sum + npus, 0),
  };
}

/** Whether nothing of a unit differs but its scaling. */
function same(kind: WorkloadKind, left: JsonObject | undefined, right: JsonObject): boolean {
  const { scaling } = shapeOf(kind);
  const part = (unit: JsonObject | undefined): Json =>
    unit ? Object.fromEntries(Object.entries(unit).filter(([key]) => !scaling.has(key))) : null;
  return equal(part(left), part(right));
}

function sizeOf(kind: WorkloadKind, { value }: Unit, object: JsonObject): { pods: number; npus: number } {
  const shape = shapeOf(kind);
  const groups = numberOf(at(object, ...shape.groups), 1);
  const instances = groups * numberOf(value.replicas, 1);
  const each = shape.podsEach(value);
  const templates = templatesOf(kind, value);
  if (templates.length === 0) return { pods: instances * each, npus: instances * each * npusIn(value) };
  const npus = templates.map(({ part, template }) => {
    const { containers } = objectOf(template.spec);
    const one = listOf(containers).reduce<number>((sum, container) => sum + npusIn(objectOf(container)), 0);
    return part === "entry" ? one : one * (each - 1);
  });
  return { pods: instances * each, npus: instances * npus.reduce((sum, count) => sum + count, 0) };
}

function npusIn(container: JsonObject): number {
  const [first] = npuResourcesOf(container);
  const count = first ? parseNpuCount(first.limit ?? first.request ?? 0) : undefined;
  return count?.ok ? count.count : 0;
}

function numberOf(value: Json | undefined, standard: number): number {
  return typeof value === "number" && value >= 0 ? value : standard;
}

/** A consequence in words: `prefill: restarts 2 pods with 8 NPUs`. */
export function consequenceText({ unit, effect, pods, npus }: Consequence): string {
  const size = `${pods} ${pods === 1 ? "pod" : "pods"} with ${npus} ${npus === 1 ? "NPU" : "NPUs"}`;
  if (effect === "nothing") return `${unit}: nothing happens`;
  if (effect === "restored") return `${unit}: restored as it is stored, nothing restarts`;
  if (effect === "completed") return `${unit}: completed, ${size}`;
  if (effect === "starts") return `${unit}: starts ${size}`;
  return `${unit}: ${effect === "restarts" ? "restarts" : "ends"} ${size}`;
}
