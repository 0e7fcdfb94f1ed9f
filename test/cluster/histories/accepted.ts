import { isObject, type Json, type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";

/** The manifest with what the CRD requires, so that it is stored without any webhook too; each variable once. */
export function accepted(manifest: JsonObject): JsonObject {
  const { metadata: _metadata, ...copy } = structuredClone(manifest);
  const { annotations = {} } = objectOf(manifest.metadata);
  const template = objectOf(objectOf(copy.spec).template);
  for (const role of listOf(template.roles).map(objectOf)) {
    role.workerReplicas ??= 0;
    if (role.workerReplicas !== 0) role.workerTemplate ??= structuredClone(role.entryTemplate ?? {});
    for (const pod of [role.entryTemplate, role.workerTemplate]) once(objectOf(objectOf(pod).spec));
  }
  return { ...copy, metadata: { annotations } };
}

function once(spec: JsonObject): void {
  for (const list of [spec.containers, spec.initContainers]) {
    for (const container of listOf(list).map(objectOf)) {
      delete container.unknownField; // server-side apply refuses what the CRD does not know
      if (container.env !== undefined) container.env = byName(listOf(container.env));
    }
  }
  for (const key of ["containers", "initContainers", "volumes"])
    if (spec[key] !== undefined) spec[key] = byName(listOf(spec[key]));
}

function byName(items: readonly Json[]): Json[] {
  const nameOf = (item: Json) => (isObject(item) ? item.name : undefined);
  return items.filter((item, index) => items.findIndex((other) => nameOf(other) === nameOf(item)) === index);
}
