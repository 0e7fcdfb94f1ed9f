/** Prefix of every annotation and label of this software. */
export const PREFIX = "kthena-ascend.io/";

/** Annotations that people write. On a Namespace they count as defaults. */
export const ASK = {
  inject: `${PREFIX}inject`,
  npus: `${PREFIX}npus`,
  engineContainer: `${PREFIX}engine-container`,
  hardware: `${PREFIX}hardware`,
  kvConnector: `${PREFIX}kv-connector`,
  kvRole: `${PREFIX}kv-role`,
  kvClass: `${PREFIX}kv-class`,
  kvSidecar: `${PREFIX}kv-sidecar`,
  socketIfname: `${PREFIX}socket-ifname`,
  allow: `${PREFIX}allow`,
  refresh: `${PREFIX}refresh`,
} as const;

/** The record of what was added, on the object. Written by the webhook only. */
export const INJECTED = `${PREFIX}injected`;
/** The settings that the object was admitted with. Written by the webhook only. */
export const SETTINGS = `${PREFIX}settings`;
/** On a pod template: the hash of what was added to it. Its pods need no second look. */
export const STAMP = `${PREFIX}stamp`;
/** On a pod template: the text of mooncake.json, which the pod gets as a file. Written by the webhook. */
export const MOONCAKE_CONFIG = `${PREFIX}mooncake.json`;

/** Who writes the conditions of ModelBoosters, in managedFields; its writes pass the status webhook. */
export const CONDITIONS_MANAGER = "kthena-ascend-conditions";

/** Label on a ConfigMap that says: these are the defaults of its namespace. */
export const DEFAULTS_LABEL = `${PREFIX}defaults`;
/** Name of the defaults ConfigMap, cluster-wide and per namespace. */
export const DEFAULTS_NAME = "kthena-ascend-defaults";
/** Key of the defaults document in its ConfigMap. */
export const DEFAULTS_KEY = "defaults.yaml";

/** API group of ModelServing and ModelBooster (Kthena, pkg/apis/workload). */
export const WORKLOAD_GROUP = "workload.serving.volcano.sh";
/** API group of ModelServer and ModelRoute (Kthena, pkg/apis/networking). */
export const NETWORKING_GROUP = "networking.serving.volcano.sh";

/** Label that Kthena's ModelServing controller puts on every pod (pkg/model-serving-controller/utils). */
export const KTHENA_NAME_LABEL = "modelserving.volcano.sh/name";
/** Label of the ServingGroup that a pod belongs to. */
export const KTHENA_GROUP_LABEL = "modelserving.volcano.sh/group-name";
/** Label of the role that a pod belongs to. */
export const KTHENA_ROLE_LABEL = "modelserving.volcano.sh/role";
/** Label on the entry pod of a role. */
export const KTHENA_ENTRY_LABEL = "modelserving.volcano.sh/entry";

/** Annotation on a ModelServing from which Kthena takes the Volcano queue of its PodGroups. */
export const QUEUE_ANNOTATION = "scheduling.volcano.sh/queue-name";
/** Annotations that Kthena and Volcano own: a pod with a group that nobody made waits for ever. */
export const RESERVED_SCHEDULING_KEYS: readonly string[] = [
  "scheduling.k8s.io/group-name",
  "scheduling.volcano.sh/group-name",
  "volcano.sh/task-spec",
];
