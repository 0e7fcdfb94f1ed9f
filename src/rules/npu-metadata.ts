import { closest } from "../api/closest.ts";
import { at, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { quoted } from "./quote.ts";
import { removing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RulePod, RuleSubject } from "./subject.ts";

/** Written by the scheduler and the device plugin (MindCluster, default_name.go, k8s.md). */
const ALLOCATION = [
  "huawei.com/AscendReal",
  "huawei.com/Ascend910",
  "huawei.com/npu",
  "huawei.com/kltDev",
  "predicate-time",
  "huawei.com/npu-core",
];

const allocation: Rule = {
  id: "npu/allocation-annotation",
  severity: "warn",
  summary: "Annotations that say which NPUs a pod got are left to the scheduler and the device plugin",
  why: "They are written when the pod is placed; a value from the template names NPUs that the pod does not have.",
  example: {
    in: "template",
    refused:
      "metadata: {annotations: {huawei.com/AscendReal: Ascend910-0}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted: "spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    subject.units.flatMap(({ pods }) =>
      pods.flatMap(({ field, label, pod }) => {
        const annotations = objectOf(objectOf(pod.template.metadata).annotations);
        return ALLOCATION.filter((key) => pod.part !== "pod" && Object.hasOwn(annotations, key)).map(
          (key) => ({
            path: `${field}.metadata.annotations[${key}]`,
            value: key,
            message: `the template of ${label} sets ${key}, which says what the device plugin allocated`,
            fix: "remove it",
            remedy: removing(`${field}.metadata.annotations[${key}]`),
          }),
        );
      }),
    ),
};

/** MindCluster, docs/en/scheduling/api/volcano.md, table 3. */
const POLICIES =
  `chip4-node8 chip4-node4 chip4-node16 chip1-node2 chip1-node8 chip1-node16 chip8-node8 chip8-node16
chip2-node8 chip2-node16 chip2-node8-sp chip2-node16-sp chip8-node8-sp chip8-node8-ra64-sp chip1-softShareDev
multilevel`.split(/\s+/);
const POLICY = "huawei.com/schedule_policy";

const schedulePolicy: Rule = {
  id: "npu/schedule-policy",
  severity: "warn",
  summary: "huawei.com/schedule_policy is a policy that MindCluster knows",
  why: "The values stand in MindCluster's documentation (scheduling/api/volcano.md, table 3); others leave the pods without affinity.",
  example: {
    in: "template",
    refused:
      "metadata: {annotations: {huawei.com/schedule_policy: chip8node8}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted:
      "metadata: {annotations: {huawei.com/schedule_policy: chip8-node8}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    subject.units.flatMap(({ pods }) =>
      pods.flatMap(({ field, pod }): Remark[] => {
        const value = stringOf(objectOf(objectOf(pod.template.metadata).annotations)[POLICY]);
        if (value === undefined || POLICIES.includes(value)) return [];
        const guess = closest(value, POLICIES);
        return [
          {
            path: `${field}.metadata.annotations[${POLICY}]`,
            value,
            message: `${quoted(value)} is no policy of MindCluster's`,
            fix: guess ? `did you mean "${guess}"?` : `known: ${POLICIES.join(", ")}`,
          },
        ];
      }),
    ),
};

/**
 * Keys that only pods are asked for: MindCluster's (scheduling/api/volcano.md; plugin/type.go) and HAMi's (its
 * ascend-device-plugin).
 */
const FOR_PODS: Readonly<Record<"annotations" | "labels", RegExp>> = {
  annotations:
    /^(?:huawei\.com\/(?:schedule_policy|schedule_minAvailable|recover_policy_path|affinity-config|vnpu-mode)|sp-block|tp-block|sp-fit|hami\.io\/.{1,253})$/,
  labels:
    /^(?:huawei\.com\/scheduler\.softShareDev\..{1,253}|ring-controller\.(?:atlas|cce)|fault-scheduling|pod-rescheduling|vnpu-level|vnpu-dvpp)$/,
};

const notCopied: Rule = {
  id: "npu/serving-metadata",
  severity: "warn",
  summary: "Annotations and labels that are read of pods stand on the templates of a ModelServing",
  why: "Kthena gives a pod the metadata of its template, and nothing of the ModelServing's own (model-serving-controller/utils/utils.go addPodLabelAndAnnotation).",
  example: {
    in: "object",
    refused: "metadata: {annotations: {huawei.com/schedule_policy: chip8-node8}}",
    admitted: "metadata: {annotations: {team: research}}",
  },
  check: (subject) =>
    subject.kind === "ModelServing" && subject.units.length > 0
      ? [...misplaced(subject, "annotations"), ...misplaced(subject, "labels")]
      : [],
};

function misplaced(subject: RuleSubject, list: "annotations" | "labels"): Remark[] {
  const own = objectOf(at(subject.object, "metadata", list));
  const pods = subject.units.flatMap((unit) => unit.pods);
  return Object.keys(own).flatMap((key): Remark[] => {
    const value = own[key] ?? null;
    if (!FOR_PODS[list].test(key)) return [];
    const has = ({ pod }: RulePod): boolean => Object.hasOwn(metadataOf(pod.template, list), key);
    if (pods.length === 0 || pods.every(has)) return [];
    return [
      {
        path: `metadata.${list}[${key}]`,
        value,
        message: `Kthena copies no ${list} of a ModelServing to its pods, so ${key} has no effect`,
        fix: `write it in metadata.${list} of the templates of the pods`,
      },
    ];
  });
}

function metadataOf(template: JsonObject, list: "annotations" | "labels"): JsonObject {
  return objectOf(objectOf(template.metadata)[list]);
}

/** Rules of the family npu about what schedulers and device plugins read of metadata. */
export const NPU_METADATA_RULES: readonly Rule[] = [allocation, schedulePolicy, notCopied];
