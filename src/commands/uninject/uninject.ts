import { stringify } from "yaml";
import type { JsonObject } from "../../api/json.ts";
import { detached, uninjected } from "../../pinning/uninjected.ts";
import { type ClusterAccess, withCluster } from "../cluster/connect.ts";
import { namedObject } from "../cluster/named.ts";
import { type Console, EXIT } from "../console.ts";
import { objectsOf, readManifests } from "../manifests/read.ts";
import { asWritten } from "../manifests/stored.ts";

/** What `uninject` is to do. */
export interface UninjectOptions {
  /** KIND/NAME in the cluster; undefined where `file` is given. */
  name: string | undefined;
  file: string | undefined;
  /** Print the complete object, to be kept without this software. */
  keep: boolean;
  namespace: string | undefined;
  access: ClusterAccess;
}

/**
 * Prints objects without what was added, as YAML that can be applied: the exit code.
 * @throws UsageError where the cluster's object cannot be read
 */
export async function uninject(options: UninjectOptions, console: Console): Promise<number> {
  const { name, file, keep, access } = options;
  const print = (objects: readonly JsonObject[]): void =>
    console.out(objects.map((object) => manifestText(object, keep)).join("---\n"));
  if (file === undefined) {
    await withCluster(access, async (connected) => {
      const namespace = options.namespace ?? connected.client.namespace ?? "default";
      print([await namedObject(connected, name ?? "", namespace, { option: "uninject" })]);
    });
    return EXIT.ok;
  }
  const { manifests, unreadable } = await readManifests(file, console.readInput);
  print(manifests.flatMap(objectsOf).map(({ object }) => object));
  console.complain(
    unreadable.map((one) => `${one.file}${one.line === undefined ? "" : `:${one.line}`}: ${one.problem}`),
  );
  return unreadable.length > 0 ? EXIT.unreadable : EXIT.ok;
}

/** One object as YAML. Objects of other kinds pass as they are, but for what the API server wrote. */
export function manifestText(object: JsonObject, keep: boolean): string {
  const manifest = asWritten(keep ? detached(object) : uninjected(object));
  return stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
}
