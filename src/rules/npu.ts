import type { Json } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { unknownHuaweiResources } from "../engines/accelerators.ts";
import type { EngineCommand } from "../engines/command-line.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import { softShareOf } from "../readings/soft-share.ts";
import { spread, useLess } from "./npu-advice.ts";
import { npus as npusText } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { Holder, RuleSubject } from "./subject.ts";

const holders = (subject: RuleSubject): Holder[] => subject.units.flatMap((unit) => unit.holders);

const wholeNumber: Rule = {
  id: "npu/whole-number",
  severity: "deny",
  guards: true,
  summary: "NPUs are a whole number, not negative",
  why: "Kubernetes allocates extended resources in whole units only (docs: Extended resources).",
  example: {
    in: "container",
    refused: 'resources: {limits: {huawei.com/ascend-1980: "0.5"}}',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "1"}}',
  },
  check: (subject) =>
    holders(subject).flatMap((holder) =>
      withoutCopies(sidesOf(holder)).flatMap((side) => brokenCount(holder, side)),
    ),
};

interface Side {
  side: "requests" | "limits";
  name: string;
  value: Json;
}

function sidesOf(holder: Holder): Side[] {
  return holder.asked.flatMap(({ name, request, limit }): Side[] => [
    ...(request === undefined ? [] : [{ side: "requests" as const, name, value: request }]),
    ...(limit === undefined ? [] : [{ side: "limits" as const, name, value: limit }]),
  ]);
}

/** Where a holder's number of NPUs stands. */
function npuField(holder: Holder): string {
  const side = sidesOf(holder).findLast(({ value }) => parseNpuCount(value).ok);
  return side ? `${holder.field}.resources.${side.side}[${side.name}]` : `${holder.field}.resources`;
}

/** One side of each resource is enough where both say the same: the other was copied from it. */
function withoutCopies(sides: readonly Side[]): Side[] {
  return sides.filter(
    ({ side, name, value }) =>
      side === "limits" ||
      !sides.some((one) => one.side === "limits" && one.name === name && one.value === value),
  );
}

const BROKEN = {
  fractional: "is a part of an NPU",
  negative: "is negative",
  unreadable: "is no number of NPUs",
} as const;

function brokenCount(holder: Holder, { side, name, value }: Side): Remark[] {
  const count = parseNpuCount(value);
  if (count.ok) return [];
  const path = `${holder.field}.resources.${side}[${name}]`;
  const right = holder.need?.known ? holder.need.perPod : 8;
  return [
    {
      path,
      value,
      message: `${JSON.stringify(value)} ${BROKEN[count.why]} (${holder.label})`,
      fix: `write a whole number such as "${right}"`,
    },
  ];
}

const equalSides: Rule = {
  id: "npu/requests-equal-limits",
  severity: "deny",
  guards: true,
  summary: "Requests and limits of an NPU resource are equal",
  why: "Kubernetes cannot overcommit extended resources, and Kthena's PodGroup sums requests only (podgroupmanager/manager.go).",
  example: {
    in: "container",
    refused: 'resources: {requests: {huawei.com/ascend-1980: "4"}, limits: {huawei.com/ascend-1980: "8"}}',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) =>
    holders(subject).flatMap((holder) =>
      holder.asked.flatMap(({ name, request, limit }): Remark[] => {
        const asked = parseNpuCount(request);
        const limited = parseNpuCount(limit);
        if (!asked.ok || !limited.ok || asked.count === limited.count) return [];
        return [
          {
            path: `${holder.field}.resources.requests[${name}]`,
            value: request,
            message: `${holder.label} requests ${npusText(asked.count)} but is limited to ${limited.count}`,
            fix: "write the same number on both sides, or leave one out",
          },
        ];
      }),
    ),
};

const countShape: Rule = {
  id: "npu/count-shape",
  severity: "deny",
  summary: "A pod asks for a number of NPUs that the hardware can give",
  why: "Nodes hand out NPUs in fixed shapes (MindCluster, 03_ascend_ai_processor_based_affinity.md; CCE for Snt9).",
  example: {
    in: "container",
    refused: 'resources: {limits: {huawei.com/ascend-1980: "9"}} # on a2',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) => [
    ...wholePods(subject),
    ...holders(subject).flatMap((holder): Remark[] => {
      const { npus, allowedCounts } = holder;
      const softly = softShareOf(subject.object) !== undefined;
      if (npus === undefined || allowedCounts.includes(npus) || !wholeNpusOnly(holder)) return [];
      const larger = allowedCounts.find((count) => count >= npus);
      const largest = Math.max(...allowedCounts);
      return [
        {
          path: npuField(holder),
          value: npus,
          message: `${holder.label} has ${npusText(npus)}; one pod on ${holder.hardware} can have ${allowedCounts.join(", ")}`,
          fix: softly
            ? `write huawei.com/schedule_policy and the labels of soft sharing in the metadata of the template, where they reach the pods: ${npus} is then a percentage`
            : larger === undefined
              ? `use ${largest} at most${spread(npus, largest, engineOf(subject, holder)?.engine)}; or set the annotation ${ASK.hardware}`
              : `use ${larger}, or set the annotation ${ASK.hardware} if the nodes are others`,
          uncertain: !holder.node.row.countsCertain,
        },
      ];
    }),
  ],
};

/** Shares of NPUs come in other numbers: what their device plugin makes of a chip. */
function wholeNpusOnly({ asked }: Holder): boolean {
  return asked.every(({ unit }) => unit === "npu");
}

