import { stringify } from "yaml";
import { HARDWARE_TABLE, type HardwareName } from "../../defaults/hardware.ts";
import { PLATFORMS } from "../../defaults/presets.ts";
import { SCHEMA_LINES } from "../defaults/schema.ts";
import type { NpuNode } from "./nodes.ts";

/** Node label of Kubernetes and MindCluster that tells the hardware. */
const TYPE_LABEL = "accelerator-type";

/**
 * The defaults document that fits the NPUs that nodes publish: platform and hardware by resource name, number and
 * labels. Undefined where no node publishes one.
 */
export function suggestedDefaults(nodes: readonly NpuNode[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { npus } of nodes)
    for (const [name, count] of npus) counts.set(name, (counts.get(name) ?? 0) + count);
  const [most] = [...counts].sort(([, one], [, other]) => other - one);
  if (!most) return undefined;
  const [resourceName] = most;
  const platform = platformOf(resourceName);
  const pools = new Map<HardwareName, NpuNode[]>();
  for (const node of nodes.filter(({ npus }) => npus.has(resourceName))) {
    const hardware = hardwareOf(node, resourceName);
    pools.set(hardware, [...(pools.get(hardware) ?? []), node]);
  }
  const bySize = [...pools].sort(([, one], [, other]) => other.length - one.length);
  const [[main] = ["a2" as const], ...others] = bySize;
  const selectors = others.flatMap(([hardware, members]) => {
    const selector = commonLabel(members, nodes);
    return selector ? [{ nodeSelector: selector, hardware }] : [];
  });
  const document = {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "AscendDefaults",
    platform,
    hardware: main,
    ...(PLATFORMS[platform].resourceName === resourceName ? {} : { npu: { resourceName } }),
    ...(selectors.length > 0 ? { hardwareBySelector: selectors } : {}),
  };
  return `${SCHEMA_LINES.map((line) => `#${line}\n`).join("")}${stringify(document)}`;
}

function platformOf(resourceName: string): "cce" | "mindcluster" {
  return /^huawei\.com\/ascend-/.test(resourceName) ? "cce" : "mindcluster";
}

function hardwareOf({ npus, labels }: NpuNode, resourceName: string): HardwareName {
  const type = labels[TYPE_LABEL];
  const told = HARDWARE_TABLE.find(({ nodeLabels }) => type !== undefined && nodeLabels.includes(type));
  if (told) return told.name;
  if (/310p/i.test(resourceName)) return "310p";
  if (resourceName === "huawei.com/npu") return "a5";
  return (npus.get(resourceName) ?? 0) > 8 ? "a3" : "a2";
}

/** A label that all these nodes have and no other node with NPUs has. */
function commonLabel(
  members: readonly NpuNode[],
  nodes: readonly NpuNode[],
): Record<string, string> | undefined {
  const [first] = members;
  const outside = nodes.filter((node) => !members.includes(node));
  const found = Object.entries(first?.labels ?? {}).find(
    ([key, value]) =>
      key !== "kubernetes.io/hostname" &&
      members.every((node) => node.labels[key] === value) &&
      outside.every((node) => node.labels[key] !== value),
  );
  return found && { [found[0]]: found[1] };
}
