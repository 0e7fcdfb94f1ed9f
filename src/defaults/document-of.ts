import { equal, type Json } from "../api/json.ts";
import type { DefaultsDocument } from "./document.ts";
import { HARDWARE, PLATFORMS } from "./presets.ts";
import type { Resolution } from "./resolve.ts";
import { type DriverMount, type Settings, sourceOf } from "./settings.ts";

/** A value that follows from others, so that it is not written. */
export interface DerivedValue {
  /** Where it would stand in a document: `npu.resourceName`. */
  path: string;
  value: Json;
  source: string;
}

/** One document, and what follows from it. */
export interface WholeDocument {
  document: DefaultsDocument;
  following: DerivedValue[];
}

/**
 * The one document that results in the same settings as all that they were resolved from. What presets bring follows
 * from platform and hardware again, so it is not in it. Annotations of a Namespace have no place in a document.
 */
export function documentOf(resolution: Resolution): WholeDocument {
  const { settings, provenance } = resolution;
  const following: DerivedValue[] = [];
  const follows: Follows = (path, value, source = sourceOf(provenance, path)) => {
    following.push({ path, value, source });
  };
  const {
    asks: _asks,
    hardwareFacts: _facts,
    hardwareSet,
    resourceNameSet,
    omittedMounts: _omitted,
    platform,
    hardware,
    ...rest
  } = settings;
  if (!resourceNameSet) follows("platform", platform);
  if (!hardwareSet) follows("hardware", hardware);
  const document = {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "AscendDefaults",
    ...(resourceNameSet ? { platform } : {}),
    ...(hardwareSet ? { hardware } : {}),
    ...rest,
    npu: npuOf(resolution, follows),
    driverMounts: mountsOf(settings, (mount) => follows(`driverMounts.${mount.name}`, mount.mountPath)),
    namespaceMay: [...resolution.namespaceMay],
  };
  // What settings hold as any JSON was checked as a part of the documents that it came from.
  return { document: document as DefaultsDocument, following };
}

type Follows = (path: string, value: Json, source?: string) => void;

function npuOf(resolution: Resolution, follows: Follows): NonNullable<DefaultsDocument["npu"]> {
  const { settings, resourceNameGiven } = resolution;
  const { resourceName, inferFromArguments } = settings.npu;
  const { perNode, allowedCounts } = settings.hardwareFacts[settings.hardware];
  const preset = HARDWARE[settings.hardware];
  // Each by itself: counts of a document are held against its own perNode only.
  const ownNumber = perNode !== preset.perNode;
  // Hardware `custom` has no counts of its own, so that a document has to give them.
  const counted = settings.hardware === "custom" && settings.hardwareSet;
  const ownCounts = counted || !equal(allowedCounts, preset.allowedCounts);
  const source = `preset of hardware ${settings.hardware}`;
  if (!resourceNameGiven) follows("npu.resourceName", resourceName);
  if (!ownNumber) follows("npu.perNode", perNode, source);
  if (!ownCounts) follows("npu.allowedCounts", allowedCounts, source);
  return {
    ...(resourceNameGiven ? { resourceName } : {}),
    inferFromArguments,
    ...(ownNumber ? { perNode } : {}),
    ...(ownCounts ? { allowedCounts } : {}),
  };
}

/**
 * What is to be left out of the platform's mounts and laid over them. A mount of the preset that was left out and came
 * back later stands behind the others: it is in both lists.
 */
function mountsOf(
  { platform, driverMounts, omittedMounts }: Settings,
  asPreset: (mount: DriverMount) => void,
): NonNullable<DefaultsDocument["driverMounts"]> {
  const preset = PLATFORMS[platform].driverMounts;
  const extra: DriverMount[] = [];
  const inPlace = new Set<string>();
  let next = 0;
  for (const mount of driverMounts) {
    const at = preset.findIndex(({ name }) => name === mount.name);
    const moved = at < next;
    if (moved) next = preset.length;
    else {
      next = at + 1;
      inPlace.add(mount.name);
    }
    if (!moved && sameMount(preset[at], mount)) asPreset(mount);
    else extra.push(mount);
  }
  const gone = preset.map(({ name }) => name).filter((name) => !inPlace.has(name));
  return { extra, omit: [...new Set([...gone, ...omittedMounts])] };
}

function sameMount(one: DriverMount | undefined, other: DriverMount): boolean {
  return one !== undefined && equal({ ...one }, { ...other });
}
