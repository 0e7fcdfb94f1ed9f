import { documentOf } from "../../defaults/document-of.ts";
import { checkDefaults } from "../../defaults/parse.ts";
import type { Problem } from "../../defaults/problem.ts";
import { type Resolution, resolveDefaults } from "../../defaults/resolve.ts";
import { defaultsProblems } from "../../rules/defaults-problems.ts";
import { type Console, EXIT } from "../console.ts";
import { jsonText } from "../terminal.ts";
import { type ClusterDefaultsOptions, clusterDefaults } from "./cluster.ts";
import { commentedDocument } from "./document-text.ts";
import { loadDefaults, problemText } from "./load.ts";
import { defaultsJsonSchema } from "./schema.ts";

/** What `kthena-ascend defaults` takes. */
export interface DefaultsOptions {
  defaults: string[];
  namespaceDefaults: string | undefined;
  /** Read from a cluster instead of from files. */
  cluster: ClusterDefaultsOptions | undefined;
  output: "yaml" | "json";
}

/** Prints the JSON Schema of a document. */
export function showSchema(console: Console): number {
  console.out(jsonText(defaultsJsonSchema()));
  return EXIT.ok;
}

/** Prints the defaults in force as one document, each value with where it came from. */
export async function showDefaults(options: DefaultsOptions, console: Console): Promise<number> {
  const resolved = options.cluster ? await clusterDefaults(options.cluster) : await fileDefaults(options);
  for (const problem of resolved.problems) console.complain([`warning: ${problemText(problem)}`]);
  if (options.output === "json") {
    const { settings, provenance } = resolved;
    console.out(jsonText({ settings, provenance }));
  } else {
    for (const problem of togetherWrong(resolved)) console.complain([`warning: ${problemText(problem)}`]);
    console.out(commentedDocument(resolved));
  }
  return EXIT.ok;
}

/** Documents that are right one by one can contradict each other, and one document that says all of it is refused. */
function togetherWrong(resolution: Resolution): Problem[] {
  const source = "the documents together";
  const checked = checkDefaults(documentOf(resolution).document, source);
  return checked.ok ? defaultsProblems(checked.document, source) : checked.problems;
}

/**
 * The defaults that documents in files result in.
 * @throws UsageError that lists what is wrong with them
 */
export async function fileDefaults(
  options: Pick<DefaultsOptions, "defaults" | "namespaceDefaults">,
): Promise<Resolution> {
  const cluster = await loadDefaults(options.defaults);
  const [document] =
    options.namespaceDefaults === undefined ? [] : await loadDefaults([options.namespaceDefaults]);
  return resolveDefaults(cluster, document && { name: "", document });
}
