import type { Json, JsonObject } from "../../api/json.ts";
import { MOONCAKE_CONFIG } from "../../api/names.ts";
import type { Addition } from "../../pinning/addition.ts";
import { flagged, named } from "../../pinning/path.ts";
import { envOf, variableOf } from "../../readings/env.ts";
import { KV_ARGUMENT, type KvPlan, kvArgument } from "../../readings/kv-plan.ts";
import type { Engine, PodSubject } from "../../readings/pod-subject.ts";
import { coversPath, volumeFor } from "../driver-mounts.ts";
import type { PodInjector } from "../pod-injector.ts";
import { kvEnvironment } from "./environment.ts";

const ID = "kv-connector";

/** A configuration file of a connector, and how the engine learns of it. */
interface ConfigFile {
  variable: string;
  folder: string;
  file: string;
  volume: string;
  configMap: string;
}

const MOONCAKE_FILE = {
  variable: "MOONCAKE_CONFIG_PATH",
  folder: "/etc/kthena-ascend/mooncake",
  file: "mooncake.json",
  volume: "kthena-ascend-mooncake",
};
const LMCACHE_FILE = {
  variable: "LMCACHE_CONFIG_FILE",
  folder: "/etc/kthena-ascend/lmcache",
  file: "lmcache.yaml",
  volume: "kthena-ascend-lmcache",
};

/**
 * The KV connector of a role that prefills, decodes or does both: `--kv-transfer-config` where a list of arguments
 * lacks it, the connector's environment and its configuration file. A configuration that is written stays as it is.
 */
export const kvConnector: PodInjector = {
  id: ID,
  inject: (pod) => {
    const { kv } = pod;
    if (kv === undefined) return [];
    const engines = pod.engines.filter(
      ({ npus, command }) => npus !== undefined && command.engine === "vllm",
    );
    return engines.flatMap((engine) => [
      ...argument(kv, engine),
      ...environment(kv, pod, engine),
      ...configFile(kv, pod, engine),
    ]);
  },
};

/** Whether an engine lacks the argument and can take it. */
export function takesArgument({ command, kv }: Engine): boolean {
  return command.engine === "vllm" && command.form === "list" && kv.state === "absent";
}

function argument(plan: KvPlan, engine: Engine): Addition[] {
  if (plan.outcome.state !== "generated" || !takesArgument(engine)) return [];
  return [
    {
      path: ["spec", "containers", named(engine.name), "args", flagged(KV_ARGUMENT)],
      value: kvArgument(plan.outcome.text),
      injector: ID,
      reason: `the ${plan.connector} connector of a role that ${DOES[plan.side]}`,
      source: plan.source,
    },
  ];
}

const DOES = { prefill: "prefills", decode: "decodes", mixed: "prefills and decodes" } as const;

function environment(plan: KvPlan, pod: PodSubject, engine: Engine): Addition[] {
  const env = envOf(engine.container);
  return kvEnvironment(plan, pod, env).flatMap(({ value, reason, setting }) => {
    if (env.has(value.name)) return [];
    return [
      {
        path: ["spec", "containers", named(engine.name), "env", named(value.name)],
        value: value as unknown as JsonObject,
        injector: ID,
        reason,
        source: setting === undefined ? plan.source : `${setting} (${pod.source(setting)})`,
      },
    ];
  });
}

/** The file that the engine reads: from a ConfigMap where one is named, else out of an annotation of the pod. */
function configFile(plan: KvPlan, pod: PodSubject, engine: Engine): Addition[] {
  const { mooncake, lmcache } = pod.settings.kvConnectors;
  if (plan.connector === "lmcache") {
    return lmcache.configMap === ""
      ? []
      : mounted({ ...LMCACHE_FILE, configMap: lmcache.configMap }, pod, engine, "lmcache.configMap");
  }
  if (!plan.pool || plan.connector !== "mooncake") return [];
  if (mooncake.configMap !== "") {
    return mounted({ ...MOONCAKE_FILE, configMap: mooncake.configMap }, pod, engine, "mooncake.configMap");
  }
  if (mooncake.masterAddress === "") return [];
  const files = mounted({ ...MOONCAKE_FILE, configMap: "" }, pod, engine, "mooncake.masterAddress");
  if (files.length === 0) return [];
  const text = JSON.stringify({
    metadata_server: mooncake.metadataServer,
    protocol: mooncake.protocol,
    device_name: "",
    master_server_address: mooncake.masterAddress,
    global_segment_size: mooncake.segmentSize,
  });
  return [
    {
      path: ["metadata", "annotations", MOONCAKE_CONFIG],
      ...about("what stands in mooncake.json", pod, "mooncake.masterAddress"),
      value: text,
    },
    ...files,
  ];
}

function about(reason: string, pod: PodSubject, setting: string): Omit<Addition, "path" | "value"> {
  const path = `kvConnectors.${setting}`;
  return { injector: ID, reason, source: `${path} (${pod.source(path)})` };
}

function mounted(config: ConfigFile, pod: PodSubject, engine: Engine, setting: string): Addition[] {
  const { variable, folder, file } = config;
  if (variableOf(engine.container, variable) || coversPath(engine.container, folder)) return [];
  const volume = volumeFor(pod.spec, config.volume, volumeSource(config));
  const container = ["spec", "containers", named(engine.name)];
  const add = (path: Addition["path"], value: Json, reason: string): Addition => ({
    path,
    value,
    ...about(reason, pod, setting),
  });
  return [
    add(["spec", "volumes", named(volume.name)], volume.value, `holds ${file}`),
    add(
      [...container, "volumeMounts", { by: "mountPath", is: folder }],
      { name: volume.name, mountPath: folder, readOnly: true },
      `the engine reads ${file} there`,
    ),
    add(
      [...container, "env", named(variable)],
      { name: variable, value: `${folder}/${file}` },
      `names ${file}, without which the engine does not start`,
    ),
  ];
}

function volumeSource({ configMap, file }: ConfigFile): JsonObject {
  if (configMap !== "") return { configMap: { name: configMap } };
  const fieldPath = `metadata.annotations['${MOONCAKE_CONFIG}']`;
  return { downwardAPI: { items: [{ path: file, fieldRef: { fieldPath } }] } };
}
