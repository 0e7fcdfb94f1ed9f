import { at, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { goRegexpProblem } from "../go/regexp.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { type Check, numberOf, specOf } from "./rule.ts";

const HEAD = "apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelRoute\n";
const route = (spec: string): string => `${HEAD}spec: ${spec}`;
const ONE_TARGET = "rules: [{targetModels: [{modelServerName: m}]}]";

/** Checks of what a ModelRoute matches. */
export const ROUTE_CHECKS: readonly Check[] = [
  {
    name: "route-model",
    summary: "A ModelRoute has a modelName or loraAdapters",
    why: "Nothing would come its way",
    example: {
      in: "object",
      refused: route(`{${ONE_TARGET}}`),
      admitted: route(`{modelName: qwen, ${ONE_TARGET}}`),
    },
    check: (object) => {
      const { modelName, loraAdapters } = specOf(object);
      if ((stringOf(modelName) ?? "") !== "" || listOf(loraAdapters).length > 0) return [];
      const message = "there is neither a modelName nor a LoRA adapter";
      return [{ path: "spec", cause: "FieldValueRequired", message, fix: "write modelName" }];
    },
  },
  {
    name: "route-lora",
    summary: "The name of a LoRA adapter is not empty",
    why: "No request can ask for it",
    example: {
      in: "object",
      refused: route(`{loraAdapters: [""], ${ONE_TARGET}}`),
      admitted: route(`{loraAdapters: [math], ${ONE_TARGET}}`),
    },
    check: (object) =>
      listOf(specOf(object).loraAdapters).flatMap((name, index): Remark[] =>
        name === ""
          ? [
              {
                path: `spec.loraAdapters[${index}]`,
                value: name,
                message: "a LoRA adapter has no name",
                fix: "write its name, or remove it",
              },
            ]
          : [],
      ),
  },
  {
    name: "route-rule",
    summary: "A rule of a ModelRoute is not null",
    why: "The API server's schema check refuses it too, and comes first in a cluster",
    example: { refused: "a null in spec.rules", admitted: "a rule with targetModels" },
    check: (object) =>
      listOf(specOf(object).rules).flatMap((rule, index): Remark[] =>
        rule === null
          ? [{ path: `spec.rules[${index}]`, message: "a rule is null", fix: "write a rule, or remove it" }]
          : [],
      ),
  },
  {
    name: "route-regex",
    summary: "Regular expressions of a ModelRoute are in Go's syntax",
    why: "The router is a Go program: no lookaround, no references to groups, no a**, counts up to 1000",
    example: {
      in: "object",
      refused: route(
        "{modelName: m, rules: [{modelMatch: {uri: {regex: '(?!admin)'}}, targetModels: [{modelServerName: m}]}]}",
      ),
      admitted: route(
        "{modelName: m, rules: [{modelMatch: {uri: {regex: '^/v1/.*'}}, targetModels: [{modelServerName: m}]}]}",
      ),
    },
    check: badExpressions,
  },
];

/** Checks of where a ModelRoute leads. */
export const TARGET_CHECKS: readonly Check[] = [
  {
    name: "route-targets",
    summary: "A rule of a ModelRoute has a target",
    why: "What it matches could go nowhere",
    example: {
      in: "object",
      refused: route("{modelName: m, rules: [{targetModels: []}]}"),
      admitted: route(`{modelName: m, ${ONE_TARGET}}`),
    },
    check: (object) =>
      listOf(specOf(object).rules).flatMap((rule, index): Remark[] =>
        isObject(rule) && listOf(rule.targetModels).length === 0
          ? [
              {
                path: `spec.rules[${index}].targetModels`,
                cause: "FieldValueRequired",
                message: "the rule has no target",
                fix: "write at least one target with a modelServerName",
              },
            ]
          : [],
      ),
  },
  {
    name: "route-target",
    summary: "A target names a ModelServer or an ExternalModelProvider, not both",
    why: "The router sends a request to one place",
    example: {
      in: "object",
      refused: route("{modelName: m, rules: [{targetModels: [{weight: 100}]}]}"),
      admitted: route(`{modelName: m, ${ONE_TARGET}}`),
    },
    check: (object) => rulesOf(object).flatMap(({ targets }) => targets.flatMap(target)),
  },
  {
    name: "route-lora-external",
    summary: "A route of LoRA adapters leads to ModelServers only",
    why: "An external provider knows no adapters",
    example: {
      in: "object",
      refused: route("{loraAdapters: [math], rules: [{targetModels: [{externalModelProviderName: p}]}]}"),
      admitted: route(`{loraAdapters: [math], ${ONE_TARGET}}`),
    },
    check: (object) => {
      if (listOf(specOf(object).loraAdapters).length === 0) return [];
      return rulesOf(object).flatMap(({ targets }) =>
        targets.flatMap(({ field, value }): Remark[] => {
          const name = nameIn(value, "externalModelProviderName");
          if (name === "") return [];
          const message = `a route of LoRA adapters leads to the external provider ${quoted(name)}`;
          const path = `${field}.externalModelProviderName`;
          return [{ path, value: name, message, fix: "name a modelServerName instead" }];
        }),
      );
    },
  },
  {
    name: "route-weight",
    summary: "The weights of a rule's targets do not all come to 0",
    why: "The router could choose none; a weight that is left out is 100",
    example: {
      in: "object",
      refused: route("{modelName: m, rules: [{targetModels: [{modelServerName: m, weight: 0}]}]}"),
      admitted: route("{modelName: m, rules: [{targetModels: [{modelServerName: m, weight: 1}]}]}"),
    },
    check: (object) =>
      rulesOf(object)
        .filter(({ targets }) => targets.every(({ value }) => weightOf(value) === 0))
        .map(({ field }) => ({
          path: `${field}.targetModels`,
          value: 0,
          message: "the weights of all targets together are 0",
          fix: "give one of them a weight above 0",
        })),
  },
];

interface Target {
  field: string;
  value: Json;
}

interface RouteRule {
  field: string;
  value: JsonObject;
  targets: Target[];
}

/** The rules that are looked into: one without targets is told of, and passed over. */
function rulesOf(object: JsonObject): RouteRule[] {
  return listOf(specOf(object).rules).flatMap((item, index) => {
    const field = `spec.rules[${index}]`;
    const value = objectOf(item);
    const targets = listOf(value.targetModels).map((entry, position) => ({
      field: `${field}.targetModels[${position}]`,
      value: entry,
    }));
    return targets.length === 0 ? [] : [{ field, value, targets }];
  });
}

function target({ field, value }: Target): Remark[] {
  const server = nameIn(value, "modelServerName");
  const provider = nameIn(value, "externalModelProviderName");
  if (isObject(value) && (server === "") !== (provider === "")) return [];
  const message =
    server === ""
      ? "the target names neither a ModelServer nor an external provider"
      : `the target names both the ModelServer ${quoted(server)} and the external provider ${quoted(provider)}`;
  return [{ path: field, value: `${server}/${provider}`, message, fix: "write exactly one of the two" }];
}

function nameIn(value: Json, key: string): string {
  return stringOf(objectOf(value)[key]) ?? "";
}

function weightOf(value: Json): number {
  // A null adds nothing.
  return isObject(value) ? (numberOf(value.weight) ?? 100) : 0;
}

/** Characters of expressions that are read in one object: more would hold up other requests, and are left to Kthena. */
const MOST_READ = 100_000;

function badExpressions(object: JsonObject): Remark[] {
  let read = 0;
  return rulesOf(object)
    .flatMap(expressions)
    .flatMap(({ path, text }): Remark[] => {
      read += text.length;
      const problem = read > MOST_READ ? undefined : goRegexpProblem(text);
      if (problem === undefined) return [];
      const message = `${quoted(text)} is no regular expression in Go: ${problem}`;
      const fix = "write it in the syntax of RE2, see https://golang.org/s/re2syntax";
      return [{ path, value: text, message, fix }];
    });
}

function expressions({ field, value }: RouteRule): { path: string; text: string }[] {
  const match = objectOf(value.modelMatch);
  const headers = Object.entries(objectOf(match.headers)).map(
    ([name, header]) => [`headers[${name}]`, header] as const,
  );
  return [...headers, ["uri", match.uri] as const].flatMap(([place, holder]) => {
    const text = at(holder, "regex");
    return typeof text === "string" ? [{ path: `${field}.modelMatch.${place}.regex`, text }] : [];
  });
}
