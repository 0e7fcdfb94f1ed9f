import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import type { CommandResult } from "./control-plane/command.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";

/** A person with kubectl, in one namespace. */
export interface ManifestUser {
  namespace: string;
  /** kubectl in the namespace; does not throw. */
  try: (args: readonly string[], input?: string) => Promise<CommandResult>;
  /** kubectl in the namespace; throws where it fails. */
  run: (args: readonly string[], input?: string) => Promise<CommandResult>;
  apply: (manifest: JsonObject, way?: readonly string[]) => Promise<CommandResult>;
  get: (kind: string, name: string) => Promise<JsonObject>;
}

/** Both ways to apply. */
export const WAYS = [
  ["client-side apply", []],
  ["server-side apply", ["--server-side"]],
] as const;

/** Makes a namespace and a person in it. */
export async function userIn(
  plane: ControlPlane,
  namespace: string,
  annotations: Record<string, string> = {},
): Promise<ManifestUser> {
  const manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, annotations } };
  await plane.kubectl(["apply", "-f", "-"], { input: stringify(manifest) });
  const call = (args: readonly string[], input: string | undefined, mayFail: boolean) =>
    plane.kubectl([...args, `--namespace=${namespace}`], {
      mayFail,
      ...(input === undefined ? {} : { input }),
    });
  const run: ManifestUser["run"] = (args, input) => call(args, input, false);
  return {
    namespace,
    run,
    try: (args, input) => call(args, input, true),
    apply: (object, way = []) => run(["apply", ...way, "-f", "-"], stringify(object)),
    get: async (kind, name) =>
      JSON.parse((await run(["get", kind, name, "-o", "json"])).stdout) as JsonObject,
  };
}

/** Reads the one object of a manifest, without its namespace. */
export function manifestOf(text: string): JsonObject {
  const object = parse(text) as JsonObject;
  const { namespace: _namespace, ...metadata } = objectOf(object.metadata);
  return { ...object, metadata };
}

/** What a change of makes Kthena start pods anew: everything of a role but its scaling (utils/revision_util.go). */
export function rolesThatRestart(serving: JsonObject): JsonObject[] {
  return listOf(objectOf(objectOf(serving.spec).template).roles).map((role) => {
    const { replicas: _replicas, maxUnavailable: _most, partition: _partition, ...rest } = objectOf(role);
    return rest;
  });
}

/** metadata of an object. */
export function metadataOf(object: JsonObject): JsonObject {
  return objectOf(object.metadata);
}

/** Waits until something holds; throws with what was asked for otherwise. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  holds: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: T | undefined;
  do {
    last = await look();
    if (holds(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (performance.now() < end);
  throw new Error(`not within ${timeoutMs} ms: ${what}; last seen: ${JSON.stringify(last)?.slice(0, 2_000)}`);
}

/** Whether everything of `part` is in `whole`: objects in part, lists by name where their items have one. */
export function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    const list = listOf(whole);
    return (
      list.length === part.length &&
      part.every((item, index) => {
        const name = objectOf(item).name;
        const other = name === undefined ? list[index] : list.find((one) => objectOf(one).name === name);
        return contains(other, item);
      })
    );
  }
  if (typeof part === "object" && part !== null) {
    return Object.entries(part).every(([key, value]) => contains(objectOf(whole)[key], value));
  }
  return isDeepStrictEqual(whole, part);
}
