import { type JsonObject, objectOf, stringOf } from "../api/json.ts";

const POLICY = "huawei.com/schedule_policy";
const LABELS = "huawei.com/scheduler.softShareDev.";

/** What a pod template says of a part of an NPU that MindCluster cuts by software. */
export interface SoftShare {
  /** Percent of the NPU's cores by its label aicoreQuota; undefined where that is missing or no percentage. */
  quota?: number;
}

/**
 * Whether a template asks for a part of an NPU by MindCluster's soft sharing, where `huawei.com/Ascend910: 50` is 50
 * percent of one (mind-cluster, 01_soft_allocation_scheduling_inference.md: annotation, labels and count go together).
 */
export function softShareOf(template: JsonObject): SoftShare | undefined {
  const { annotations, labels } = objectOf(template.metadata);
  const named = objectOf(labels);
  const shares =
    stringOf(objectOf(annotations)[POLICY]) === "chip1-softShareDev" ||
    Object.keys(named).some((label) => label.startsWith(LABELS));
  if (!shares) return undefined;
  const text = stringOf(named[`${LABELS}aicoreQuota`]) ?? "";
  return /^(?:[1-9]\d?|100)$/.test(text) ? { quota: Number(text) } : {};
}
