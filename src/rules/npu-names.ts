import { closest } from "../api/closest.ts";
import { objectOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { unknownHuaweiResources } from "../engines/accelerators.ts";
import { type Chip, RESOURCE_NAMES, resourceNamed } from "../engines/resource-names.ts";
import { softShareOf } from "../readings/soft-share.ts";
import { withNpus } from "./engines.ts";
import { useMore } from "./npu-advice.ts";
import { listed, npus as npusText } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { Holder } from "./subject.ts";

const unused: Rule = {
  id: "npu/unused",
  severity: "warn",
  summary: "An engine uses the NPUs that it has",
  why: "NPUs above what the parallel sizes need stay idle, and nobody else gets them.",
  example: {
    in: "container",
    refused: 'args: [--tensor-parallel-size, "2"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
    admitted: 'args: [--tensor-parallel-size, "4"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ npus = 0, need, field, label, node, command }): Remark[] => {
      if (!need?.known || need.perPod >= npus) return [];
      // A percentage that is taken for a count is told as that.
      if (!node.facts.allowedCounts.includes(npus) && softShareOf(subject.object)) return [];
      return [
        {
          path: `${field}.resources`,
          value: npus,
          against: need.perPod,
          message: `${label} has ${npusText(npus)}, but its arguments use ${need.perPod} (${need.explanation})`,
          fix: useMore(need, npus, command.engine),
        },
      ];
    }),
};

const resourceName: Rule = {
  id: "npu/resource-name",
  severity: "warn",
  summary: "NPUs are asked for under the name that the cluster publishes",
  why: "A pod that asks for a resource that no node has stays Pending; which name there is depends on the device plugin (npu.resourceName in the defaults).",
  example: {
    refused: "huawei.com/Ascend910: 8, where the defaults say platform: cce",
    admitted:
      "huawei.com/ascend-1980: 8 there, and either where the defaults name neither platform nor resource",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ container, settings, node, field, label }): Remark[] => {
      const standard = settings.npu.resourceName;
      // Nobody said what the cluster publishes, so the name that is asked for may well be right.
      if (!settings.resourceNameSet) return [];
      return namesOf(container.resources, standard)
        .filter(
          ({ name }) => name !== standard && name !== node.resourceName && canMean(standard, node.row.chip),
        )
        .map(({ side, name }) => ({
          path: `${field}.resources.${side}[${name}]`,
          value: name,
          message: `${label} asks for ${name}, the cluster's defaults name ${standard}`,
          fix: `use ${node.resourceName ?? standard}, unless other nodes publish ${name} too`,
        }));
    }),
};

/** Whether the cluster's name can mean a chip: another chip's name is asked for on purpose. */
function canMean(standard: string, chip: Chip | undefined): boolean {
  return chip === undefined || (resourceNamed(standard, standard)?.chips.includes(chip) ?? true);
}

/** The names of whole NPUs. Shares of one are published beside those, or by a scheduler of their own. */
function namesOf(resources: unknown, own: string): { side: string; name: string }[] {
  const { limits, requests } = objectOf(resources);
  const found = new Map<string, string>();
  for (const [side, list] of [
    ["limits", limits],
    ["requests", requests],
  ] as const) {
    for (const name of Object.keys(objectOf(list))) {
      if (resourceNamed(name, own)?.unit === "npu" && !found.has(name)) found.set(name, side);
    }
  }
  return [...found].map(([name, side]) => ({ side, name }));
}

const unknownResource: Rule = {
  id: "npu/unknown-resource",
  severity: "warn",
  summary:
    "Under huawei.com/ an engine asks for what is known to be an NPU, a share of one, or an amount beside it",
  why: "An administrator can publish NPUs under other names (MindCluster, customname/public_name_config.go), so nothing is added beside an unknown one; a mistyped one keeps the pod Pending.",
  example: {
    in: "container",
    refused: 'resources: {limits: {huawei.com/Ascend-910: "8"}}',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) =>
    subject.units.flatMap(({ holders }) =>
      holders.filter(({ engine }) => engine).flatMap((holder) => unknownIn(holder)),
    ),
};

function unknownIn({ container, field, label, npus, resourceName }: Holder): Remark[] {
  return unknownHuaweiResources(container, resourceName)
    .filter((name) => npus === undefined || resourceNamed(name, resourceName) === undefined)
    .flatMap((name): Remark[] => {
      const beside = resourceNamed(name, resourceName) !== undefined;
      const near = nearestName(name.slice("huawei.com/".length));
      const guess = near === undefined ? undefined : `huawei.com/${near}`;
      // Beside NPUs what is like no name of theirs is something else.
      if (npus !== undefined && guess === undefined) return [];
      const remark: Remark = {
        path: `${field}.resources`,
        value: name,
        message: beside
          ? `${label} asks for ${name}, an amount beside NPUs, and for no NPUs`
          : `${label} asks for ${name}, which is not known to be NPUs${npus === undefined ? "; none are added beside it" : ""}`,
        fix: beside
          ? `ask for ${name.replace(/[-.][^-.]*$/, "")} too`
          : `${guess === undefined ? "" : `did you mean ${guess}? Else `}name it as npu.resourceName in the defaults if it is NPUs; if not, set the annotation ${ASK.npus}`,
      };
      return [remark];
    });
}

/** The name that is meant: one that differs in dashes and letter case alone goes before others. */
function nearestName(name: string): string | undefined {
  const plain = (text: string): string => text.replaceAll(/[-_.]/g, "").toLowerCase();
  return KNOWN_NAMES.find((known) => plain(known) === plain(name)) ?? closest(name, KNOWN_NAMES);
}

/** Names that a mistyped one may mean. */
const KNOWN_NAMES = RESOURCE_NAMES.flatMap(({ examples }) => examples);

const oneResource: Rule = {
  id: "npu/one-resource",
  severity: "warn",
  summary: "A container asks for one kind of NPU",
  why: "A node publishes its NPUs under one name, so a pod that asks for two fits nowhere.",
  example: {
    in: "container",
    refused: 'resources: {limits: {huawei.com/ascend-1980: "4", huawei.com/Ascend910: "4"}}',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ asked, field, label }): Remark[] => {
      const names = asked.map(({ name }) => name);
      if (names.length < 2) return [];
      return [
        {
          path: `${field}.resources`,
          value: names.sort(),
          message: `${label} asks for ${listed(names)}`,
          fix: "keep the one that the nodes publish",
        },
      ];
    }),
};

/** Rules of the family npu about the names of resources. */
export const NPU_NAME_RULES: readonly Rule[] = [unused, resourceName, unknownResource, oneResource];
