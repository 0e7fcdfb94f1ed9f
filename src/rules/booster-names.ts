import { isObject, type Json, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { goRegexpProblem } from "./go/regexp.ts";
import { isDns1035, nameFrom } from "./kthena/labels.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

/** Longest label of DNS, and so longest name of a pod, a container and a volume. */
const MOST = 63;

const generated: Rule = {
  id: "booster/generated-name",
  severity: "deny",
  summary: "The names that Kthena makes of a ModelBooster's are short enough",
  why: "Kthena joins them to ModelServings, pods, an init container and a volume (convert/model_serving.go); what is no DNS label of 63 characters is refused there, where the owner does not see it.",
  example: {
    in: "backend",
    refused: `name: ${"b".repeat(60)}\nworkers: [{type: server, replicas: 1}]`,
    admitted: "name: qwen\nworkers: [{type: server, replicas: 1}]",
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelBooster") return [];
    const metadata = objectOf(object.metadata);
    const given = stringOf(metadata.name) || nameFrom(stringOf(metadata.generateName) ?? "");
    const backend = objectOf(objectOf(object.spec).backend);
    const name = stringOf(backend.name);
    if (name === undefined || name === "") return [];
    return namesOf(given, name, backend).flatMap(({ what, made, path, digitFirst }): Remark[] => {
      const problem =
        made.length > MOST
          ? `has ${made.length} characters, ${MOST} at most are allowed`
          : isDns1035(digitFirst ? made.replace(/^\d/, "x") : made)
            ? undefined
            : "is no DNS label";
      if (problem === undefined) return [];
      const value = path === "metadata.name" ? given : name;
      const message = `the name of ${what}, ${quoted(made)}, ${problem}`;
      const fix = "use short names of lower-case letters, digits and dashes, a letter first, no dot";
      return [{ path, value, message, fix }];
    });
  },
};

/** What Kthena calls the role of a worker's type. */
const ROLES: ReadonlyMap<string, string> = new Map([
  ["server", "leader"],
  ["prefill", "prefill"],
  ["decode", "decode"],
]);

function namesOf(
  given: string,
  name: string,
  backend: JsonObject,
): { what: string; made: string; path: string; digitFirst: boolean }[] {
  const workers = Array.isArray(backend.workers) ? backend.workers : [];
  const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);
  const pods = workers.flatMap((item) => {
    const worker = objectOf(item);
    const type = stringOf(worker.type) ?? "server";
    const role = ROLES.get(type);
    if (role === undefined) return [];
    const extra = type === "server" ? Math.max(0, count(worker.pods) - 1) : 0;
    const made = `${given}-${name}-${count(backend.replicas)}-${role}-${count(worker.replicas)}-${extra}`;
    return [{ what: `the pods of worker ${type}`, made, path: "spec.backend.name", digitFirst: false }];
  });
  return [
    ...pods,
    // A container's and a volume's name may begin with a digit.
    { what: "the downloader", made: `${given}-model-downloader`, path: "metadata.name", digitFirst: true },
    { what: "the volume of weights", made: `${name}-weights`, path: "spec.backend.name", digitFirst: true },
  ];
}

const modelMatch: Rule = {
  id: "booster/model-match",
  severity: "deny",
  summary: "Regular expressions in modelMatch are ones that Go compiles",
  why: "They go into the ModelRoute that Kthena makes, whose webhook refuses it (pkg/kthena-router/webhook).",
  example: {
    in: "object",
    refused:
      "kind: ModelBooster\napiVersion: workload.serving.volcano.sh/v1alpha1\nspec: {modelMatch: {uri: {regex: '(?=a)'}}, backend: {name: b, type: vLLM, modelURI: hf://a/b, cacheURI: hostpath:///mnt/cache, replicas: 1, workers: [{type: server, replicas: 1}]}}",
    admitted:
      "kind: ModelBooster\napiVersion: workload.serving.volcano.sh/v1alpha1\nspec: {modelMatch: {uri: {regex: 'a+'}}, backend: {name: b, type: vLLM, modelURI: hf://a/b, cacheURI: hostpath:///mnt/cache, replicas: 1, workers: [{type: server, replicas: 1}]}}",
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelBooster") return [];
    const match = objectOf(objectOf(object.spec).modelMatch);
    const headers = Object.entries(isObject(match.headers) ? match.headers : {});
    const places: [string, Json | undefined][] = [
      ["spec.modelMatch.uri.regex", objectOf(match.uri).regex],
      ...headers.map(([name, value]): [string, Json | undefined] => [
        `spec.modelMatch.headers[${name}].regex`,
        objectOf(value).regex,
      ]),
    ];
    return places.flatMap(([path, regex]): Remark[] => {
      const problem = typeof regex === "string" ? goRegexpProblem(regex) : undefined;
      if (problem === undefined) return [];
      const message = `${quoted(regex)} is no regular expression that Go compiles: ${problem}`;
      return [{ path, value: regex, message, fix: "write it without lookaround and backreferences (RE2)" }];
    });
  },
};

/** Rules of the family booster about names that go into what Kthena makes. */
export const BOOSTER_NAME_RULES: readonly Rule[] = [generated, modelMatch];
