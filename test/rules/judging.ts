import { parse } from "yaml";
import { judgeRequest } from "../../src/admission/judge.ts";
import type { LookedUp } from "../../src/admission/judgement.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { Finding } from "../../src/api/finding.ts";
import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ClusterFacts } from "../../src/rules/cluster-facts.ts";
import type { ExamplePlace } from "../../src/rules/rule.ts";

/** An image that no rule has anything against. */
const IMAGE = "registry.example/engine:1";

/** What a finding is judged under beside the built-in defaults. */
export interface Circumstances {
  /** Part of an AscendDefaults document. */
  defaults?: JsonObject;
  oldObject?: JsonObject;
  operation?: string;
  facts?: ClusterFacts | undefined;
  /** For a ModelServer: the ModelServings of its namespace. For a ModelServing: its ModelServers. */
  beside?: Pick<LookedUp, "workloads" | "servers">;
}

/** The findings that /mutate would have on an object. */
export function findingsOn(
  object: JsonObject,
  { defaults = {}, facts, beside = {}, ...more }: Circumstances = {},
): Finding[] {
  const document = { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...defaults };
  const checked = checkDefaults(document, "test");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const resolved = resolveDefaults([{ source: "test", document: checked.document }]);
  const request: AdmissionRequest = {
    ...requestFor(object, "n"),
    ...(more.oldObject ? { operation: "UPDATE" } : {}),
    ...more,
  };
  return judgeRequest(
    request,
    { defaults: resolved, ...beside },
    { defaultsFor: () => resolved, clusterFacts: () => facts },
  ).findings;
}

/** The object as it would be stored if no rule refused it: complete, with its record. */
export function storedFrom(object: JsonObject, oldObject?: JsonObject): JsonObject {
  const defaults = resolveDefaults([]);
  const update = oldObject ? { operation: "UPDATE", oldObject } : {};
  const request = { ...requestFor(copyOf(object), "n"), ...update };
  return copyOf(judgeRequest(request, { defaults }, { defaultsFor: () => defaults, rules: [] }).object);
}

/** An object out of YAML for one part of it: the rest is as small as it can be. */
export function objectWith(place: ExamplePlace, yaml: string): JsonObject {
  const part = parse(yaml) as JsonObject;
  switch (place) {
    case "object":
      return merged(part.kind === undefined ? serving({}) : nameless(part.kind), part);
    case "spec":
      return merged(serving({}), { spec: part });
    case "role":
      return servingOf([merged(role({}), part)]);
    case "template":
      return servingOf([{ ...role({}), entryTemplate: part }]);
    case "container":
      return serving(part);
    case "worker":
      return boosterOf({ workers: [merged({ type: "server" }, part)] });
    case "backend":
      return boosterOf(part);
  }
}

function nameless(kind: Json): JsonObject {
  const group = kind === "ModelServer" || kind === "ModelRoute" ? "networking" : "workload";
  return { apiVersion: `${group}.serving.volcano.sh/v1alpha1`, metadata: { name: "m", namespace: "n" } };
}

/** A ModelServing with one role of one container. */
export function serving(container: JsonObject, annotations: Record<string, string> = {}): JsonObject {
  return merged(servingOf([role(container)]), { metadata: { annotations } });
}

/** A ModelServing of these roles, for which injection is asked. */
export function servingOf(roles: JsonObject[]): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
    spec: { replicas: 1, schedulerName: "volcano", template: { roles } },
  };
}

function role(container: JsonObject): JsonObject {
  const usual =
    isObject(container) && container.command === undefined ? { command: ["vllm", "serve", "m"] } : {};
  const spec = { containers: [{ name: "vllm", image: IMAGE, ...usual, ...container }] };
  return { name: "server", replicas: 1, workerReplicas: 0, entryTemplate: { spec } };
}

function boosterOf(backend: JsonObject): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelBooster",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
    spec: {
      backend: {
        name: "b",
        type: "vLLM",
        modelURI: "hf://a/b",
        cacheURI: "hostpath:///mnt/cache",
        replicas: 1,
        ...backend,
      },
    },
  };
}

/** Objects are laid over each other key by key; lists and all else are replaced. */
export function merged(below: JsonObject, above: JsonObject): JsonObject {
  const result: JsonObject = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    result[key] = isObject(under) && isObject(value) ? merged(under, value) : value;
  }
  return result;
}

/** `deny`, `warn`, `allowed`, or `-` where the rule finds nothing. */
export function verdictOf(findings: readonly Finding[], rule: string): string {
  const found = new Set(findings.filter((finding) => finding.rule === rule).map(({ severity }) => severity));
  return found.size === 0 ? "-" : [...found].join();
}

/** A copy to be changed. */
export function copyOf<T extends Json>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
