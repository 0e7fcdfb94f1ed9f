import { at, isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { KTHENA_GROUP_LABEL, KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL } from "../api/names.ts";
import {
  type RoleFacts,
  type ServerFacts,
  serverFacts,
  type WorkloadFacts,
  workloadFacts,
} from "../readings/neighbours.ts";
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
  within,
} from "./across.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import { listed, meant, quoted } from "./quote.ts";
import { writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const SELECTOR = "spec.workloadSelector";

/** What a ModelServer and a ModelServing that it selects do not agree in, as a remark on the ModelServer. */
type Compare = (server: ServerFacts, serving: WorkloadFacts) => Remark[];

/** A rule on a ModelServer and on the ModelServing behind it: whichever comes second is told. */
function comparing(compare: Compare): Rule["check"] {
  return (subject) => {
    const { kind, object, cluster } = subject;
    if (!cluster) return [];
    const namespace = namespaceOf(object, cluster);
    if (kind === "ModelServer") {
      const server = serverFacts(object, namespace);
      return (servingsOf(cluster, namespace) ?? []).flatMap((serving) => compare(server, serving));
    }
    if (kind !== "ModelServing" || subject.units.length === 0) return [];
    const serving = workloadFacts(object, namespace);
    return standingServers(cluster, namespace).flatMap((server) =>
      compare(server, serving).map((remark) => onServing(server, remark)),
    );
  };
}

/** ModelServers that are not reviewed themselves, and are therefore not told. */
function standingServers({ modelServers = [] }: ClusterFacts, namespace: string): ServerFacts[] {
  return within(modelServers, namespace).filter(({ order }) => order === undefined);
}

function onServing({ name }: ServerFacts, { path, value, message, fix }: Remark): Remark {
  const place = `${path} of ModelServer ${name}`;
  return {
    path: "spec.template.roles",
    value: `${name} ${path}`,
    against: value,
    message: `${message} (${place})`,
    fix: `on the ModelServer: ${fix}`,
  };
}

const serverTarget: Rule = {
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
  return Object.entries(selector).flatMap(([key, value]): Remark[] => {
    const values = valuesOf(roles, key);
    const fix = meant(value, values, "values");
    if (values.includes(value) || !fix.startsWith("did you mean")) return [];
    const message = `no pod of a ModelServing ${scope} has the label ${key}: ${value}`;
    return [{ path: `${SELECTOR}.matchLabels[${key}]`, value, message, fix }];
  });
}

/** What of a ModelServer's labels no pod of the ModelServing that it names has. */
const unselected: Compare = ({ selector = {}, pair = {} }, serving) => {
  const roles = selectedRoles(selector, serving);
  if (roles === undefined || serving.roles === undefined) return [];
  if (roles.length === 0)
    return selector[KTHENA_NAME_LABEL] === serving.name
      ? notHad(selector, serving.name, serving.roles, "matchLabels", "nothing is selected")
      : [];
  const { groupKey, prefillLabels = {}, decodeLabels = {} } = pair;
  const groups = { prefillLabels, decodeLabels };
  const unlike = Object.entries(groups).flatMap(([key, labels]) =>
    roles.some((role) => mayHave(role, labels))
      ? []
      : notHad(labels, serving.name, roles, `pdGroup.${key}`, `${key} selects nothing`),
  );
  if (groupKey === undefined || roles.some((role) => hasKey(role, groupKey))) return unlike;
  return [...unlike, strangeKey(groupKey, serving.name)];
};

function notHad(
  wanted: Readonly<Record<string, string>>,
  serving: string,
  roles: readonly RoleFacts[],
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

/** The roles that get requests by a ModelServer: with a pair those of the pair alone. */
function servingRoles(
  { selector = {}, pair = {} }: ServerFacts,
  serving: WorkloadFacts,
): readonly RoleFacts[] {
  const roles = selectedRoles(selector, serving) ?? [];
  const groups = [pair.prefillLabels, pair.decodeLabels].flatMap((labels) =>
    labels && Object.keys(labels).length > 0 ? [labels] : [],
  );
  return groups.length === 0 ? roles : roles.filter((role) => groups.some((labels) => mayHave(role, labels)));
}

const serverPort: Rule = {
  id: "cluster/server-port",
  severity: "warn",
  summary: "The port of a ModelServer is one that the engines behind it serve on",
  why: "kthena-router sends requests and asks for metrics there (pkg/kthena-router/router/router.go); nobody compares it with the engine's --port.",
  example: {
    refused: "workloadPort: {port: 8080}, where the engine has --port=8000",
    admitted: "workloadPort: {port: 8000}",
  },
  check: comparing((server, serving) => {
    const { port } = server;
    const roles = servingRoles(server, serving);
    if (port === undefined) return [];
    const others = roles.filter(({ ports }) => ports !== undefined && !ports.includes(port));
    const path = "spec.workloadPort.port";
    const served = new Set(roles.flatMap(({ ports }) => ports ?? [port]));
    const [only] = served.size === 1 ? served : [];
    return others.map(({ name, ports = [] }): Remark => {
      const message = `role ${name} of ModelServing ${serving.name} serves on ${listed(ports.map(String))}, not on ${port}`;
      if (only !== undefined && others.length === roles.length)
        return { path, value: port, message, fix: `write ${only}`, remedy: writing(path, only) };
      return {
        path,
        value: port,
        message,
        fix: "give the engines the port of the ModelServer, all the same",
      };
    });
  }),
};

const servedModel: Rule = {
  id: "cluster/served-model",
  severity: "warn",
  summary: "The model that a ModelServer names is one that the engines behind it serve",
  why: "kthena-router writes it into each request (pkg/kthena-router/router/router.go), and an engine answers 404 to a name that it does not serve.",
  example: {
    refused: "model: qwen3-8b, where the engine has --served-model-name=qwen3",
    admitted: "model: qwen3",
  },
  check: comparing((server, serving) => {
    const { model } = server;
    const roles = servingRoles(server, serving);
    if (model === undefined) return [];
    const path = "spec.model";
    return roles.flatMap(({ name, models, adapters = [] }): Remark[] => {
      if (models === undefined || [...models, ...adapters].includes(model)) return [];
      const message = `role ${name} of ModelServing ${serving.name} serves ${listed(models.map(quoted))}, not ${quoted(model)}: the engine answers 404`;
      const others = roles.some(
        (role) => role.models !== undefined && String(role.models) !== String(models),
      );
      const [only] = models;
      const written = others || only === undefined || models.length > 1 ? undefined : writing(path, only);
      const fix = others
        ? "give all roles the same --served-model-name"
        : `write ${models.map(quoted).join(" or ")}, or give the engine --served-model-name`;
      return [{ path, value: model, message, fix, ...(written ? { remedy: written } : {}) }];
    });
  }),
};

const routeTarget: Rule = {
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
function targetsOf(route: JsonObject): { path: string; name: string }[] {
  return listOf(at(route, "spec", "rules")).flatMap((rule, index) =>
    listOf(objectOf(rule).targetModels).flatMap((target, place) => {
      const name = isObject(target) ? stringOf(target.modelServerName) : undefined;
      const path = `spec.rules[${index}].targetModels[${place}].modelServerName`;
      return name === undefined || name === "" ? [] : [{ path, name }];
    }),
  );
}

const routeModel: Rule = {
  id: "cluster/route-model",
  severity: "warn",
  summary: "The names that a ModelRoute takes reach engines that know them",
  why: "Where the ModelServer names no model, kthena-router leaves the request's, and an adapter's always (pkg/kthena-router/router/router.go): the engine answers 404 to others.",
  example: {
    refused: "modelName: qwen, where the ModelServer names no model and the engine serves Qwen/Qwen3-8B",
    admitted: "the same with model: Qwen/Qwen3-8B on the ModelServer",
  },
  check: ({ kind, object, cluster }) => {
    if (kind !== "ModelRoute" || !cluster) return [];
    const namespace = namespaceOf(object, cluster);
    const servings = servingsOf(cluster, namespace) ?? [];
    const servers = new Map(within(cluster.modelServers ?? [], namespace).map((one) => [one.name, one]));
    const names = new Set(targetsOf(object).map(({ name }) => name));
    return [...names].flatMap((name) => {
      const server = servers.get(name);
      const roles = server ? servings.flatMap((one) => servingRoles(server, one)) : [];
      return server && roles.length > 0
        ? [...unservedModel(object, server, roles), ...unservedAdapters(object, server, roles)]
        : [];
    });
  },
};

function unservedModel(route: JsonObject, server: ServerFacts, roles: readonly RoleFacts[]): Remark[] {
  const model = stringOf(at(route, "spec", "modelName")) ?? "";
  if (model === "" || server.model !== undefined) return [];
  const strange = roles.find(
    ({ models, adapters = [] }) => models && ![...models, ...adapters].includes(model),
  );
  if (!strange?.models) return [];
  const served = strange.models.map(quoted);
  const message = `ModelServer ${server.name} names no model, and its engines serve ${listed(served)}, not ${quoted(model)}: they answer 404`;
  const fix = `write spec.model: ${served.join(" or ")} on the ModelServer, or give the engines --served-model-name=${model}`;
  return [{ path: "spec.modelName", value: model, message, fix }];
}

function unservedAdapters(route: JsonObject, server: ServerFacts, roles: readonly RoleFacts[]): Remark[] {
  const sets = roles.map(({ adapters, models = [] }) => adapters && [...adapters, ...models]);
  return listOf(at(route, "spec", "loraAdapters")).flatMap((adapter, index): Remark[] => {
    if (typeof adapter !== "string") return [];
    const set = sets.find((known) => known && !known.includes(adapter));
    if (!set) return [];
    const path = `spec.loraAdapters[${index}]`;
    const message = `the engines behind ModelServer ${server.name} start without an adapter ${quoted(adapter)}`;
    return [
      {
        path,
        value: adapter,
        message,
        fix: meant(adapter, set, "they have", "add it to --lora-modules"),
      },
    ];
  });
}

/** Rules of the family cluster about ModelServers, ModelRoutes and the workloads behind them. */
export const CLUSTER_ROUTING_RULES: readonly Rule[] = [
  serverTarget,
  serverPort,
  servedModel,
  routeTarget,
  routeModel,
];
