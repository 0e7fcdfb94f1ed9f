import type { Judgement } from "../admission/judgement.ts";
import { judgeManifest } from "../admission/manifest.ts";
import type { Surroundings } from "../admission/surroundings.ts";
import type { AdmissionRequest } from "../api/admission-review.ts";
import { type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { DEFAULTS_LABEL, DEFAULTS_NAME } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import { parseDefaults } from "../defaults/parse.ts";
import { type Layer, type Resolution, resolveDefaults } from "../defaults/resolve.ts";
import {
  type RoutedWorkload,
  type RoutingServer,
  routedWorkload,
  routingServer,
} from "../readings/routing.ts";
import type { ClusterFacts } from "../rules/cluster-facts.ts";
import { defaultsProblems } from "../rules/defaults-problems.ts";
import { githubReport, junitReport } from "./ci-reports.ts";
import { type Console, EXIT, UsageError } from "./console.ts";
import { documentOfConfigMap, loadDefaults, problemText } from "./load-defaults.ts";
import {
  findFiles,
  type Manifest,
  type ManifestObject,
  objectsOf,
  readManifests,
  type Unreadable,
} from "./manifests.ts";
import { listOf, oneOf, textOf, type Values } from "./option-values.ts";
import { diffReport, jsonReport, patchReport, yamlReport } from "./report.ts";
import { type FactsSource, factsFor, factsSource } from "./review-facts.ts";

/** What `kthena-ascend review` takes. */
export interface ReviewOptions {
  files: string[];
  defaults: string[];
  namespaceDefaults: string | undefined;
  output: "diff" | "yaml" | "json" | "patch" | "junit" | "github";
  explain: boolean;
  /** What the rules about the cluster compare with; undefined: they say nothing. */
  facts: FactsSource | undefined;
}

/**
 * Reads the options of `review`.
 * @throws UsageError that names the option
 */
export function reviewOptions(values: Values, rest: readonly string[], userAgent: string): ReviewOptions {
  const files = [...listOf(values, "filename"), ...rest];
  if (files.length === 0) throw new UsageError("review: name at least one file, folder or - with -f");
  return {
    files,
    defaults: listOf(values, "defaults"),
    namespaceDefaults: textOf(values, "namespace-defaults"),
    output: oneOf(values, "output", "diff", ["diff", "yaml", "json", "patch", "junit", "github"] as const),
    explain: values.explain === true,
    facts: factsSource(values, userAgent),
  };
}

/** One object with its verdict. */
export interface ReviewedObject extends ManifestObject {
  judgement: Judgement;
  refused: boolean;
}

/** One document with the verdicts on its objects. */
export interface ReviewedManifest {
  manifest: Manifest;
  objects: ReviewedObject[];
}

/** Reviews manifests as the webhook would, without a cluster. */
export async function reviewCommand(options: ReviewOptions, console: Console): Promise<number> {
  const cluster = await loadDefaults(options.defaults);
  const [namespaceDocument] =
    options.namespaceDefaults === undefined ? [] : await loadDefaults([options.namespaceDefaults]);
  const { manifests, unreadable } = await readAll(options.files, console);
  for (const { file, line, problem } of unreadable) {
    console.err(`${file}${line === undefined ? "" : `:${line}`}: ${problem}\n`);
  }
  const objects = manifests.flatMap(objectsOf);
  const resolve = namespaceResolver(cluster, namespaceDocument, objects, console);
  const before = new Map<string, Beside>();
  const facts = await factsFor(options.facts, objects, console);
  const reviewed = manifests.map(
    (manifest): ReviewedManifest => ({
      manifest,
      objects: objectsOf(manifest).map((item) => reviewObject(item, resolve, before, facts)),
    }),
  );
  console.out(reportOf(options, reviewed, unreadable, console));
  const refused = reviewed.some((item) => item.objects.some((object) => object.refused));
  if (unreadable.length > 0) return EXIT.unreadable;
  return refused ? EXIT.refused : EXIT.ok;
}

function reportOf(
  options: ReviewOptions,
  reviewed: ReviewedManifest[],
  unreadable: readonly Unreadable[],
  console: Console,
): string {
  if (options.output === "junit") return junitReport(reviewed, unreadable);
  if (options.output === "github") return githubReport(reviewed, unreadable);
  if (options.output === "yaml") return yamlReport(reviewed, (text) => console.err(text));
  if (options.output === "json") return jsonReport(reviewed);
  if (options.output === "patch") return patchReport(reviewed);
  return diffReport(reviewed, { explain: options.explain, color: console.color });
}

async function readAll(
  paths: readonly string[],
  console: Console,
): Promise<{ manifests: Manifest[]; unreadable: Unreadable[] }> {
  const { files, unreadable } = await findFiles(paths);
  const manifests: Manifest[] = [];
  for (const file of files) {
    const read = await readManifests(file, console.readInput);
    manifests.push(...read.manifests);
    unreadable.push(...read.unreadable);
  }
  return { manifests, unreadable };
}

/** The defaults of each namespace: a Namespace and its defaults among the manifests count, as they would in a cluster. */
function namespaceResolver(
  cluster: readonly Layer[],
  given: Layer | undefined,
  objects: readonly ManifestObject[],
  console: Console,
): (namespace: string) => Resolution {
  const known = new Map<string, Resolution>();
  return (namespace) => {
    const found = known.get(namespace);
    if (found) return found;
    const document = given ?? documentAmong(objects, namespace, console);
    const resolved = resolveDefaults(cluster, {
      name: namespace,
      document,
      asks: asksAmong(objects, namespace),
    });
    for (const problem of resolved.problems) console.err(`warning: ${problemText(problem)}\n`);
    known.set(namespace, resolved);
    return resolved;
  };
}

function asksAmong(objects: readonly ManifestObject[], namespace: string): Record<string, string> {
  const found = objects.findLast(
    ({ object }) => object.kind === "Namespace" && objectOf(object.metadata).name === namespace,
  );
  return found ? asksIn(objectOf(found.object.metadata).annotations) : {};
}

function documentAmong(
  objects: readonly ManifestObject[],
  namespace: string,
  console: Console,
): Layer | undefined {
  const found = objects.findLast(({ object }) => {
    const metadata = objectOf(object.metadata);
    const labelled = objectOf(metadata.labels)[DEFAULTS_LABEL] === "true";
    return labelled && metadata.name === DEFAULTS_NAME && (metadata.namespace ?? "default") === namespace;
  });
  const text = found && documentOfConfigMap(found.object);
  if (found === undefined || text === undefined) return undefined;
  const source = `${found.manifest.file}:${found.manifest.line}`;
  const parsed = parseDefaults(text, source);
  const problems = parsed.ok ? parsed.located(defaultsProblems(parsed.document, source)) : parsed.problems;
  if (parsed.ok && problems.length === 0) return { source, document: parsed.document };
  for (const problem of problems) console.err(`${problemText(problem)}\n`);
  return undefined;
}

/** What stands in a namespace by the time that an object comes: manifests are applied in their order. */
interface Beside {
  workloads: RoutedWorkload[];
  servers: RoutingServer[];
}

function reviewObject(
  item: ManifestObject,
  resolve: (namespace: string) => Resolution,
  before: Map<string, Beside>,
  facts: ClusterFacts | undefined,
): ReviewedObject {
  const namespace = stringOf(objectOf(item.object.metadata).namespace) ?? "default";
  const defaults = resolve(namespace);
  const beside = before.get(namespace) ?? { workloads: [], servers: [] };
  before.set(namespace, beside);
  const surroundings: Surroundings = { defaultsFor: () => defaults, clusterFacts: () => facts };
  const world = { defaults, ...beside };
  const judgement = judgeManifest(requestFor(item.object, namespace), world, surroundings);
  const workload = judgement.kind === "ModelServing" ? routedWorkload(judgement.object) : undefined;
  if (workload) beside.workloads.push(workload);
  if (judgement.kind === "ModelServer") beside.servers.push(routingServer(judgement.object));
  return { ...item, judgement, refused: judgement.findings.some(({ severity }) => severity === "deny") };
}

/** The review that an API server would send for the creation of an object. */
export function requestFor(object: JsonObject, namespace: string): AdmissionRequest {
  const apiVersion = stringOf(object.apiVersion) ?? "";
  const slash = apiVersion.indexOf("/");
  return {
    uid: crypto.randomUUID(),
    kind: {
      group: slash < 0 ? "" : apiVersion.slice(0, slash),
      version: apiVersion.slice(slash + 1),
      kind: stringOf(object.kind) ?? "",
    },
    operation: "CREATE",
    name: stringOf(objectOf(object.metadata).name),
    namespace,
    object,
  };
}
