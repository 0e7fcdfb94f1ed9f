import { isObject, type Json, listOf, objectOf, stringOf } from "../../api/json.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { ONE_TARGET, route, rulesOf, type Target } from "./route.ts";
import { type Check, numberOf, specOf } from "./rule.ts";

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
