import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { INJECTED, KTHENA_NAME_LABEL, PREFIX, STAMP } from "../../api/names.ts";
import { servingRoles } from "../../kinds/model-serving.ts";
import { templatesOf } from "../../kinds/units.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import type { Injectors, Owner } from "../../pinning/workload.ts";
import { explainPod } from "../explain/pod.ts";
import type { Known } from "../review/world.ts";
import { type AuditEntry, referenceOf } from "./entry.ts";

/** The ModelServing that one of Kthena's pods belongs to, by its label; undefined where it is no such pod. */
export function servingNameOf(pod: JsonObject): string | undefined {
  return stringOf(objectOf(objectOf(pod.metadata).labels)[KTHENA_NAME_LABEL]);
}

/** Whether the template of a pod was completed. */
export function hasStamp(pod: JsonObject): boolean {
  return annotationsOf(pod)[STAMP] !== undefined;
}

/**
 * What is kept of a ModelServing to audit its pods: our annotations, sizes of roles and stamps of templates. `once`: gives
 * equal texts as one.
 */
export function onlyForPods(serving: JsonObject, once: (text: string) => string): JsonObject {
  const { name, namespace, ownerReferences } = objectOf(serving.metadata);
  const annotations = Object.entries(annotationsOf(serving)).flatMap(([key, text]): [string, string][] => {
    if (!key.startsWith(PREFIX)) return [];
    return [[key, key === INJECTED ? "" : once(text)]];
  });
  const roles = servingRoles(serving).map(({ value, name: role }): JsonObject => {
    const templates = templatesOf("ModelServing", value).map(({ key, template }): [string, JsonObject] => {
      const stamp = annotationsOf(template)[STAMP];
      return [key, { metadata: { annotations: stamp === undefined ? {} : { [STAMP]: stamp } } }];
    });
    return { name: role, workerReplicas: value.workerReplicas, ...Object.fromEntries(templates) };
  });
  const owners = ownerReferences === undefined ? {} : { ownerReferences };
  return {
    kind: "ModelServing",
    metadata: { name, namespace, ...owners, annotations: Object.fromEntries(annotations) },
    spec: { template: { roles } },
  };
}

/** Audits one of Kthena's pods. `serving`: as `onlyForPods` keeps it; undefined where there is none. */
export function podEntry(
  pod: JsonObject,
  serving: JsonObject | undefined,
  {
    defaults,
    owner,
    injectors,
  }: { defaults: Known["defaults"]; owner: Owner | undefined; injectors: Injectors },
): AuditEntry {
  const { completed, why, missing } = explainPod({
    pod,
    serving,
    owner,
    siblings: [],
    today: defaults,
    injectors,
  });
  const name = servingNameOf(pod) ?? "";
  return {
    ...referenceOf(pod),
    verdict: "admitted",
    injected: completed,
    ...(completed ? {} : { notInjected: { why, missed: missing.length > 0 } }),
    older: false,
    findings: [],
    exempted: [],
    orphan: serving ? [] : [`its ModelServing ${name} is not there`],
  };
}
