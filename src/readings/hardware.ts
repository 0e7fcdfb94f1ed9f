import { isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import type { Asks } from "../defaults/asks.ts";
import {
  ACCELERATOR_TYPE,
  CHIP_LABELS,
  type FabricName,
  fabricOf,
  HARDWARE_TABLE,
  type HardwareName,
  type HardwareRow,
  hardwareRow,
} from "../defaults/hardware.ts";
import type { HardwareFacts, Settings } from "../defaults/settings.ts";
import { npuResourcesOf } from "../engines/accelerators.ts";
import { imageFacts } from "../engines/images.ts";
import { type Chip, resourceNamed } from "../engines/resource-names.ts";

/** Something in a workload that tells its hardware. */
export interface HardwareClue {
  kind: "annotation" | "pool" | "label" | "resource" | "image" | "defaults";
  /** As it is written: `huawei.com/Ascend310P`. */
  text: string;
  /** The rows of the table that fit it. */
  fits: readonly HardwareName[];
  /** The row that it nearly always means, where others fit too. */
  usually?: HardwareName;
}

/** Two clues that no hardware fits; `first` is the one that was followed. */
export interface HardwareConflict {
  first: HardwareClue;
  second: HardwareClue;
}

/** The hardware of a pod, and what follows from it. */
export interface HardwareReading {
  name: HardwareName;
  row: HardwareRow;
  facts: HardwareFacts;
  /** The network between its NPUs; empty: not known. */
  fabric: FabricName | "";
  /** Under which name its NPUs are published; undefined where that is not known. */
  resourceName: string | undefined;
  /** What decided. */
  by: HardwareClue;
  conflicts: readonly HardwareConflict[];
}

/** What a pod says about its hardware. */
export interface HardwareInput {
  asks: Asks;
  /** The pod spec; for a ModelBooster's worker an empty one. */
  spec: JsonObject;
  /** Its containers, engines first, or the worker itself. */
  containers: readonly JsonObject[];
}

/**
 * Reads the hardware of a pod: the annotation, the pool that the defaults name for its node selector, and else what
 * node labels, resource names and images leave of the table. The defaults' own hardware comes last, and holds where
 * nothing contradicts it. Nothing is guessed over: what does not fit is in `conflicts`.
 */
export function readHardware(input: HardwareInput, settings: Settings): HardwareReading {
  const labels = nodeLabels(input.spec, settings);
  const pool = settings.hardwareBySelector.find(({ nodeSelector }) =>
    Object.entries(nodeSelector).every(([key, value]) => labels.get(key) === value),
  );
  const clues = cluesOf(input, settings, labels, pool?.hardware);
  const { left, conflicts } = narrowed(clues);
  const decided = decide(clues, left, settings);
  const row = hardwareRow(decided.name);
  return {
    ...decided,
    row,
    facts: settings.hardwareFacts[decided.name],
    fabric: fabricOf(row, pool?.fabric ?? settings.fabric),
    resourceName: resourceNameOf(row, settings),
    conflicts: [...conflicts, ...decided.against],
  };
}

function cluesOf(
  { asks, containers }: HardwareInput,
  settings: Settings,
  labels: ReadonlyMap<string, string>,
  pool: HardwareName | undefined,
): HardwareClue[] {
  const clues: HardwareClue[] = [];
  if (asks.hardware)
    clues.push({ kind: "annotation", text: `${ASK.hardware}: ${asks.hardware}`, fits: [asks.hardware] });
  if (pool) clues.push({ kind: "pool", text: `hardwareBySelector: ${pool}`, fits: [pool] });
  clues.push(...labelClues(labels), ...resourceClues(containers, settings), ...imageClues(containers));
  return clues;
}

function labelClues(labels: ReadonlyMap<string, string>): HardwareClue[] {
  const clues: HardwareClue[] = [];
  const type = labels.get(ACCELERATOR_TYPE);
  const rows = type === undefined ? [] : HARDWARE_TABLE.filter(({ nodeLabels }) => nodeLabels.includes(type));
  if (rows.length > 0)
    clues.push({
      kind: "label",
      text: `${ACCELERATOR_TYPE}: ${type}`,
      fits: [...rows.map(({ name }) => name), "custom"],
    });
  for (const { label, value, chips } of CHIP_LABELS) {
    const text = labels.get(label);
    if (text !== undefined && value.test(text))
      clues.push({ kind: "label", text: `${label}: ${text}`, fits: rowsOf(chips) });
  }
  return clues;
}

function resourceClues(containers: readonly JsonObject[], settings: Settings): HardwareClue[] {
  const own = settings.npu.resourceName;
  // In an order of their own: that of keys in an object means nothing.
  const names = new Set(containers.flatMap((one) => npuResourcesOf(one, own).map(({ name }) => name)).sort());
  return [...names].flatMap((name): HardwareClue[] => {
    const known = resourceNamed(name, own);
    if (!known) return [];
    // Under the cluster's own name there is what the cluster has.
    const usually = name === own || known.usually === undefined ? undefined : rowsOf([known.usually])[0];
    return [
      {
        kind: "resource",
        text: name,
        fits: rowsOf(known.chips),
        ...(usually === undefined ? {} : { usually }),
      },
    ];
  });
}

function imageClues(containers: readonly JsonObject[]): HardwareClue[] {
  for (const { image } of containers) {
    const facts = typeof image === "string" ? imageFacts(image) : undefined;
    // A word such as a3 says something in the name of an engine's image only.
    if (facts?.chip === undefined || !(facts.ascend || facts.engine !== undefined)) continue;
    return [{ kind: "image", text: String(image), fits: rowsOf([facts.chip]) }];
  }
  return [];
}

/** The rows with one of these chips; an administrator's own kind of node may have any. */
function rowsOf(chips: readonly Chip[]): HardwareName[] {
  return HARDWARE_TABLE.filter(({ chip }) => chip === undefined || chips.includes(chip)).map(
    ({ name }) => name,
  );
}

function narrowed(clues: readonly HardwareClue[]): {
  left: readonly HardwareName[];
  conflicts: HardwareConflict[];
} {
  let left: readonly HardwareName[] = HARDWARE_TABLE.map(({ name }) => name);
  const heard: HardwareClue[] = [];
  const conflicts: HardwareConflict[] = [];
  for (const clue of clues) {
    const rest = left.filter((name) => clue.fits.includes(name));
    // A custom kind of node fits everything, so it is no proof that two clues fit each other.
    if (rest.some((name) => name !== "custom") || (rest.length > 0 && left.length === 1)) {
      left = rest;
      heard.push(clue);
      continue;
    }
    const first = heard.find((one) => !one.fits.some((name) => clue.fits.includes(name))) ?? heard.at(-1);
    if (first) conflicts.push({ first, second: clue });
  }
  return { left, conflicts };
}

function decide(
  clues: readonly HardwareClue[],
  left: readonly HardwareName[],
  settings: Settings,
): { name: HardwareName; by: HardwareClue; against: HardwareConflict[] } {
  const standard: HardwareClue = {
    kind: "defaults",
    text: `hardware: ${settings.hardware}`,
    fits: [settings.hardware],
  };
  const own = clues.find(({ kind }) => kind === "annotation" || kind === "pool");
  const usual = own
    ? undefined
    : clues.find(({ usually }) => usually !== undefined && left.includes(usually));
  if (usual?.usually !== undefined && settings.hardware !== "custom")
    return { name: usual.usually, by: usual, against: [] };
  const [first] = left;
  if (own || first === undefined || left.includes(settings.hardware))
    return { name: first !== undefined && own ? first : settings.hardware, by: own ?? standard, against: [] };
  return decidedBy(clues, first, left, standard, settings);
}

/**
 * What a workload says goes before the defaults. That is told where the defaults were written and only an image says
 * it, and where several kinds of chips are left to choose from.
 */
function decidedBy(
  clues: readonly HardwareClue[],
  name: HardwareName,
  left: readonly HardwareName[],
  standard: HardwareClue,
  settings: Settings,
): { name: HardwareName; by: HardwareClue; against: HardwareConflict[] } {
  const against = clues.filter((clue) => !clue.fits.includes(settings.hardware));
  const by = against[0] ?? standard;
  const chips = new Set(left.flatMap((one) => hardwareRow(one).chip ?? []));
  const told = chips.size > 1 || (settings.hardwareSet && against.every(({ kind }) => kind === "image"));
  return { name, by, against: told ? [{ first: by, second: standard }] : [] };
}

/** The cluster's name for NPUs, where it can mean this hardware; else the platform's name for it. */
function resourceNameOf(row: HardwareRow, settings: Settings): string | undefined {
  const own = settings.npu.resourceName;
  const known = resourceNamed(own, own);
  if (row.chip === undefined || known?.chips.includes(row.chip)) return own;
  return row.resourceNames[settings.platform];
}

/** The node labels that a pod asks for: its selector, a lone term of required affinity, the defaults' selector. */
function nodeLabels(spec: JsonObject, settings: Settings): Map<string, string> {
  const labels = new Map<string, string>(Object.entries(settings.scheduling.nodeSelector));
  for (const [key, value] of affinityLabels(spec.affinity)) labels.set(key, value);
  for (const [key, value] of Object.entries(objectOf(spec.nodeSelector))) {
    if (typeof value === "string") labels.set(key, value);
  }
  return labels;
}

function affinityLabels(affinity: Json | undefined): [string, string][] {
  const required = objectOf(objectOf(affinity).nodeAffinity).requiredDuringSchedulingIgnoredDuringExecution;
  const terms = listOf(objectOf(required).nodeSelectorTerms);
  // Of several terms any one is enough.
  if (terms.length !== 1) return [];
  return listOf(objectOf(terms[0]).matchExpressions).flatMap((expression): [string, string][] => {
    if (!isObject(expression) || expression.operator !== "In") return [];
    const [value, second] = listOf(expression.values).map(stringOf);
    const key = stringOf(expression.key);
    return key === undefined || value === undefined || second !== undefined ? [] : [[key, value]];
  });
}
