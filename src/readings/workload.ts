import type { JsonObject } from "../api/json.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { type Unit, unitsOf, withUnits } from "../kinds/units.ts";
import { type KvRole, kvRoleOf } from "./kv-role.ts";
import { podSubject, type RoleReading, readRole } from "./role.ts";

/** A workload without what was added to it, and what holds for it. */
export interface WorkloadInput {
  kind: WorkloadKind;
  object: JsonObject;
  /** Annotations of the namespace, the owner and the object, nearest already decided; templates come on top. */
  asks: Record<string, string>;
  defaults: ResolvedDefaults;
}

/**
 * What a workload says: made once for an object and handed down. Each part of it is read when it is first asked for,
 * and then kept.
 */
export interface WorkloadReading extends WorkloadInput {
  units: readonly Unit[];
  /** The unit with this key. */
  unit: (key: string) => Unit | undefined;
  /** A role with what decides about it. */
  role: (unit: Unit) => RoleReading;
  /** The units with templates that have an engine, as far as KV transfer goes. */
  kvRoles: () => readonly KvRole[];
  /** The same with another form of one unit; what was read of the others is kept. */
  with: (unit: Unit) => WorkloadReading;
}

/** What was read of roles, by the role's own object. */
interface Known {
  roles: Map<JsonObject, RoleReading>;
  kvRoles: Map<JsonObject, KvRole | undefined>;
}

/** Reads a workload. `units`: its units, where they are known. */
export function readWorkload(input: WorkloadInput, units?: readonly Unit[]): WorkloadReading {
  return readingOf(input, units ?? unitsOf(input.kind, input.object), {
    roles: new Map(),
    kvRoles: new Map(),
  });
}

function readingOf(input: WorkloadInput, units: readonly Unit[], known: Known): WorkloadReading {
  const { kind, asks, defaults } = input;
  const byKey = new Map(units.map((unit) => [unit.key, unit]));
  let kvRoles: readonly KvRole[] | undefined;
  const role = ({ value }: Unit): RoleReading =>
    remembered(known.roles, value, () => readRole(kind, value, asks, defaults.settings));
  const kvRole = (unit: Unit): KvRole | undefined =>
    remembered(known.kvRoles, unit.value, () => {
      const reading = role(unit);
      const pods = reading.places.map((place) => podSubject(unit.value, reading, place, defaults));
      return kvRoleOf(unit.key, pods);
    });
  return {
    ...input,
    units,
    unit: (key) => byKey.get(key),
    role,
    kvRoles: () => {
      kvRoles ??= units.flatMap((unit) => kvRole(unit) ?? []);
      return kvRoles;
    },
    with: (unit) => {
      const next = units.map((other) => (other.key === unit.key ? unit : other));
      return readingOf({ ...input, object: withUnits(input.kind, input.object, [unit]) }, next, known);
    },
  };
}

function remembered<V>(known: Map<JsonObject, V>, key: JsonObject, read: () => V): V {
  const found = known.get(key);
  if (found !== undefined || known.has(key)) return found as V;
  const value = read();
  known.set(key, value);
  return value;
}
