import { isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../src/api/json.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { injectors } from "../../src/injectors/index.ts";
import { unitsOf } from "../../src/kinds/units.ts";
import { type CompletedWorkload, completeWorkload } from "../../src/pinning/workload.ts";

/** A role of a test: its arguments, or more of its container and template. */
export interface RoleInput {
  args?: string[] | undefined;
  container?: JsonObject;
  spec?: JsonObject;
  annotations?: Record<string, string>;
  role?: JsonObject;
}

export const ASKED = { "kthena-ascend.io/inject": "true", "kthena-ascend.io/kv-connector": "mooncake" };

/** A ModelServing with these roles, each with one vLLM container. */
export function workload(
  roles: Record<string, RoleInput>,
  annotations: Record<string, string> = ASKED,
): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations },
    spec: {
      replicas: 1,
      schedulerName: "volcano",
      template: { roles: Object.entries(roles).map(([name, input]) => roleOf(name, input)) },
    },
  };
}

function roleOf(
  name: string,
  { args = [], container = {}, spec = {}, annotations, role = {} }: RoleInput,
): JsonObject {
  const engine = {
    name: "vllm",
    image: "quay.io/ascend/vllm-ascend:v0.18.0",
    command: ["vllm", "serve", "m"],
    args,
    ...container,
  };
  return {
    name,
    replicas: 1,
    workerReplicas: 0,
    entryTemplate: {
      ...(annotations ? { metadata: { annotations } } : {}),
      spec: { containers: [engine], ...spec },
    },
    ...role,
  };
}

/** Defaults with a part of a document over the built-in ones. */
export function defaultsWith(part: JsonObject, serverVersion?: string): ResolvedDefaults {
  const document = { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...part };
  const checked = checkDefaults(document, "test");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return resolveDefaults([{ source: "test", document: checked.document }], undefined, serverVersion);
}

/** The object as it is completed, created or updated. */
export function complete(
  object: JsonObject,
  today: ResolvedDefaults = resolveDefaults([]),
  oldObject?: JsonObject,
): CompletedWorkload {
  return completeWorkload({ kind: "ModelServing", object, oldObject, today, injectors: injectors() });
}

/** A copy as the API server would store it. */
export function stored(completed: CompletedWorkload): JsonObject {
  return JSON.parse(JSON.stringify(completed.object)) as JsonObject;
}

/** A role of an object by its name. */
export function roleIn(object: JsonObject, name: string): JsonObject {
  return unitsOf("ModelServing", object).find(({ key }) => key === name)?.value ?? {};
}

/** A container of a role. */
export function containerIn(
  object: JsonObject,
  role: string,
  name = "vllm",
  part = "entryTemplate",
): JsonObject {
  const spec = objectOf(objectOf(roleIn(object, role)[part]).spec);
  const all = [...listOf(spec.initContainers), ...listOf(spec.containers)];
  return objectOf(all.find((item) => objectOf(item).name === name));
}

/** The generated configuration of a role; undefined where there is none. */
export function generatedIn(
  object: JsonObject,
  role: string,
  part = "entryTemplate",
): JsonObject | undefined {
  const texts = listOf(containerIn(object, role, "vllm", part).args).filter(
    (item): item is string => typeof item === "string" && item.startsWith("--kv-transfer-config="),
  );
  if (texts.length > 1) throw new Error(`${role} has the flag ${texts.length} times`);
  const text = texts[0]?.slice("--kv-transfer-config=".length);
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}

/** The variables of a container: name to value, or to the field they come from. */
export function variablesOf(container: JsonObject): Record<string, Json> {
  return Object.fromEntries(
    listOf(container.env)
      .filter(isObject)
      .map((item) => [
        stringOf(item.name) ?? "",
        item.value ?? objectOf(objectOf(item.valueFrom).fieldRef).fieldPath ?? null,
      ]),
  );
}
