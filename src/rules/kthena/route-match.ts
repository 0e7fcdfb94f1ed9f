import { at, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { goRegexpProblem } from "../go/regexp.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { ONE_TARGET, type RouteRule, route, rulesOf } from "./route.ts";
import { type Check, specOf } from "./rule.ts";

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
                fix: "write its name",
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

/** Characters of a problem that are shown: it can quote the expression. */
const MOST_SAID = 80;

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
      const message = `${quoted(text)} is no regular expression in Go: ${problem.slice(0, MOST_SAID)}`;
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
