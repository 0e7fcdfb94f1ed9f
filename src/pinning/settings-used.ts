import { objectOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { pinnedText } from "../defaults/pinned.ts";
import { joinedUse, NO_USE, partText, type SettingsUse } from "../defaults/pinned-part.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { templatesOf } from "../kinds/units.ts";
import { annotationsOf } from "./annotations.ts";
import type { KeyedPath } from "./path.ts";
import { type AddedHashes, addedPaths, type InjectionRecord, type UnitRecord } from "./record.ts";
import type { State } from "./state.ts";
import type { CompletedUnit } from "./workload.ts";

/** The annotation `settings`: what the additions came from, those of the object and of units that have others. */
export function settingsText(
  state: State,
  record: InjectionRecord,
  units: readonly CompletedUnit[],
  base: ResolvedDefaults,
): string {
  const uses = units.flatMap((unit) => (unit.record ? [{ unit, use: useOf(state, unit, unit.record) }] : []));
  const ofBase = uses.filter(({ unit }) => unit.defaults === base).map(({ use }) => use);
  const whole = { ...NO_USE, names: namesIn(record.object) };
  const others = uses.flatMap(({ unit, use }): [string, string][] => {
    if (unit.defaults === base) return [];
    const text = partText(unit.defaults, use);
    return text === partText(base, use) ? [] : [[unit.unit.key, text]];
  });
  return pinnedText(partText(base, joinedUse([whole, ...ofBase])), Object.fromEntries(others));
}

function useOf(
  state: State,
  { unit, asks, defaults, value, additions }: CompletedUnit,
  record: UnitRecord,
): SettingsUse {
  const { kind, injectors } = state.input;
  const workload = state.leanReading(defaults);
  const connector = injectors.connector(workload, workload.unit(unit.key) ?? unit);
  const templates = templatesOf(kind, value).map(({ template }) => template);
  const asked = [asks, ...templates.map((template) => asksIn(annotationsOf(template)))];
  return {
    // The record of what was injected now says the same paths as texts.
    names: additions.length > 0 ? namesOf(additions) : namesIn(record.added),
    connectors: new Set(connector === undefined ? [] : [connector]),
    hardware: new Set(asked.flatMap((each) => each[ASK.hardware] ?? [])),
    nodeSelectors: templates.map((template) => objectOf(objectOf(template.spec).nodeSelector)),
  };
}

/** Every name in the paths of additions. */
function namesIn(added: AddedHashes): ReadonlySet<string> {
  return namesOf(addedPaths(added));
}

function namesOf(additions: readonly { path: KeyedPath }[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { path } of additions)
    for (const segment of path) names.add(typeof segment === "string" ? segment : segment.is);
  return names;
}
