import {
  at,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  objectOf,
  stringOf,
} from "../../../src/api/json.ts";
import {
  KTHENA_ENTRY_LABEL,
  KTHENA_GROUP_LABEL,
  KTHENA_NAME_LABEL,
  KTHENA_ROLE_LABEL,
  QUEUE_ANNOTATION,
} from "../../../src/api/names.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import type { Result } from "../../../src/kube/failure.ts";
import { type AnyObject, type Place, PODS } from "../../../src/kube/resource.ts";
import {
  condition,
  hashOf,
  MODEL_SERVINGS,
  mustBe,
  numberOf,
  ordinals,
  ownerOf,
  POD_GROUPS,
  textsOf,
  writeStatus,
} from "./objects.ts";

/** What Kthena's ModelServing controller does: PodGroups, pods, status. */

const GROUP_ANNOTATION = "scheduling.k8s.io/group-name";

/** The pods that a ModelServing has when all its groups stand (utils/utils.go). */
export function podsOf(serving: AnyObject): AnyObject[] {
  return groupsOf(serving).flatMap((group) =>
    rolesOf(serving).flatMap((role) =>
      ordinals(at(role, "replicas") ?? 1).flatMap((index) =>
        ordinals(1 + numberOf(role.workerReplicas)).map((position) =>
          podOf(serving, group, role, index, position),
        ),
      ),
    ),
  );
}

/** The PodGroup of each group (podgroupmanager/manager.go): requests count, limits do not. */
export function podGroupsOf(serving: AnyObject): AnyObject[] {
  const { name, namespace = "", annotations } = serving.metadata;
  const pods = podsOf(serving);
  return groupsOf(serving).map((group) => {
    const own = pods.filter((pod) => pod.metadata.labels?.[KTHENA_GROUP_LABEL] === group);
    return {
      metadata: {
        name: group,
        namespace,
        labels: { [KTHENA_NAME_LABEL]: name, [KTHENA_GROUP_LABEL]: group },
        annotations: { [GROUP_ANNOTATION]: group },
        ownerReferences: [ownerOf(serving, MODEL_SERVINGS.kind)],
      },
      spec: {
        minMember: minMemberOf(serving),
        minResources: requestsOf(own),
        ...(annotations?.[QUEUE_ANNOTATION] ? { queue: annotations[QUEUE_ANNOTATION] } : {}),
      },
    };
  });
}

/** Makes the PodGroups and pods of a ModelServing as it stands; one that is there already is left alone. */
export async function createPods(client: KubeClient, place: Place): Promise<Result<AnyObject>[]> {
  const serving = mustBe(await client.get<AnyObject>(MODEL_SERVINGS, place));
  const groups = (await client.serves(POD_GROUPS)).ok && at(serving.spec, "schedulerName") === "volcano";
  if (groups) for (const group of podGroupsOf(serving)) await client.create(POD_GROUPS, group);
  const made: Result<AnyObject>[] = [];
  for (const pod of podsOf(serving)) {
    const result = await client.create(PODS, pod);
    if (result.ok || result.failure.reason !== "AlreadyExists") made.push(result);
  }
  return made;
}

/** Writes what the controller writes into a ModelServing's status: how many groups there are, and Available. */
export async function reportServing(client: KubeClient, place: Place, available: boolean): Promise<void> {
  const statusOf = (serving: AnyObject) => {
    const replicas = numberOf(at(serving.spec, "replicas"));
    return {
      replicas,
      currentReplicas: replicas,
      updatedReplicas: replicas,
      availableReplicas: available ? replicas : 0,
      labelSelector: `${KTHENA_NAME_LABEL}=${place.name}`,
      observedGeneration: serving.metadata.generation ?? 0,
      conditions: [
        condition("Available", available, available ? "AllGroupsReady" : "GroupProgressing", "", serving),
      ],
    };
  };
  mustBe(await writeStatus(client, MODEL_SERVINGS, place, statusOf));
}

