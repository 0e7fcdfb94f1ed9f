import { Document, isMap, isScalar, type Node } from "yaml";
import { type Resolution, resolveDefaults } from "../../defaults/resolve.ts";
import { type ResolvedDefaults, sourceOf } from "../../defaults/settings.ts";
import { type Console, EXIT } from "../console.ts";
import { jsonText } from "../terminal.ts";
import { type ClusterDefaultsOptions, clusterDefaults } from "./cluster.ts";
import { loadDefaults, problemText } from "./load.ts";

/** What `kthena-ascend defaults` takes. */
export interface DefaultsOptions {
  defaults: string[];
  namespaceDefaults: string | undefined;
  /** Read from a cluster instead of from files. */
  cluster: ClusterDefaultsOptions | undefined;
  output: "yaml" | "json";
}

/** Prints the defaults in force, each value with where it came from. */
export async function showDefaults(options: DefaultsOptions, console: Console): Promise<number> {
  const resolved = options.cluster ? await clusterDefaults(options.cluster) : await fromFiles(options);
  for (const problem of resolved.problems) console.complain([`warning: ${problemText(problem)}`]);
  if (options.output === "json") {
    const { settings, provenance } = resolved;
    console.out(jsonText({ settings, provenance }));
  } else console.out(effectiveText(resolved));
  return EXIT.ok;
}

async function fromFiles(options: DefaultsOptions): Promise<Resolution> {
  const cluster = await loadDefaults(options.defaults);
  const [document] =
    options.namespaceDefaults === undefined ? [] : await loadDefaults([options.namespaceDefaults]);
  return resolveDefaults(cluster, document && { name: "", document });
}

/** The settings as YAML with a comment on each value that says where it came from. */
export function effectiveText({ settings, provenance }: ResolvedDefaults): string {
  const yaml = new Document(settings);
  annotate(yaml.contents, "", (path) => sourceOf(provenance, path));
  return yaml.toString({ lineWidth: 0 });
}

function annotate(node: unknown, path: string, source: (path: string) => string): void {
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : "";
    const child = path === "" ? key : `${path}.${key}`;
    if (isMap(pair.value) && pair.value.items.length > 0) annotate(pair.value, child, source);
    else if (isScalar(pair.value)) pair.value.comment = ` ${source(child)}`;
    else if (isScalar(pair.key)) (pair.key as Node).commentBefore = ` ${key}: ${source(child)}`;
  }
}
