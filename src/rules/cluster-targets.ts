import { at, isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { KTHENA_GROUP_LABEL, KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL } from "../api/names.ts";
import { type RoleFacts, serverFacts, type WorkloadFacts } from "../readings/neighbours.ts";
import {
  elsewhere,
  hasKey,
  mayHave,
  namespaceOf,
  scopeOf,
  selectedRoles,
  serverNamesOf,
  servingsOf,
  valuesOf,
} from "./across.ts";
import { type Compare, comparing } from "./comparing.ts";
import { type Meant, meaning, quoted } from "./quote.ts";
import { writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const SELECTOR = "spec.workloadSelector";

/** What a ModelServer selects is there. */
export const serverTarget: Rule = {
  id: "cluster/server-target",
  severity: "warn",
  summary: "A ModelServer selects pods of a ModelServing that is there",
  why: "The router finds no pod otherwise; where others' labels are selected, or the namespace has no ModelServing yet, nothing is said.",
  example: {
    refused: "matchLabels: {modelserving.volcano.sh/name: qwen}, where no ModelServing is called so",
    admitted: "the same with the ModelServing",
  },
  check: (subject) => [...missing(subject), ...comparing(unselected)(subject)],
};

function missing({ kind, object, cluster }: RuleSubject): Remark[] {
  if (kind !== "ModelServer" || !cluster) return [];
  const namespace = namespaceOf(object, cluster);
  const servings = servingsOf(cluster, namespace);
  const { selector = {} } = serverFacts(object, namespace);
  const name = selector[KTHENA_NAME_LABEL];
  const scope = scopeOf("ModelServing", namespace, cluster);
  if (name === undefined) return servings ? mistyped(selector, servings, scope) : [];
  if (servings?.some((one) => one.name === name)) return [];
  const path = `${SELECTOR}.matchLabels[${KTHENA_NAME_LABEL}]`;
  const other = elsewhere(cluster.modelServings, name);
  if (other !== undefined) return [inOther({ path, value: name, kind: "ModelServing", other, namespace })];
  if (!servings) return [];
  const names = servings.map((one) => one.name);
  const meant = meaning();
  const message = `there is no ModelServing ${quoted(name)} ${scope}: nothing is selected`;
  const fix = meant(name, names, "ModelServings", "correct the label, or create it");
  return [{ path, value: name, message, fix }];
}

/** What is named stands in another namespace, into which nothing of this one reaches. */
function inOther(found: {
  path: string;
  value: string;
  kind: string;
  other: string;
  namespace: string;
}): Remark {
  const { path, value, kind, other, namespace } = found;
  const message = `${kind} ${quoted(value)} is in namespace ${other}, out of reach from namespace ${namespace}`;
  return { path, value, message, fix: "write the same metadata.namespace on both" };
}

/** Labels of the owner's own that no pod has, but nearly: others may be meant for pods of other controllers. */
function mistyped(selector: Record<string, string>, servings: WorkloadFacts[], scope: string): Remark[] {
  const roles = servings.flatMap((serving) => serving.roles ?? []);
  if (roles.some((role) => mayHave(role, selector))) return [];
  const meant = meaning();
  return Object.entries(selector).flatMap(([key, value]): Remark[] => {
    const values = valuesOf(roles, key);
    const fix = meant(value, values, "values");
    if (values.includes(value) || !fix.startsWith("did you mean")) return [];
    const message = `no pod of a ModelServing ${scope} has the label ${key}: ${value}`;
    return [{ path: `${SELECTOR}.matchLabels[${key}]`, value, message, fix }];
  });
}

/** What of a ModelServer's labels no pod of the ModelServing that it names has. */
const unselected: Compare = ({ selector = {}, pair = {} }, serving, meant) => {
  const roles = selectedRoles(selector, serving);
  if (roles === undefined || serving.roles === undefined) return [];
  if (roles.length === 0)
    return selector[KTHENA_NAME_LABEL] === serving.name
      ? notHad(
          selector,
          { serving: serving.name, roles: serving.roles, meant },
          "matchLabels",
          "nothing is selected",
        )
      : [];
  const { groupKey, prefillLabels = {}, decodeLabels = {} } = pair;
  const groups = { prefillLabels, decodeLabels };
  const unlike = Object.entries(groups).flatMap(([key, labels]) =>
    roles.some((role) => mayHave(role, labels))
      ? []
      : notHad(labels, { serving: serving.name, roles, meant }, `pdGroup.${key}`, `${key} selects nothing`),
  );
  if (groupKey === undefined || roles.some((role) => hasKey(role, groupKey))) return unlike;
  return [...unlike, strangeKey(groupKey, serving.name)];
};

function notHad(
  wanted: Readonly<Record<string, string>>,
  { serving, roles, meant }: { serving: string; roles: readonly RoleFacts[]; meant: Meant },
  field: string,
  consequence: string,
): Remark[] {
  const lacking = Object.entries(wanted).filter(([key, value]) =>
    roles.every((role) => !mayHave(role, { [key]: value })),
  );
  return lacking.map(([key, value]): Remark => {
    const ofRole = key === KTHENA_ROLE_LABEL;
    const what = ofRole ? `has no role ${quoted(value)}` : `has no pod with the label ${key}: ${value}`;
    const values = ofRole ? roles.map(({ name }) => name) : valuesOf(roles, key);
    const fix =
      values.length === 0 ? "remove the label" : meant(value, values, ofRole ? "its roles" : "values");
    const path = `${SELECTOR}.${field}[${key}]`;
    return { path, value, message: `ModelServing ${serving} ${what}: ${consequence}`, fix };
  });
}

function strangeKey(groupKey: string, serving: string): Remark {
  const path = `${SELECTOR}.pdGroup.groupKey`;
  return {
    path,
    value: groupKey,
    message: `no pod of ModelServing ${serving} has a label ${groupKey}, so no prefill pod is paired with a decode pod`,
    fix: `write ${quoted(KTHENA_GROUP_LABEL)}`,
    remedy: writing(path, KTHENA_GROUP_LABEL),
  };
}

/** The ModelServers of a ModelRoute are there. */
export const routeTarget: Rule = {
  id: "cluster/route-target",
  severity: "warn",
  summary: "The ModelServers that a ModelRoute names are there",
  why: "Requests that are routed to one that is not there fail; where the namespace has no ModelServer yet, it may be the next to be applied, and nothing is said.",
  example: {
    refused: "modelServerName: qwen, where no ModelServer of the namespace is called so",
    admitted: "the same with the ModelServer",
  },
  check: ({ kind, object, cluster }) => {
    if (kind !== "ModelRoute" || !cluster) return [];
    const namespace = namespaceOf(object, cluster);
    const servers = serverNamesOf(cluster, namespace);
    const names = new Set(servers);
    const meant = meaning();
    return targetsOf(object).flatMap(({ path, name }): Remark[] => {
      if (names.has(name)) return [];
      const other = elsewhere(cluster.modelServers, name);
      if (other !== undefined) return [inOther({ path, value: name, kind: "ModelServer", other, namespace })];
      if (!servers) return [];
      const message = `there is no ModelServer ${quoted(name)} ${scopeOf("ModelServer", namespace, cluster)}`;
      const fix = meant(name, servers, "ModelServers", "correct the name, or create it");
      return [{ path, value: name, message, fix }];
    });
  },
};

/** The ModelServers that a ModelRoute sends to, and where it names them. */
export function targetsOf(route: JsonObject): { path: string; name: string }[] {
  return listOf(at(route, "spec", "rules")).flatMap((rule, index) =>
    listOf(objectOf(rule).targetModels).flatMap((target, place) => {
      const name = isObject(target) ? stringOf(target.modelServerName) : undefined;
      const path = `spec.rules[${index}].targetModels[${place}].modelServerName`;
      return name === undefined || name === "" ? [] : [{ path, name }];
    }),
  );
}
