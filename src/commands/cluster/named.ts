import { type JsonObject, objectOf } from "../../api/json.ts";
import { MODEL_ROUTES, MODEL_SERVERS, workloadResource } from "../../cluster/kinds.ts";
import { WORKLOAD_KINDS } from "../../kinds/index.ts";
import { isNotFound } from "../../kube/failure.ts";
import { type AnyObject, apiVersionOf, keyOf, NAMESPACES, type Resource } from "../../kube/resource.ts";
import { UsageError } from "../console.ts";
import { type Connected, readObject } from "./connect.ts";

/** Kinds that are reviewed, as the API addresses them, in the order of the table of kinds. */
export const REVIEWED: readonly Resource[] = [
  ...WORKLOAD_KINDS.map(workloadResource),
  MODEL_SERVERS,
  MODEL_ROUTES,
];

/**
 * The object that KIND/NAME names, as it is stored, without managedFields and status. `option`: how messages name what
 * was given, such as `--live`.
 * @throws UsageError where there is none, or it may not be read
 */
export async function namedObject(
  { client }: Connected,
  text: string,
  namespace: string,
  { kinds = REVIEWED, option }: { kinds?: readonly Resource[]; option: string },
): Promise<JsonObject> {
  const [kind = "", name = "", ...more] = text.split("/");
  const resource = kinds.find((one) => namesOf(one).includes(kind.toLowerCase()));
  if (!resource || name === "" || more.length > 0)
    throw new UsageError(
      `${option}: ${text} must be KIND/NAME, with KIND one of ${kinds.map((one) => one.kind).join(", ")}`,
    );
  const place = { namespace, name };
  const found = await readObject<AnyObject>(client, resource, place);
  if (!found) throw new UsageError(`${option}: there is no ${resource.kind} ${keyOf(place)}`);
  return asObject(found, resource);
}

/**
 * Where nothing was found in a namespace, whether it is there at all. @throws UsageError where it is not; who may not read
 * Namespaces is not told
 */
export async function wantNamespace({ client }: Connected, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const found = await client.get(NAMESPACES, { name });
  if (!found.ok && isNotFound(found.failure)) throw new UsageError(`there is no Namespace ${name}`);
}

/** An object as it was read or listed, with its kind, without managedFields and status. */
export function asObject(found: AnyObject, resource: Resource): JsonObject {
  const { managedFields: _fields, ...metadata } = objectOf(found.metadata);
  const {
    apiVersion,
    kind: written,
    metadata: _metadata,
    status: _status,
    ...rest
  } = found as unknown as JsonObject;
  return {
    apiVersion: apiVersion ?? apiVersionOf(resource),
    kind: written ?? resource.kind,
    metadata,
    ...rest,
  };
}

function namesOf({ kind, plural }: Resource): string[] {
  return [kind.toLowerCase(), plural];
}
