import { at, type JsonObject, listOf, stringOf } from "../api/json.ts";
import { oncePer } from "../api/once-per.ts";
import type { RoleFacts, ServerFacts, WorkloadFacts } from "../readings/neighbours.ts";
import { mayHave, namespaceOf, selectedRoles, servingsOf, within } from "./across.ts";
import { routeTarget, serverTarget, targetsOf } from "./cluster-targets.ts";
import { comparing, MOST_LOOKS } from "./comparing.ts";
import { listed, meaning, quoted } from "./quote.ts";
import { writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";

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
    const looks = servings.reduce((sum, { roles = [] }) => sum + 1 + roles.length, 1);
    return [...names].slice(0, Math.ceil(MOST_LOOKS / looks)).flatMap((name) => {
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
  const meant = meaning();
  const sets = roles.map(({ adapters, models = [] }) => adapters && new Set([...adapters, ...models]));
  const listOfSet = oncePer((set: ReadonlySet<string>) => [...set]);
  return listOf(at(route, "spec", "loraAdapters")).flatMap((adapter, index): Remark[] => {
    if (typeof adapter !== "string") return [];
    const set = sets.find((known) => known && !known.has(adapter));
    if (!set) return [];
    const path = `spec.loraAdapters[${index}]`;
    const message = `the engines behind ModelServer ${server.name} start without an adapter ${quoted(adapter)}`;
    return [
      {
        path,
        value: adapter,
        message,
        fix: meant(adapter, listOfSet(set), "they have", "add it to --lora-modules"),
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
