import { type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
import type { WorkloadKind } from "../../../src/kinds/index.ts";
import { unitsOf } from "../../../src/kinds/units.ts";

/** What people change in an object, in place. */

/** The role or worker; of an object that has fewer, one of those that it has. */
function unitAt(kind: WorkloadKind, object: JsonObject, index: number): JsonObject {
  const units = unitsOf(kind, object);
  return units[index % Math.max(units.length, 1)]?.value ?? {};
}

function firstContainer(kind: WorkloadKind, object: JsonObject, index: number): JsonObject | undefined {
  const unit = unitAt(kind, object, index);
  if (kind === "ModelBooster") return unit;
  const [container] = listOf(objectOf(objectOf(unit.entryTemplate).spec).containers);
  return container === undefined ? undefined : objectOf(container);
}

export function setImage(kind: WorkloadKind, object: JsonObject, index: number, image: string): void {
  const container = firstContainer(kind, object, index);
  if (container) container.image = image;
}

/** Where the image stands, as a JSON pointer; undefined where there is no container. */
export function imagePointer(kind: WorkloadKind, object: JsonObject, index: number): string | undefined {
  if (firstContainer(kind, object, index) === undefined) return undefined;
  const units = unitsOf(kind, object);
  const { field = "" } = units[index % units.length] ?? {};
  const pointer = `/${field.replaceAll(/\[(\d+)\]/g, ".$1").replaceAll(".", "/")}`;
  return `${pointer}${kind === "ModelBooster" ? "" : "/entryTemplate/spec/containers/0"}/image`;
}

/** Sets a variable that injectors write too. */
export function setEnv(kind: WorkloadKind, object: JsonObject, index: number, value: string): void {
  const container = firstContainer(kind, object, index);
  if (!container || kind === "ModelBooster") return;
  const others = listOf(container.env).filter((item) => objectOf(item).name !== "HCCL_SOCKET_IFNAME");
  container.env = [...others, { name: "HCCL_SOCKET_IFNAME", value }];
}

export function setReplicas(kind: WorkloadKind, object: JsonObject, index: number, replicas: number): void {
  unitAt(kind, object, index).replicas = replicas;
}

/** By an annotation on the template: this role alone takes today's settings. */
export function refreshRole(kind: WorkloadKind, object: JsonObject, index: number, value: string): void {
  const template = unitAt(kind, object, index).entryTemplate;
  if (kind === "ModelServing" && template !== undefined)
    annotate(objectOf(template), "kthena-ascend.io/refresh", value);
}

/** Sets an annotation, or takes it away. */
export function annotate(object: JsonObject, key: string, value: string | null): void {
  const metadata = objectOf(object.metadata);
  const { [key]: _old, ...others } = objectOf(metadata.annotations);
  object.metadata = { ...metadata, annotations: value === null ? others : { ...others, [key]: value } };
}
