import { type Json, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { KTHENA_ROLE_LABEL } from "../api/names.ts";
import { routingServer, selects } from "../readings/routing.ts";
import { quoted } from "./quote.ts";
import { removing, writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import { negative } from "./serving.ts";
import type { RuleSubject } from "./subject.ts";

const spec = ({ object }: RuleSubject): JsonObject => objectOf(object.spec);

const SERVER =
  "kind: ModelServer\napiVersion: networking.serving.volcano.sh/v1alpha1\nspec: {inferenceEngine: vLLM, workloadPort: {port: 8000}, ";
const PD =
  "workloadSelector: {matchLabels: {modelserving.volcano.sh/name: m}, pdGroup: {groupKey: modelserving.volcano.sh/group-name, prefillLabels: {modelserving.volcano.sh/role: prefill}, decodeLabels: {modelserving.volcano.sh/role: decode}}}";

const serverConnector: Rule = {
  id: "routing/server-connector",
  severity: "warn",
  summary: "A ModelServer with prefill and decode names its KV connector",
  why: "With http, the default, kthena-router passes no KV parameters on, and decode computes the prompt anew unless the pods share a store.",
  example: {
    in: "object",
    refused: `${SERVER}${PD}}`,
    admitted: `${SERVER}kvConnector: {type: mooncake}, ${PD}}`,
  },
  check: (subject) => {
    if (subject.kind !== "ModelServer") return [];
    const { kvConnector, workloadSelector } = spec(subject);
    const pair = objectOf(workloadSelector).pdGroup;
    const written = stringOf(objectOf(kvConnector).type);
    const type = written ?? "http";
    if (spec(subject).inferenceEngine === "SGLang") return written === undefined ? [] : forSglang(written);
    if (workloadIsKnown(subject)) return [];
    if (typeof pair === "object" && pair !== null && type === "http")
      return [
        {
          path: "spec.kvConnector.type",
          value: type,
          message:
            "prefill and decode are kept apart, but the KV connector is http: decode gets no cache from prefill",
          fix: "write kvConnector: {type: mooncake}; leave http only for engines that share a store",
        },
      ];
    if ((pair === undefined || pair === null) && (type === "mooncake" || type === "nixl"))
      return [
        {
          path: "spec.kvConnector.type",
          value: type,
          message: `the KV connector ${type} has no effect without pdGroup`,
          fix: "add workloadSelector.pdGroup, or remove kvConnector",
        },
      ];
    return [];
  },
};

/** Without a type the router takes its own connector for SGLang (router.go, getKVConnector; connectors/sglang.go). */
function forSglang(type: string): Remark[] {
  return [
    {
      path: "spec.kvConnector.type",
      value: type,
      message: `the KV connector ${type} switches off the one that kthena-router has for SGLang`,
      fix: "remove kvConnector",
      remedy: removing("spec.kvConnector"),
    },
  ];
}

/** Where the workload behind it is known, kv/model-server-connector compares the two. */
function workloadIsKnown({ object, workloads = [] }: RuleSubject): boolean {
  const server = routingServer(object);
  return workloads.some((workload) => workload.connector !== undefined && selects(server, workload));
}

const serverRoles: Rule = {
  id: "routing/server-roles",
  severity: "warn",
  summary: "A ModelServer tells prefill pods from decode pods",
  why: "With the same labels for both every pod is in both groups.",
  example: {
    in: "object",
    refused: `${SERVER}kvConnector: {type: mooncake}, ${PD.replace("role: decode", "role: prefill")}}`,
    admitted: `${SERVER}kvConnector: {type: mooncake}, ${PD}}`,
  },
  check: (subject) => {
    if (subject.kind !== "ModelServer") return [];
    const { prefillLabels, decodeLabels } = objectOf(objectOf(spec(subject).workloadSelector).pdGroup);
    const [left, right] = [objectOf(prefillLabels), objectOf(decodeLabels)];
    const keys = Object.keys(left);
    const same =
      keys.length > 0 &&
      keys.length === Object.keys(right).length &&
      keys.every((key) => left[key] === right[key]);
    if (!same) return [];
    return [
      {
        path: "spec.workloadSelector.pdGroup.decodeLabels",
        value: right,
        message: "decodeLabels are the same as prefillLabels",
        fix: `use the label ${KTHENA_ROLE_LABEL}: prefill and decode`,
        remedy: ["prefill", "decode"].flatMap((role) =>
          writing(`spec.workloadSelector.pdGroup.${role}Labels`, { [KTHENA_ROLE_LABEL]: role }),
        ),
      },
    ];
  },
};

const trafficPolicy: Rule = {
  id: "routing/traffic-policy",
  severity: "warn",
  summary: "Timeouts and retries of a ModelServer are not negative",
  why: "The CRD has no bounds, and Kthena's webhook only looks at their form.",
  example: {
    in: "object",
    refused: `${SERVER}trafficPolicy: {timeout: -5s}, workloadSelector: {matchLabels: {a: b}}}`,
    admitted: `${SERVER}trafficPolicy: {timeout: 30s}, workloadSelector: {matchLabels: {a: b}}}`,
  },
  check: (subject) => {
    if (subject.kind !== "ModelServer") return [];
    const policy = objectOf(spec(subject).trafficPolicy);
    const retry = objectOf(policy.retry);
    const durations: [string, Json | undefined][] = [
      ["spec.trafficPolicy.timeout", policy.timeout],
      ["spec.trafficPolicy.retry.retryInterval", retry.retryInterval],
    ];
    return [
      ...durations.flatMap(([path, value]): Remark[] =>
        typeof value === "string" && isNegative(value)
          ? [{ path, value, message: `${quoted(value)} is negative`, fix: "write a time such as 30s" }]
          : [],
      ),
      ...negative(retry.attempts, "spec.trafficPolicy.retry.attempts"),
    ];
  },
};

/** Whether a duration as Go reads it is below zero: `-0s` is not. */
function isNegative(duration: string): boolean {
  return duration.startsWith("-") && !/^-0\w*$/.test(duration);
}

const routeRules: Rule = {
  id: "routing/route-rules",
  severity: "warn",
  summary: "A ModelRoute has a rule",
  why: "The CRD and Kthena's webhook take an empty list, with which no request is routed.",
  example: {
    in: "object",
    refused:
      "kind: ModelRoute\napiVersion: networking.serving.volcano.sh/v1alpha1\nspec: {modelName: m, rules: []}",
    admitted:
      "kind: ModelRoute\napiVersion: networking.serving.volcano.sh/v1alpha1\nspec: {modelName: m, rules: [{targetModels: [{modelServerName: s}]}]}",
  },
  check: (subject) => {
    const { rules } = spec(subject);
    if (subject.kind !== "ModelRoute" || !Array.isArray(rules) || rules.length > 0) return [];
    const fix = "add a rule with targetModels";
    return [
      {
        path: "spec.rules",
        value: [],
        cause: "FieldValueRequired",
        message: "there is no rule, so nothing is routed",
        fix,
      },
    ];
  },
};

/** The family routing: ModelServers and ModelRoutes that are taken and do not do what is meant. */
export const ROUTING_RULES: readonly Rule[] = [serverConnector, serverRoles, trafficPolicy, routeRules];