function podOf(
  serving: AnyObject,
  group: string,
  role: JsonObject,
  index: number,
  position: number,
): AnyObject {
  const { name, namespace = "" } = serving.metadata;
  const roleName = stringOf(role.name) ?? "";
  const entry = `${group}-${roleName}-${index}-0`;
  const template = objectOf(position === 0 ? role.entryTemplate : role.workerTemplate);
  const added: JsonObject = {
    GROUP_SIZE: String(1 + numberOf(role.workerReplicas)),
    ENTRY_ADDRESS: `${entry}.${namespace}`,
    WORKER_INDEX: String(position),
  };
  return {
    metadata: {
      name: `${group}-${roleName}-${index}-${position}`,
      namespace,
      labels: {
        [KTHENA_NAME_LABEL]: name,
        [KTHENA_GROUP_LABEL]: group,
        [KTHENA_ROLE_LABEL]: roleName,
        "modelserving.volcano.sh/role-id": `${roleName}-${index}`,
        "modelserving.volcano.sh/revision": hashOf(rolesOf(serving).map(templatesOf)),
        "modelserving.volcano.sh/role-template-hash": hashOf(templatesOf(role)),
        ...(position === 0 ? { [KTHENA_ENTRY_LABEL]: "true" } : {}),
        ...textsOf(at(template, "metadata", "labels")),
      },
      annotations: {
        ...textsOf(at(template, "metadata", "annotations")),
        [GROUP_ANNOTATION]: group,
        "volcano.sh/task-spec": `${roleName}-${index}`,
      },
      ownerReferences: [ownerOf(serving, MODEL_SERVINGS.kind)],
    },
    spec: podSpec(objectOf(template.spec), stringOf(at(serving.spec, "schedulerName")), added),
  };
}

function podSpec(spec: JsonObject, schedulerName: string | undefined, env: JsonObject): JsonObject {
  const complete = (container: Json): Json => {
    if (!isObject(container)) return container;
    const kept = listOf(container.env).filter((one) => env[stringOf(objectOf(one).name) ?? ""] === undefined);
    const own = Object.entries(env).map(([name, value]) => ({ name, value }));
    return { ...container, env: [...kept, ...own] };
  };
  return {
    ...spec,
    ...(spec.initContainers ? { initContainers: listOf(spec.initContainers).map(complete) } : {}),
    containers: listOf(spec.containers).map(complete),
    ...(schedulerName === undefined ? {} : { schedulerName }),
  };
}

function rolesOf(serving: AnyObject): JsonObject[] {
  return listOf(at(serving.spec, "template", "roles")).filter(isObject);
}

function groupsOf(serving: AnyObject): string[] {
  return ordinals(at(serving.spec, "replicas") ?? 1).map((index) => `${serving.metadata.name}-${index}`);
}

/** What a change of which starts a role anew: not the counts (utils/revision_util.go). */
function templatesOf({ name, entryTemplate, workerTemplate }: JsonObject): JsonObject {
  return { name, entryTemplate, workerTemplate };
}

function minMemberOf(serving: AnyObject): number {
  const least = objectOf(at(serving.spec, "template", "gangPolicy", "minRoleReplicas"));
  return rolesOf(serving).reduce((sum, role) => {
    const replicas = numberOf(role.replicas ?? 1);
    const wanted = least[stringOf(role.name) ?? ""];
    const counted = wanted === undefined ? replicas : Math.min(numberOf(wanted), replicas);
    return sum + counted * (1 + numberOf(role.workerReplicas));
  }, 0);
}

/** Sum of the requests, for resources that are counted in whole numbers. */
function requestsOf(pods: readonly AnyObject[]): JsonObject {
  const sums: Record<string, number> = {};
  for (const pod of pods) {
    for (const container of listOf(at(pod.spec, "containers"))) {
      for (const [name, quantity] of Object.entries(objectOf(at(container, "resources", "requests")))) {
        if (name.includes("/")) sums[name] = (sums[name] ?? 0) + Number(quantity);
      }
    }
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)]));
}
