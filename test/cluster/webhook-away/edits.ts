import { type Json, listOf, objectOf } from "../../../src/api/json.ts";
import { MODEL_BOOSTERS, MODEL_ROUTES, MODEL_SERVERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
import type { AnyObject, Resource } from "../../../src/kube/resource.ts";
import { type Place, put } from "./place.ts";

/** Changes of stored objects, and whether the webhook must have seen them. */

export type Edit = readonly [what: string, edit: (object: AnyObject) => void];

export interface Kind {
  resource: Resource;
  /** Of the object that is edited. */
  name: string;
  cannotMatter: Edit[];
  matter: Edit[];
}

function set(what: string, place: Place, value: Json | undefined): Edit {
  return [what, (object) => put(object, place, value)];
}

function at(what: string, path: string, value: Json | undefined): Edit {
  return set(what, path.split("."), value);
}

function annotation(what: string, key: string, value: string | undefined): Edit {
  return set(what, ["metadata", "annotations", key], value);
}

function roles(what: string, edit: (roles: Json[]) => unknown): Edit {
  return [what, ({ spec }) => void edit(listOf(objectOf(spec?.template).roles) as Json[])];
}

const UID = "0b7c8f4e-6b7e-4a53-9a55-0d6a3f6a8a11";

const METADATA_THAT_CANNOT_MATTER = [
  at("a new label", "metadata.labels.team", "a"),
  at("a new finalizer", "metadata.finalizers", ["example.com/wait"]),
  at("a new owner", "metadata.ownerReferences", [
    { apiVersion: "v1", kind: "ConfigMap", name: "a", uid: UID },
  ]),
  annotation("a foreign annotation", "example.com/note", "x"),
  annotation("kubectl's annotation", "kubectl.kubernetes.io/last-applied-configuration", "{}"),
  annotation("an annotation that is alike", "kthena-ascend.iox/npus", "x"),
];

const METADATA_THAT_MATTERS = [
  annotation("a new annotation of ours", "kthena-ascend.io/refresh", "1"),
  annotation("a new queue", "scheduling.volcano.sh/queue-name", "q"),
];

const OWN_ANNOTATIONS = [
  annotation("a changed annotation of ours", "kthena-ascend.io/inject", "false"),
  annotation("a removed annotation of ours", "kthena-ascend.io/inject", undefined),
  at("all annotations, taken away", "metadata.annotations", undefined),
];

const ROLE = "spec.template.roles.0";

const MODEL_SERVING: Kind = {
  resource: MODEL_SERVINGS,
  name: "qwen3-pd-mooncake",
  cannotMatter: [
    ...METADATA_THAT_CANNOT_MATTER,
    at("other replicas", "spec.replicas", 7),
    at("other replicas of a role", "spec.template.roles.1.replicas", 5),
    at("another maxUnavailable of a role", `${ROLE}.maxUnavailable`, "50%"),
    at("another recovery policy", "spec.recoveryPolicy", "None"),
    at("another grace of restarts", "spec.template.restartGracePeriodSeconds", 9),
  ],
  matter: [
    ...METADATA_THAT_MATTERS,
    ...OWN_ANNOTATIONS,
    at("another image", `${ROLE}.entryTemplate.spec.containers.0.image`, "other:1"),
    at("another argument", `${ROLE}.entryTemplate.spec.containers.0.args.0`, "--other"),
    at("resources, taken away", `${ROLE}.entryTemplate.spec.containers.0.resources`, undefined),
    at("a new label of a template", `${ROLE}.entryTemplate.metadata.labels.a`, "b"),
    at("a new worker template", `${ROLE}.workerTemplate`, { spec: { containers: [] } }),
    at("another number of workers", `${ROLE}.workerReplicas`, 2),
    at("another name of a role", `${ROLE}.name`, "other"),
    roles("the roles: one more", (list) => list.push({ ...objectOf(list[0]), name: "third" })),
    roles("the roles: one less", (list) => list.pop()),
    roles("another order of roles", (list) => list.reverse()),
    at("another scheduler", "spec.schedulerName", "other"),
    at("a new gang policy", "spec.template.gangPolicy", { minRoleReplicas: { decode: 0 } }),
    at("a new network topology", "spec.template.networkTopology", { groupPolicy: { mode: "soft" } }),
    at("the template, taken away", "spec.template", undefined),
    at("the spec, taken away", "spec", undefined),
  ],
};

const WORKER = "spec.backend.workers.0";

const MODEL_BOOSTER: Kind = {
  resource: MODEL_BOOSTERS,
  name: "qwen3-8b",
  cannotMatter: [
    ...METADATA_THAT_CANNOT_MATTER,
    at("other replicas", "spec.backend.replicas", 7),
    at("another owner in the spec", "spec.owner", "somebody"),
  ],
  matter: [
    ...METADATA_THAT_MATTERS,
    ...OWN_ANNOTATIONS,
    at("another image", `${WORKER}.image`, "other:1"),
    at("another config", `${WORKER}.config.tensor-parallel-size`, 4),
    at("resources, taken away", `${WORKER}.resources`, undefined),
    at("other pods of a worker", `${WORKER}.pods`, 2),
    at("another model", "spec.backend.modelURI", "hf://other/model"),
    at("new environment", "spec.backend.env", [{ name: "A", value: "b" }]),
    at("another scheduler", "spec.backend.schedulerName", "other"),
    at("the workers, taken away", "spec.backend.workers", undefined),
    at("the backend, taken away", "spec.backend", undefined),
    at("the spec, taken away", "spec", undefined),
  ],
};

const MODEL_SERVER: Kind = {
  resource: MODEL_SERVERS,
  name: "qwen3-pd",
  cannotMatter: METADATA_THAT_CANNOT_MATTER,
  matter: [
    ...METADATA_THAT_MATTERS,
    at("another connector", "spec.kvConnector.type", "nixl"),
    at("the connector, taken away", "spec.kvConnector", undefined),
    at("the spec, taken away", "spec", undefined),
  ],
};

const MODEL_ROUTE: Kind = {
  resource: MODEL_ROUTES,
  name: "qwen3-pd",
  cannotMatter: METADATA_THAT_CANNOT_MATTER,
  matter: [
    ...METADATA_THAT_MATTERS,
    at("another target", "spec.rules.0.targetModels", [{ modelServerName: "other" }]),
    at("the spec, taken away", "spec", undefined),
  ],
};

export const KINDS = {
  ModelServing: MODEL_SERVING,
  ModelBooster: MODEL_BOOSTER,
  ModelServer: MODEL_SERVER,
  ModelRoute: MODEL_ROUTE,
};

/** What the webhook looks at of an update, said a second time and independently of the chart. */
export function mattersOf({ metadata, spec }: AnyObject, { plural }: Resource): unknown {
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith("kthena-ascend.io/") || key === "scheduling.volcano.sh/queue-name")
    .sort();
  if (plural === "modelservers" || plural === "modelroutes") return { annotations, spec };
  if (plural === "modelboosters") {
    const { replicas: _, ...backend } = objectOf(objectOf(spec).backend);
    return { annotations, backend };
  }
  const { gangPolicy, networkTopology, roles: all } = objectOf(objectOf(spec).template);
  const kept = listOf(all).map((role) => {
    const { name, workerReplicas, entryTemplate, workerTemplate } = objectOf(role);
    return { name, workerReplicas, entryTemplate, workerTemplate };
  });
  return { annotations, schedulerName: objectOf(spec).schedulerName, gangPolicy, networkTopology, kept };
}