/** Several containers of one pod share its node: together they cannot have more than one pod can. */
function wholePods(subject: RuleSubject): Remark[] {
  return subject.units.flatMap(({ holders: all, pods }) =>
    pods.flatMap((place): Remark[] => {
      const asking = all.filter(
        ({ pod, list, npus }) => pod === place && list === "containers" && npus !== undefined,
      );
      const sum = asking.reduce((total, { npus = 0 }) => total + npus, 0);
      const most = Math.max(...place.pod.facts.allowedCounts);
      if (asking.length < 2 || sum <= most) return [];
      return [
        {
          path: `${place.field}.spec.containers`,
          value: sum,
          message: `the containers of ${place.label} have ${npusText(sum)} together; one pod on ${place.pod.hardware} can have ${most}`,
          fix: `give them ${most} together at most`,
        },
      ];
    }),
  );
}

const parallelSize: Rule = {
  id: "npu/parallel-size",
  severity: "deny",
  summary: "The engine's parallel sizes need no more NPUs than the pod has",
  why: "vLLM ends with `local_world_size must be less than or equal to the number of visible devices` (vllm-ascend issues 14628, 14631).",
  example: {
    in: "container",
    refused: 'args: [--tensor-parallel-size, "8"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
    admitted: 'args: [--tensor-parallel-size, "4"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
  },
  check: (subject) =>
    holders(subject).flatMap((holder): Remark[] => {
      const { npus, need } = holder;
      if (npus === undefined || !need?.known || need.perPod <= npus) return [];
      return [
        {
          path: npuField(holder),
          value: npus,
          against: need.perPod,
          message: `${holder.label} has ${held(holder, npus)}, but its arguments need ${need.perPod} (${need.explanation})`,
          fix: wholeNpusOnly(holder)
            ? useLess(need.perPod, Math.max(...holder.allowedCounts), engineOf(subject, holder)?.engine)
            : `make the parallel sizes come to ${npus}, or ask for ${need.perPod} whole NPUs: a share is one device`,
        },
      ];
    }),
};

/** What a container has, for messages: a part of an NPU is asked for in numbers that are no counts. */
function held({ asked, pod }: Holder, npus: number): string {
  const part = asked.find(({ unit }) => unit === "part" || pod?.pod.share !== undefined);
  if (part) return `a part of one NPU (${part.name}: ${String(part.limit ?? part.request)})`;
  return asked.some(({ unit }) => unit === "share")
    ? npusText(npus).replace("NPU", "virtual NPU")
    : npusText(npus);
}

const unknownCount: Rule = {
  id: "npu/unknown-count",
  severity: "deny",
  guards: true,
  summary: "The number of NPUs of an engine is known",
  why: "A count that cannot be read from the arguments is never guessed: a wrong one fails only when the engine starts.",
  example: {
    in: "container",
    refused: "command: [bash, -c, ./start.sh]",
    admitted: 'command: [vllm, serve, Qwen/Qwen3-32B]\nargs: [--tensor-parallel-size, "4"]',
  },
  check: (subject) =>
    holders(subject).flatMap((holder): Remark[] => {
      if (!holder.engine || holder.asked.length > 0) return [];
      // That one is told by a rule of its own.
      if (unknownHuaweiResources(holder.container).length > 0) return [];
      const why =
        holder.node.resourceName === undefined
          ? `under which name NPUs of ${holder.node.name} are published is not known (npu.resourceName of the defaults)`
          : holder.pod?.pod.share
            ? "with soft sharing it is the percentage of the label huawei.com/scheduler.softShareDev.aicoreQuota"
            : holder.need?.known === false
              ? holder.need.reason
              : "reading it from the arguments is turned off";
      return [
        {
          path: `${holder.field}.resources`,
          cause: "FieldValueRequired",
          message: `how many NPUs ${holder.label} needs cannot be told: ${why}`,
          fix: hasSlip(subject, holder)
            ? "mend the arguments, from which the number is read"
            : holder.node.resourceName === undefined
              ? "write the limit under the name that your nodes publish, or set npu.resourceName in the defaults"
              : `set the annotation ${ASK.npus}: "8" (NPUs of each engine container) or write the limit yourself; where no engine runs, ${ASK.inject}: "false" on the template`,
        },
      ];
    }),
};

/** Whether the number is hidden by a slip in the arguments, which a rule of the family engine tells. */
function hasSlip(subject: RuleSubject, holder: Holder): boolean {
  const command = engineOf(subject, holder);
  if (command === undefined) return false;
  return command.joined !== undefined || command.flags.joined.length + command.flags.misspelt.length > 0;
}

function engineOf(subject: RuleSubject, { field }: Holder): EngineCommand | undefined {
  return subject.engines?.find((engine) => engine.field === field)?.command;
}

const engineContainer: Rule = {
  id: "npu/engine-container",
  severity: "deny",
  guards: true,
  summary: "It is clear which container runs the model server",
  why: "Only that container may get NPUs and the HCCL environment.",
  example: {
    in: "template",
    refused: "spec: {containers: [{name: one}, {name: two}]}",
    admitted: 'spec: {containers: [{name: vllm, args: [m, -tp, "1"], image: vllm-ascend}, {name: two}]}',
  },
  check: (subject) =>
    subject.units.flatMap((unit) =>
      unit.pods.flatMap(({ field, label, noEngine }): Remark[] =>
        noEngine === undefined
          ? []
          : [
              {
                path: `${field}.spec.containers`,
                cause: "FieldValueRequired",
                message: `which container of ${label} is the engine cannot be told: ${noEngine}`,
                fix: `set the annotation ${ASK.engineContainer} to its name`,
              },
            ],
      ),
    ),
};

/** The family npu. */
export const NPU_RULES: readonly Rule[] = [
  wholeNumber,
  equalSides,
  countShape,
  parallelSize,
  unknownCount,
  engineContainer,
];
