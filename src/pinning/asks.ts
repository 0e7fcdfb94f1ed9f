import type { Json, JsonObject } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { templatesOf, type Unit } from "../kinds/units.ts";
import { annotationsOf } from "./annotations.ts";
import type { CompletionInput } from "./workload.ts";

/** What the object and its owner ask for, the object's own first. */
export function ownAndOwnersAsks(input: CompletionInput): Record<string, string> {
  return { ...input.owner?.asks, ...asksIn(annotationsOf(input.object)) };
}

/** The same with what the settings bring (a namespace's annotations). */
export function objectAsks(input: CompletionInput, defaults: ResolvedDefaults): Record<string, string> {
  return { ...defaults.settings.asks, ...ownAndOwnersAsks(input) };
}

/** What counts for additions of all that is asked for: `allow` and `refresh` do not change what is computed. */
export function fingerprinted(asks: Record<string, string>): Json {
  const { [ASK.allow]: _allow, [ASK.refresh]: _refresh, ...rest } = asks;
  return rest;
}

/** The object's own annotations as they count for its units. */
export function unitAsksOf(object: JsonObject): Record<string, string> {
  const { [ASK.allow]: _allow, ...rest } = asksIn(annotationsOf(object));
  return rest;
}

/** The annotation `refresh` as it holds for a unit of an object. */
export function refreshOf(
  input: CompletionInput,
  object: JsonObject,
  unit: Unit | undefined,
): string | undefined {
  return askOf(input, object, unit, ASK.refresh);
}

/** An annotation as it holds for a unit: on its templates, else on the object, else on the owner. */
export function askOf(
  input: CompletionInput,
  object: JsonObject,
  unit: Unit | undefined,
  key: string,
): string | undefined {
  for (const { template } of unit ? templatesOf(input.kind, unit.value) : []) {
    const found = annotationsOf(template)[key];
    if (typeof found === "string") return found;
  }
  const own = annotationsOf(object)[key];
  return typeof own === "string" ? own : input.owner?.asks[key];
}
