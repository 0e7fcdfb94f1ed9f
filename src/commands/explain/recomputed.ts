import { type JsonObject, objectOf } from "../../api/json.ts";
import type { ResolvedDefaults } from "../../defaults/settings.ts";
import { modelServerConnector } from "../../injectors/kv/model-server.ts";
import type { WorkloadKind } from "../../kinds/index.ts";
import type { Addition } from "../../pinning/addition.ts";
import { encodePath } from "../../pinning/path.ts";
import {
  type CompletedWorkload,
  completeWorkload,
  type Injectors,
  type Owner,
} from "../../pinning/workload.ts";
import type { RoutedWorkload } from "../../readings/routing.ts";

/** Additions by their path as text: `""` is the object outside of its units, else the unit's key. */
export type AdditionsByUnit = ReadonlyMap<string, ReadonlyMap<string, Addition>>;

/** What injection says of a lean object. */
export interface Recomputed {
  additions: AdditionsByUnit;
  /** Why units are left alone, by their key. */
  skipped: ReadonlyMap<string, { skip: string; because?: string | undefined }>;
}

/** Settings for the object, and for units that have others. */
export interface SettingsOfUnits {
  base: ResolvedDefaults;
  units: Readonly<Record<string, ResolvedDefaults>>;
}

/**
 * Completes a lean workload again as if it were created with these settings. What its owner pinned does not count:
 * the settings given do.
 */
export function recomputed(
  kind: WorkloadKind,
  lean: JsonObject,
  { base, units }: SettingsOfUnits,
  owner: Owner | undefined,
  injectors: Injectors,
): Recomputed {
  const completed = (today: ResolvedDefaults): CompletedWorkload =>
    completeWorkload({ kind, object: lean, today, owner: owner && { asks: owner.asks }, injectors });
  const whole = completed(base);
  const additions = new Map([["", byPath(whole.additions)]]);
  const skipped: [string, { skip: string; because?: string | undefined }][] = [];
  const others = new Map(Object.entries(units).map(([key, settings]) => [key, completed(settings)]));
  for (const unit of whole.units) {
    const { key } = unit.unit;
    const own = others.get(key)?.units.find((one) => one.unit.key === key) ?? unit;
    additions.set(key, byPath(own.additions));
    if (own.skip !== undefined) skipped.push([key, { skip: own.skip, because: own.because }]);
  }
  return { additions, skipped: new Map(skipped) };
}

/** The same for a ModelServer. */
export function recomputedServer(lean: JsonObject, workloads: readonly RoutedWorkload[]): Recomputed {
  const additions = modelServerConnector(objectOf(lean), workloads);
  return { additions: new Map([["", byPath(additions)]]), skipped: new Map() };
}

function byPath(additions: readonly Addition[]): Map<string, Addition> {
  return new Map(additions.map((addition) => [addition.key ?? encodePath(addition.path), addition]));
}
