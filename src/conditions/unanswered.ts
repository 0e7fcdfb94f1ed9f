import { type JsonObject, objectOf } from "../api/json.ts";
import { ASK, INJECTED } from "../api/names.ts";
import { asksIn, readAsks } from "../defaults/asks.ts";
import { resolveDefaults } from "../defaults/resolve.ts";
import { asksForNpus } from "../engines/accelerators.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { templatesOf, type Unit, unitsOf } from "../kinds/units.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import { parseRecord } from "../pinning/record.ts";
import { readRole } from "../readings/role.ts";
import { workerTriggerOf } from "../readings/trigger.ts";

/** A wish for injection that the object holds no record of. */
export interface Unanswered {
  /** The annotation that asks; empty: it names NPUs. */
  by: string;
  /** The role or worker that asks for itself; empty: the object asks. */
  unit: string;
  /** Why injection leaves it alone, as reviews say it; empty: it would not, were it looked at. */
  skip: string;
  /** What a person should know beside the reason; empty: nothing. */
  because: string;
}

/** Settings for the question whether anything is injected at all. */
const { settings: BUILT_IN } = resolveDefaults([]);

/**
 * What of a ModelServing or ModelBooster asks for injection and is not in its record. A ModelServing that names NPUs and
 * says nothing more is left out: its pods tell whether they are complete.
 *
 * @param around what is asked for outside of the object, by its owner or namespace
 */
export function unansweredIn(
  kind: WorkloadKind,
  object: JsonObject,
  around: Readonly<Record<string, string>> = {},
): Unanswered | undefined {
  const annotations = annotationsOf(object);
  const asks = { ...around, ...asksIn(annotations) };
  const record = parseRecord(annotations[INJECTED]);
  const units = unitsOf(kind, object);
  const by = askingIn(asks);
  if (units.length === 0)
    return by === undefined || record ? undefined : { by, unit: "", skip: "no-units", because: "" };
  const found = units.flatMap((unit): Unanswered[] => {
    if (record?.units[unit.key]) return [];
    const one = ofUnit(kind, unit, asks, by);
    // What the object asks for its other units was answered: these need not be engines.
    return one === undefined || (record && one.unit === "" && one.skip !== "") ? [] : [one];
  });
  return found.find(({ skip }) => skip === "") ?? found.find(({ skip }) => skip !== "no-npu") ?? found[0];
}

function ofUnit(
  kind: WorkloadKind,
  unit: Unit,
  asks: Record<string, string>,
  by: string | undefined,
): Unanswered | undefined {
  const own = Object.assign(
    {},
    ...templatesOf(kind, unit.value)
      .toReversed()
      .map(({ template }) => asksIn(objectOf(template.metadata).annotations)),
  ) as Record<string, string>;
  if ((own[ASK.inject] ?? asks[ASK.inject]) === "false") return undefined;
  const { holds } = shapeOf(kind);
  const named = holds === "workers" && asksForNpus(unit.value) ? "" : undefined;
  const ownBy = askingIn(own);
  const asking = ownBy ?? by ?? named;
  if (asking === undefined) return undefined;
  const trigger =
    holds === "workers"
      ? workerTriggerOf(unit.value, readAsks(asks), BUILT_IN.npu.resourceName)
      : readRole(kind, unit.value, asks, BUILT_IN).trigger;
  const skipped = "skip" in trigger ? trigger : { skip: "" };
  return { by: asking, unit: ownBy === undefined ? "" : unit.key, because: "", ...skipped };
}

/** The annotation by which somebody wants something to be injected; undefined: nobody does. */
function askingIn(asks: Readonly<Record<string, string>>): string | undefined {
  if (asks[ASK.inject] === "false") return undefined;
  return ASKING.find((key) => Object.hasOwn(asks, key));
}

/** In the order in which they are told. Exemptions from rules ask for nothing. */
const ASKING = Object.values(ASK).filter((key) => key !== ASK.allow);
