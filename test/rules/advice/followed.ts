import { type Json, type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
import { P2P } from "../kv-configs.ts";
import { remove, set, valueAt } from "./editing.ts";
import { FOLLOWED_ENGINE } from "./followed-engine.ts";
import { FOLLOWED_KTHENA } from "./followed-kthena.ts";
import { annotated, type Follow, npusWritten, numberIn, removed, written } from "./following.ts";

/** The item of a list of variables, where the finding names its value. */
const variableRemoved: Follow = (object, { path }) => remove(object, path.replace(/(env\[\d+\]).*$/, "$1"));
/** `did you mean "x"?`, `write "x"`: what stands in quotes. */
const asQuoted: Follow = (object, { path, fix }) => set(object, path, /"([^"]+)"/.exec(fix)?.[1] ?? "");

function kvEdited(edit: (config: JsonObject) => void): Follow {
  return (object, { path }) => {
    const config = JSON.parse(String(valueAt(object, path))) as JsonObject;
    edit(config);
    set(object, path, JSON.stringify(config));
  };
}

const extraOf = (config: JsonObject): JsonObject => objectOf(config.kv_connector_extra_config);

const isMooncakeName = (name: Json | undefined): boolean =>
  typeof name === "string" && name.startsWith("Mooncake");

function twoWorkers(object: JsonObject): JsonObject {
  const backend = objectOf(objectOf(object.spec).backend);
  const workers = ["prefill", "decode"].map((type) => ({ type, replicas: 1 }));
  return { ...backend, workers };
}

