import fc from "fast-check";
import type { JsonObject } from "../../src/api/json.ts";

/** Removes the keys whose value is undefined: JSON has none. */
export function tidy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const literalEnv = fc.record({
  name: fc.constantFrom(
    "HCCL_IF_IP",
    "HCCL_SOCKET_IFNAME",
    "GLOO_SOCKET_IFNAME",
    "TP_SOCKET_IFNAME",
    "POD_NAME",
    "NAMESPACE",
    "A",
    "B",
    "TOKEN",
    "__proto__",
    "constructor",
  ),
  value: fc.constantFrom("eth0", "eth1", "=eth2", "^docker", "eth", "10.0.0.1", "", "$(POD_NAME)-x"),
});

const fieldEnv = fc.record({
  name: fc.constantFrom("HCCL_IF_IP", "POD_IP", "NODE"),
  valueFrom: fc.constant({ fieldRef: { fieldPath: "status.podIP" } }),
});

const env = fc.array(fc.oneof({ weight: 4, arbitrary: literalEnv }, fieldEnv), { maxLength: 6 });

const npuCount = fc.constantFrom("1", "2", "4", "8", 8);

const resources = fc.oneof(
  fc.constant({}),
  fc.record({ limits: fc.record({ memory: fc.constantFrom("1Gi", "64Gi", "100Mi") }) }),
  fc.record({ limits: fc.record({ "huawei.com/ascend-1980": npuCount, cpu: fc.constant("8") }) }),
  fc.record({ requests: fc.record({ "huawei.com/Ascend910": npuCount }) }),
  fc.record({ limits: fc.constant({ "nvidia.com/gpu": "1" }) }),
);

const argumentsList = fc.constantFrom<(string[] | undefined)[]>(
  undefined,
  ["--model", "m", "--tensor-parallel-size", "4"],
  ["--model", "m", "-tp", "2", "--pod", "$(POD_NAME).$(NAMESPACE)"],
  [
    "--model",
    "m",
    "--tensor-parallel-size=8",
    "--kv-transfer-config",
    '{"kv_connector":"MooncakeConnectorV1"}',
  ],
  ["sh", "-c", "exec ./run.sh"],
);

const mounts = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("models", "shm", "driver"),
    mountPath: fc.constantFrom("/models", "/dev/shm", "/usr/local/Ascend/driver", "/etc/hccn.conf", "/data"),
  }),
  { selector: (mount) => mount.mountPath, maxLength: 3 },
);

const probe = fc.constantFrom({ httpGet: { path: "/health", port: 8000 } }, { exec: { command: ["true"] } });

const engineOrHelper = fc.constantFrom("vllm", "engine", "runtime", "proxy", "main");

/** A container as people write them: half of everything missing. */
export const container: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      name: engineOrHelper,
      image: fc.constantFrom(
        "quay.io/ascend/vllm-ascend:v0.11.0",
        "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5",
      ),
      args: argumentsList,
      env,
      resources,
      volumeMounts: mounts,
      livenessProbe: probe,
      unknownField: fc.constant({ kept: ["as", "it", "is"] }),
    },
    { requiredKeys: ["name"] },
  )
  .map((value) => tidy(value) as unknown as JsonObject);

const volume = fc.constantFrom<JsonObject[]>(
  { name: "models", emptyDir: {} },
  { name: "conf", hostPath: { path: "/etc/hccn.conf", type: "File" } },
  { name: "kthena-ascend-shm", emptyDir: {} },
);

/** Annotations that a template or an object may carry. */
export const asks = fc
  .record(
    {
      "kthena-ascend.io/inject": fc.constantFrom("true", "true", "false"),
      "kthena-ascend.io/npus": fc.constantFrom("4", "8"),
      "kthena-ascend.io/socket-ifname": fc.constantFrom("eth3", "bond0"),
      "kthena-ascend.io/engine-container": fc.constant("main"),
      "kthena-ascend.io/kv-connector": fc.constantFrom("mooncake", "lmcache", "none"),
      team: fc.constant("a"),
    },
    { requiredKeys: [] },
  )
  .map(tidy);

/** A pod template: `containers: []` and a missing spec are among them. */
export const podTemplate: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<JsonObject[]>({ spec: { containers: [] } }, {}) },
  {
    weight: 9,
    arbitrary: fc
      .record(
        {
          metadata: fc.record({ labels: fc.constant({ app: "x" }), annotations: asks }, { requiredKeys: [] }),
          spec: fc.record(
            {
              containers: fc.uniqueArray(container, {
                minLength: 1,
                maxLength: 3,
                selector: (item) => item.name,
              }),
              initContainers: fc.constant([{ name: "downloader", args: ["--pod", "$(POD_NAME)"] }]),
              volumes: fc.uniqueArray(volume, { selector: (item) => item.name, maxLength: 3 }),
              hostNetwork: fc.boolean(),
              nodeSelector: fc.constant({ pool: "a3" }),
              tolerations: fc.constant([{ key: "npu", operator: "Exists" }]),
            },
            { requiredKeys: ["containers"] },
          ),
        },
        { requiredKeys: ["spec"] },
      )
      .map((value) => tidy(value) as unknown as JsonObject),
  },
);
