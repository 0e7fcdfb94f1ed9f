import { at, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK, INJECTED, KTHENA_NAME_LABEL, QUEUE_ANNOTATION, SETTINGS } from "../api/names.ts";
import { stringMapOf } from "../api/string-map.ts";
import { asksForInjection } from "../defaults/asks.ts";
import { npuResourcesOf } from "../engines/accelerators.ts";
import { parseNpuCount } from "../engines/npu-count.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import { entryPodLabels, entryTemplateOf, type ServingRole, servingRoles } from "../kinds/model-serving.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import { connectorOf } from "../readings/routing.ts";
import type {
  AskingFact,
  BoosterFact,
  NpuAmount,
  ObjectFact,
  PodGroupFact,
  RoleFact,
  RouteFact,
  ServerFact,
  ServingFact,
} from "./facts.ts";
import { unansweredIn } from "./unanswered.ts";

/** Label by which Kthena sees whether a child is up to date (pkg/model-booster-controller/utils/template.go). */
const REVISION_LABEL = "workload.serving.volcano.sh/revision";

/** Reads what all kinds have. None of these functions throws, whatever the JSON. */
export function readObjectFact(object: JsonObject): ObjectFact {
  const metadata = objectOf(object.metadata);
  return {
    namespace: stringOf(metadata.namespace) ?? "",
    name: stringOf(metadata.name) ?? "",
    uid: stringOf(metadata.uid) ?? "",
    owners: listOf(metadata.ownerReferences).flatMap((owner) => stringOf(objectOf(owner).uid) ?? []),
    createdAt: timeOf(metadata.creationTimestamp),
    deleting: stringOf(metadata.deletionTimestamp) !== undefined,
  };
}

/** Reads a ModelBooster. */
export function readBooster(object: JsonObject): BoosterFact {
  return {
    ...readObjectFact(object),
    generation: wholeOf(at(object, "metadata", "generation")) ?? 0,
    takenUp: wholeOf(at(object, "status", "observedGeneration")) ?? 0,
    backendName: stringOf(at(object, "spec", "backend", "name")) ?? "",
    hasStatus: isObject(object.status),
    conditions: listOf(at(object, "status", "conditions")).map(objectOf),
    optedOut: optedOut(objectOf(object.metadata)),
    asks: asksForInjection(annotationsOf(object)),
    ...askingFact("ModelBooster", object),
  };
}

/** Reads a ModelServing. Left out, `replicas` means 1 (its CRD's default). */
export function readServing(object: JsonObject): ServingFact {
  const metadata = objectOf(object.metadata);
  const annotations = objectOf(metadata.annotations);
  const name = stringOf(metadata.name) ?? "";
  return {
    ...readObjectFact(object),
    generation: wholeOf(metadata.generation) ?? 0,
    observed: wholeOf(at(object, "status", "observedGeneration")) ?? 0,
    replicas: wholeOf(at(object, "spec", "replicas")) ?? 1,
    roles: servingRoles(object).map((role) => roleFact(role, name)),
    available: isTrue(object, "Available"),
    updating: isTrue(object, "UpdateInProgress"),
    revision: revisionOf(metadata),
    injected: stringOf(annotations[INJECTED]) !== undefined,
    optedOut: optedOut(metadata),
    settings: stringOf(annotations[SETTINGS]) ?? "",
    queue: stringOf(annotations[QUEUE_ANNOTATION]) ?? "",
    connector: connectorOf(object) ?? "",
    ...askingFact("ModelServing", object),
  };
}

function askingFact(kind: WorkloadKind, object: JsonObject): AskingFact {
  const unanswered = unansweredIn(kind, object);
  if (unanswered) return { unanswered };
  if (annotationsOf(object)[INJECTED] !== undefined) return {};
  const ifAsked = unansweredIn(kind, object, { [ASK.inject]: "true" });
  return ifAsked?.skip === "" ? { ifAsked } : {};
}

function roleFact({ value, name, replicas, podsEach }: ServingRole, serving: string): RoleFact {
  const optedOutHere = optedOut(objectOf(entryTemplateOf(value).metadata));
  return { name, replicas, podsEach, labels: entryPodLabels(serving, value, name), optedOut: optedOutHere };
}

/** Reads a ModelServer. */
export function readServer(object: JsonObject): ServerFact {
  return {
    ...readObjectFact(object),
    revision: revisionOf(objectOf(object.metadata)),
    selector: stringMapOf(at(object, "spec", "workloadSelector", "matchLabels")),
    type: stringOf(at(object, "spec", "kvConnector", "type")) ?? "http",
  };
}

/** Reads a ModelRoute. */
export function readRoute(object: JsonObject): RouteFact {
  const targets = listOf(at(object, "spec", "rules")).flatMap((rule) =>
    listOf(objectOf(rule).targetModels).flatMap((target) => stringOf(objectOf(target).modelServerName) ?? []),
  );
  return { ...readObjectFact(object), revision: revisionOf(objectOf(object.metadata)), targets };
}

/** Reads a PodGroup (Volcano, scheduling.volcano.sh/v1beta1). */
export function readPodGroup(object: JsonObject): PodGroupFact {
  const resources = Object.entries(objectOf(at(object, "spec", "minResources"))).map(([name, value]) =>
    npuAmount({ resources: { requests: { [name]: value } } }),
  );
  const unschedulable = conditionOf(object, "Unschedulable");
  return {
    ...readObjectFact(object),
    serving: stringOf(at(object, "metadata", "labels", KTHENA_NAME_LABEL)) ?? "",
    phase: stringOf(at(object, "status", "phase")) ?? "",
    queue: stringOf(at(object, "spec", "queue")) ?? "",
    minMember: wholeOf(at(object, "spec", "minMember")) ?? 0,
    npus: resources.find((amount) => amount !== undefined),
    unschedulable: unschedulable?.status === "True" ? (stringOf(unschedulable.message) ?? "") : "",
  };
}

/** The NPUs that a container asks for; undefined where it asks for none. */
export function npuAmount(container: JsonObject): NpuAmount | undefined {
  for (const { name, request, limit } of npuResourcesOf(container)) {
    const count = parseNpuCount(request ?? limit ?? 0);
    if (count.ok && count.count > 0) return { resource: name, count: count.count };
  }
  return undefined;
}

/** The condition of a type in an object's status. */
export function conditionOf(object: JsonObject, type: string): JsonObject | undefined {
  return listOf(at(object, "status", "conditions"))
    .map(objectOf)
    .find((condition) => condition.type === type);
}

/** Milliseconds of a timestamp; 0 where it is none. */
export function timeOf(value: Json | undefined): number {
  const time = Date.parse(stringOf(value) ?? "");
  return Number.isNaN(time) ? 0 : time;
}

/** A whole number of at least 0; undefined where the value is anything else. */
export function wholeOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function isTrue(object: JsonObject, type: string): boolean {
  return conditionOf(object, type)?.status === "True";
}

function revisionOf(metadata: JsonObject): string {
  return stringOf(objectOf(metadata.labels)[REVISION_LABEL]) ?? "";
}

function optedOut(metadata: JsonObject): boolean {
  return objectOf(metadata.annotations)[ASK.inject] === "false";
}
