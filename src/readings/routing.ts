import { at, isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK, INJECTED, KTHENA_NAME_LABEL } from "../api/names.ts";
import { stringMapOf } from "../api/string-map.ts";
import { asksIn } from "../defaults/asks.ts";
import type { KvConnectorName } from "../defaults/kv-settings.ts";
import { readEngineCommand } from "../engines/command-line.ts";
import { readKvTransferConfig } from "../engines/kv-transfer-config.ts";
import { entryPodLabels, entryTemplateOf, servingRoles } from "../kinds/model-serving.ts";
import { unitsOf } from "../kinds/units.ts";
import { classesOf, familyOf } from "./kv-role.ts";
import { entryAsks } from "./role.ts";

/** A ModelServing as a ModelServer that selects it needs it. */
export type RoutedWorkload = {
  name: string;
  /** Connector between its roles; undefined where there is none or where it cannot be told. */
  connector?: KvConnectorName;
  /** Labels of the entry pods of each role. */
  labels: Record<string, string>[];
};

/** A ModelServer as a ModelServing that it selects needs it. */
export type RoutingServer = {
  name: string;
  /** `spec.kvConnector.type`; the router takes http where it is left out. */
  type: string;
  selector: Record<string, string>;
  /** Whether its engine is SGLang, for which the router has a connector of its own. */
  sglang: boolean;
};

/** Reads a ModelServing; undefined where nothing of it was completed here: others' workloads are left alone. */
export function routedWorkload(serving: JsonObject): RoutedWorkload | undefined {
  const name = stringOf(at(serving, "metadata", "name"));
  const annotations = objectOf(at(serving, "metadata", "annotations"));
  if (name === undefined || annotations[INJECTED] === undefined) return undefined;
  const connector = connectorOf(serving);
  return {
    name,
    ...(connector ? { connector } : {}),
    labels: unitsOf("ModelServing", serving).map(({ key, value }) => entryPodLabels(name, value, key)),
  };
}

const CONNECTORS: readonly KvConnectorName[] = ["mooncake", "nixl", "lmcache"];

/**
 * The connector between the roles of a ModelServing: by the classes in the arguments, else as it was asked for, on a
 * role's entry template before the object. undefined where there is none, or where it cannot be told.
 */
export function connectorOf(serving: JsonObject): KvConnectorName | undefined {
  const roles = servingRoles(serving);
  const classes = roles.flatMap(({ value }) => classesIn(objectOf(entryTemplateOf(value).spec)));
  const own = asksIn(at(serving, "metadata", "annotations"));
  const asked = new Set(roles.map(({ value }) => entryAsks("ModelServing", value, own)[ASK.kvConnector]));
  return familyOf(classes) ?? CONNECTORS.find((name) => asked.has(name));
}

function classesIn(spec: JsonObject): string[] {
  return listOf(spec.containers)
    .filter(isObject)
    .flatMap((container) => classesOf(readKvTransferConfig(readEngineCommand(container).flags)));
}

/** Reads a ModelServer. */
export function routingServer(server: JsonObject): RoutingServer {
  return {
    name: stringOf(at(server, "metadata", "name")) ?? "",
    type: stringOf(at(server, "spec", "kvConnector", "type")) ?? "http",
    selector: stringMapOf(at(server, "spec", "workloadSelector", "matchLabels")),
    sglang: at(server, "spec", "inferenceEngine") === "SGLang",
  };
}

/** A route has few targets; of one that names more only so many are looked up. */
const MOST_NAMED = 16;

/** The ModelServing that a ModelServer selects by name, or the ModelServers that a ModelRoute sends to. */
export function routedNames(kind: "ModelServer" | "ModelRoute", object: JsonObject): string[] {
  const named =
    kind === "ModelServer"
      ? [at(object, "spec", "workloadSelector", "matchLabels", KTHENA_NAME_LABEL)]
      : listOf(at(object, "spec", "rules")).flatMap((rule) =>
          listOf(objectOf(rule).targetModels).map((target) => objectOf(target).modelServerName),
        );
  const names = named.filter((name): name is string => typeof name === "string" && name !== "");
  return [...new Set(names)].slice(0, MOST_NAMED);
}

/** Whether a ModelServer routes to pods of a workload. */
export function selects({ selector }: RoutingServer, { labels }: RoutedWorkload): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && labels.some((pod) => wanted.every(([key, value]) => pod[key] === value));
}

/**
 * Whether the router can serve a connector with a type: it hands over for mooncake and nixl alike, and for http and
 * lmcache it hands over nothing (Kthena, pkg/kthena-router/connectors).
 */
export function agrees(type: string, connector: KvConnectorName): boolean {
  const hands = (name: string): boolean => name === "mooncake" || name === "nixl";
  return hands(type) === hands(connector);
}