/** How the advice of each rule is followed where its findings bring no patch. */
export const FOLLOWED: Readonly<Record<string, Follow | undefined>> = {
  "npu/whole-number": npusWritten(({ fix }) => numberIn(fix)),
  "npu/requests-equal-limits": (object, { path }) =>
    set(object, path, valueAt(object, path.replace("requests", "limits")) ?? ""),
  "npu/parallel-size": npusWritten(({ fix }) => numberIn(fix)),
  "npu/unknown-count": annotated("npus", "8"),
  "npu/count-shape": (object, finding) => {
    if (!finding.path.endsWith("containers")) return npusWritten(({ fix }) => numberIn(fix))(object, finding);
    const containers = valueAt(object, finding.path) as Json[];
    const share = Math.floor(numberIn(finding.fix) / containers.length);
    for (const index of containers.keys())
      npusWritten(() => share)(object, { ...finding, path: `${finding.path}[${index}].resources` });
  },
  "npu/unused": (object, finding) => {
    const flag = /add (--\S+?)(?:,|$)/.exec(finding.fix)?.[1];
    if (flag === undefined) return npusWritten(({ fix }) => numberIn(fix))(object, finding);
    const args = finding.path.replace(/\.resources.*$/, ".args");
    const before = valueAt(object, args);
    set(object, args, [...(Array.isArray(before) ? before : []), flag]);
  },
  "npu/resource-name": (object, { path, fix }) => {
    const name = /use (\S+),/.exec(fix)?.[1] ?? "";
    const value = valueAt(object, path) ?? "";
    remove(object, path);
    set(object, path.replace(/\[[^\]]+\]$/, `[${name}]`), value);
  },
  "npu/ray-over-pods": (object, { path }) => {
    const words = valueAt(object, path) as Json[];
    words.push(`${String(words.pop())} --distributed-executor-backend=ray`);
  },
  "npu/host-dns": written("ClusterFirstWithHostNet"),
  "npu/startup-probe": (object, { path }) => set(object, `${path}.failureThreshold`, 90),
  "npu/grace-period": (object, { path, fix }) => set(object, path, numberIn(fix) + 1),
  "hccl/env-from": annotated("socket-ifname", "eth0"),
  "npu/schedule-policy": asQuoted,
  "npu/serving-metadata": (object, { path, value }) => {
    for (const role of listOf(valueAt(object, "spec.template.roles")).map(objectOf))
      for (const template of ["entryTemplate", "workerTemplate"])
        if (role[template] !== undefined) set(objectOf(role[template]), path, value ?? "");
  },
  "npu/shared-memory": (object, { path, value }) => set(object, path, value === "64Gi" ? "32Gi" : "1Gi"),
  "npu/image-entrypoint": (object, { path }) =>
    set(object, path.replace(/args$/, "command"), ["vllm", "serve"]),
  "npu/image-vendor": written("quay.io/ascend/vllm-ascend"),
  "npu/cuda-env": (object, { path, fix }) => {
    if (fix.startsWith("use")) set(object, `${path}.name`, fix.replace("use ", ""));
    else remove(object, path);
  },
  "hccl/duplicate-env": (object, { path, message }) => {
    const [name] = message.split(" ");
    const list = (valueAt(object, path) as Json[]).map(objectOf);
    set(
      object,
      path,
      list.filter(
        (item, index) => item.name !== name || list.findIndex((one) => one.name === name) === index,
      ),
    );
  },
  "hccl/value": (object, { path, fix }) =>
    set(object, path, fix.includes("one of:") ? (/one of: .*?(\w+)$/.exec(fix)?.[1] ?? "") : "132"),
  "npu/sidecar": removed,
  "npu/non-root": written(0),
  "npu/device-mount": (object, { path }) => remove(object, path.replace(/\.hostPath.*$/, "")),
  "npu/cann-hidden": written("/usr/local/Ascend/driver"),
  "hccl/host-network-ifname": annotated("socket-ifname", "enp67s0f5"),
  "hccl/interfaces-together": (object, { path }) =>
    set(
      object,
      path,
      ["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME"].map((name) => ({
        name,
        value: "eth0",
      })),
    ),
  "hccl/if-ip": variableRemoved,
  "hccl/interface-syntax": written("eth0"),
  "hccl/host-network-eth0": written("enp67s0f5"),
  "hccl/timeout": (object, { path, fix }) => set(object, path, String(numberIn(fix))),
  "hccl/base-port": (object, { path, fix }) => set(object, path, String(numberIn(fix))),
  "hccl/fabric-switches": variableRemoved,
  "hccl/visible-devices": variableRemoved,
  "hccl/port-clash": written(8000),
  "kv/json": written(P2P("kv_both")),
  "kv/role": (object, finding) =>
    kvEdited((config) => {
      config.kv_role = /one of: (\w+)/.exec(finding.fix)?.[1] ?? "";
    })(object, finding),
  "kv/role-match": (object, finding) =>
    kvEdited((config) => {
      config.kv_role = /kv_\w+/.exec(finding.fix)?.[0] ?? "";
    })(object, finding),
  "kv/sglang-store": (object, { path, fix }) =>
    set(object, path, [{ name: /ASCEND_\w+/.exec(fix)?.[0] ?? "", value: "tcp://memfabric:23456" }]),
  "kv/unseen": annotated("kv-connector", "none"),
  "booster/annotations": removed,
  "kv/engine-id": kvEdited((config) => {
    delete config.engine_id;
  }),
  "kv/ascend-direct": kvEdited((config) => {
    extraOf(config).use_ascend_direct = true;
  }),
  "kv/no-connector": written(P2P("kv_both")),
  "kv/layerwise": kvEdited((config) => {
    config.kv_connector = "MooncakeConnectorV1";
  }),
  "kv/module-path": kvEdited((config) => {
    config.kv_connector_module_path = undefined;
  }),
  "kv/connector": (object, finding) =>
    kvEdited((config) => {
      const { fix } = finding;
      config.kv_connector = /(?:use |did you mean ")(\w{5,})/.exec(fix)?.[1] ?? "MooncakeConnectorV1";
      const path = /kv_connector_module_path (\S+)/.exec(fix)?.[1];
      if (path !== undefined) config.kv_connector_module_path = path;
      else if (isMooncakeName(config.kv_connector))
        config.kv_connector_extra_config ??= {
          prefill: { dp_size: 1, tp_size: 1 },
          decode: { dp_size: 1, tp_size: 1 },
        };
    })(object, finding),
  "kv/port": kvEdited((config) => {
    config.kv_port = "36100";
  }),
  "booster/config-value": (object, { path, fix, value }) => {
    if (fix.startsWith("remove it")) return remove(object, path);
    const text = /"([^"]*)"/.exec(fix)?.[1];
    set(object, path, text ?? (typeof value === "object" ? JSON.stringify(value) : String(value)));
  },
  "booster/both-roles": (object) => set(object, "spec.backend", twoWorkers(object)),
  "booster/empty": written({
    backend: {
      name: "b",
      type: "vLLM",
      modelURI: "hf://a/b",
      cacheURI: "hostpath:///mnt/cache",
      replicas: 1,
      workers: [{ type: "server", replicas: 1 }],
    },
  }),
  "gang/partial-policy": (object) =>
    set(object, "spec.template.gangPolicy.minRoleReplicas", { prefill: 1, decode: 1 }),
  "gang/topology": removed,
  "gang/queue-place": (object, { path, value }) => {
    remove(object, path);
    set(object, "metadata.annotations[scheduling.volcano.sh/queue-name]", value ?? "");
  },
  "serving/image": (object, { path }) =>
    set(object, path, String(valueAt(object, path)).replaceAll(/\s/g, "")),
  "serving/no-image": written("registry.example/engine:1"),
  "serving/port": written(8000),
  "serving/unused-max-unavailable": removed,
  "serving/grace-period": written(0),
  "serving/name-room": written("m"),
  "routing/server-connector": (object, { fix }) => {
    if (fix.startsWith("write")) set(object, "spec.kvConnector", { type: "mooncake" });
    else remove(object, "spec.kvConnector");
  },
  "routing/traffic-policy": (object, { path, value }) =>
    set(object, path, typeof value === "number" ? 0 : "30s"),
  "routing/route-rules": written([{ targetModels: [{ modelServerName: "s" }] }]),
  "injection/not-asked": annotated("inject", "true"),
  "cluster/server-target": asQuoted,
  "cluster/route-target": asQuoted,
  "cluster/route-model": asQuoted,
  "cluster/booster-children": (object) => set(object, "metadata.name", "other"),
  "annotations/value": asQuoted,
  "annotations/name": (object, { path, value, fix }) => {
    remove(object, path);
    set(object, `metadata.annotations[${/"([^"]+)"/.exec(fix)?.[1]}]`, value ?? "");
  },
  "annotations/allow": asQuoted,
  ...FOLLOWED_ENGINE,
  ...FOLLOWED_KTHENA,
};
