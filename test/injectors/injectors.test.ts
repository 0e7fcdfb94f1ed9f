import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { isObject, type Json, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import type { DefaultsDocument } from "../../src/defaults/document.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { named } from "../../src/pinning/path.ts";
import { get } from "../../src/pinning/tree.ts";

const IMAGE = "quay.io/ascend/vllm-ascend:v0.18.0";
const engine = (more: JsonObject = {}): JsonObject => ({
  name: "vllm",
  image: IMAGE,
  command: ["vllm", "serve", "m"],
  args: ["--tensor-parallel-size", "4"],
  ...more,
});

/** A ModelServing with the annotation `inject` and one role of one engine container. */
function serving(
  container: JsonObject,
  spec: JsonObject = {},
  role: JsonObject = {},
  asks: Record<string, string> = {},
): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true", ...asks } },
    spec: {
      template: {
        roles: [{ name: "server", entryTemplate: { spec: { containers: [container], ...spec } }, ...role }],
      },
    },
  };
}

function judged(object: JsonObject, defaults: Partial<DefaultsDocument> = {}) {
  const document = { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...defaults } as const;
  const resolved = resolveDefaults([{ source: "test", document: document as DefaultsDocument }]);
  return judgeRequest(requestFor(object, "n"), { defaults: resolved }, { defaultsFor: () => resolved });
}

function role(object: JsonObject, name = "server"): JsonObject {
  return objectOf(get(object, ["spec", "template", "roles", named(name)]));
}

function containerOf(object: JsonObject, name = "vllm", template = "entryTemplate"): JsonObject {
  return objectOf(get(role(object), [template, "spec", "containers", named(name)]));
}

function envOf(container: JsonObject): Record<string, Json | undefined> {
  return Object.fromEntries(
    listOf(container.env)
      .filter(isObject)
      .map((item) => [String(item.name), item.value ?? get(item, ["valueFrom", "fieldRef", "fieldPath"])]),
  );
}

const npus = (container: JsonObject): Json[] =>
  ["requests", "limits"].map((side) => get(container, ["resources", side, "huawei.com/ascend-1980"]) ?? null);

describe("npu-resources", () => {
  it.each([
    [["--tensor-parallel-size", "4"], "4"],
    [["--tensor-parallel-size=4"], "4"],
    [["--tensor_parallel_size", "4"], "4"],
    [["-tp", "2", "-pp=2"], "4"],
    [["-tp", "2", "--data-parallel-size", "3"], "6"],
    [["--tensor-parallel-size", "2", "--data-parallel-size", "4", "--data-parallel-size-local", "1"], "2"],
    [["--tensor-parallel-size", "4", "--data-parallel-size", "4", "--data-parallel-rank", "1"], "4"],
    [["--tensor-parallel-size", "2", "--enable-expert-parallel", "--decode-context-parallel-size", "2"], "2"],
    [["--max-model-len", "8"], "1"],
  ])("reads %j as %s NPUs", (args, count) => {
    const { object, findings } = judged(serving(engine({ args })));
    expect(findings).toEqual([]);
    expect(npus(containerOf(object))).toEqual([count, count]);
  });

  it("reads a shell string", () => {
    const command = ["sh", "-c", "exec vllm serve 'my model' \\\n  --tensor-parallel-size 2"];
    const { object } = judged(serving({ name: "vllm", image: IMAGE, command }));
    expect(npus(containerOf(object))).toEqual(["2", "2"]);
  });

  it("reads SGLang, whose size is that of all nodes", () => {
    const args = ["--model-path", "m", "--tp", "16", "--nnodes", "2"];
    const command = ["python3", "-m", "sglang.launch_server"];
    const { object } = judged(serving(engine({ command, args })));
    expect(npus(containerOf(object))).toEqual(["8", "8"]);
  });

  it.each([[["bash", "-c", "./start.sh"]], [["vllm", "serve", "m", "--config", "/etc/vllm.yaml"]]])(
    "takes what cannot be read for unknown and says what settles it: %j",
    (command) => {
      const { findings } = judged(serving({ name: "vllm", image: IMAGE, command }));
      expect(findings).toMatchObject([{ rule: "npu/unknown-count", severity: "deny" }]);
      expect(findings[0]?.fix).toContain("kthena-ascend.io/npus");
      const settled = judged(
        serving({ name: "vllm", image: IMAGE, command }, {}, {}, { "kthena-ascend.io/npus": "8" }),
      );
      expect(settled.findings).toEqual([]);
      expect(npus(containerOf(settled.object))).toEqual(["8", "8"]);
    },
  );

  it("writes the side that is missing and leaves the number as it was written", () => {
    const { object } = judged(serving(engine({ resources: { limits: { "huawei.com/ascend-1980": 8 } } })));
    expect(npus(containerOf(object))).toEqual([8, 8]);
  });

  it("goes by what the user wrote before the annotation and the arguments", () => {
    const resources = { limits: { "huawei.com/Ascend910": "8" } };
    const { object } = judged(serving(engine({ resources }), {}, {}, { "kthena-ascend.io/npus": "2" }));
    expect(containerOf(object).resources).toEqual({
      limits: { "huawei.com/Ascend910": "8" },
      requests: { "huawei.com/Ascend910": "8" },
    });
  });

  it("gives a Ray worker the NPUs of its entry pod, all ranks divided among the pods", () => {
    const args = [
      "--tensor-parallel-size",
      "8",
      "--pipeline-parallel-size",
      "2",
      "--distributed-executor-backend",
      "ray",
    ];
    const workerTemplate = {
      spec: {
        containers: [
          {
            name: "worker",
            image: IMAGE,
            command: ["ray", "start", "--block", "--address=$(ENTRY_ADDRESS):6379"],
          },
        ],
      },
    };
    const { object, findings } = judged(serving(engine({ args }), {}, { workerReplicas: 1, workerTemplate }));
    expect(findings).toEqual([]);
    expect(npus(containerOf(object))).toEqual(["8", "8"]);
    const worker = containerOf(object, "worker", "workerTemplate");
    expect(npus(worker)).toEqual(["8", "8"]);
    expect(envOf(worker).RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES).toBe("1");
  });

  it("uses the resource of the platform", () => {
    const { object } = judged(serving(engine()), { platform: "mindcluster" });
    expect(get(containerOf(object), ["resources", "limits", "huawei.com/Ascend910"])).toBe("4");
  });
});

describe("what is injected", () => {
  it.each([
    ["no NPU and nobody asked", serving(engine(), {}, {}, { "kthena-ascend.io/inject": "" }), "no-npu"],
    [
      "opted out",
      serving(
        engine({ resources: { limits: { "huawei.com/ascend-1980": "4" } } }),
        {},
        {},
        { "kthena-ascend.io/inject": "false" },
      ),
      "opted-out",
    ],
    [
      "another vendor's accelerator",
      serving(engine({ resources: { limits: { "nvidia.com/gpu": "1" } } })),
      "other-vendor",
    ],
  ])("is nothing for %s", (_name, object, skip) => {
    const result = judged(object);
    expect(result.operations).toEqual([]);
    expect(result.skip).toBe(skip);
  });

  it("is only the role that asks, and the namespace can ask for all", () => {
    const plain = engine();
    const other = {
      name: "router",
      entryTemplate: { spec: { containers: [{ name: "router", image: "nginx" }] } },
    };
    const object = serving(plain, {}, {}, { "kthena-ascend.io/inject": "" });
    const entryTemplate = {
      metadata: { annotations: { "kthena-ascend.io/npus": "2" } },
      spec: { containers: [plain] },
    };
    object.spec = { template: { roles: [{ name: "server", entryTemplate }, other] } };
    const { object: result } = judged(object);
    expect(npus(containerOf(result))).toEqual(["2", "2"]);
    expect(role(result, "router")).toEqual(other);
    const defaults = resolveDefaults([], { name: "n", asks: { "kthena-ascend.io/inject": "true" } });
    const lean = serving(plain, {}, {}, {});
    lean.metadata = { name: "m" };
    const judgement = judgeRequest(requestFor(lean, "n"), { defaults }, { defaultsFor: () => defaults });
    expect(npus(containerOf(judgement.object))).toEqual(["4", "4"]);
  });

  it("is refused where the engine cannot be told from other containers", () => {
    const object = serving(
      { name: "a", image: "x" },
      {
        containers: [
          { name: "a", image: "x" },
          { name: "b", image: "x" },
        ],
      },
    );
    const { findings } = judged(object);
    expect(findings.map(({ rule }) => rule)).toEqual(["npu/engine-container"]);
    expect(findings[0]?.fix).toContain("kthena-ascend.io/engine-container");
  });

  it("never touches runtime and downloader but for the names that they refer to", () => {
    const runtime = {
      name: "runtime",
      image: "ghcr.io/volcano-sh/runtime:latest",
      args: ["--pod", "$(POD_NAME).$(NAMESPACE)"],
    };
    const downloader = {
      name: "downloader",
      image: "ghcr.io/volcano-sh/downloader:latest",
      args: ["--source", "m"],
    };
    const { object } = judged(
      serving(engine(), { containers: [runtime, engine()], initContainers: [downloader] }),
    );
    expect(containerOf(object, "runtime")).toEqual({
      ...runtime,
      env: [
        { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      ],
    });
    expect(get(role(object), ["entryTemplate", "spec", "initContainers"])).toEqual([downloader]);
  });
});

describe("hccl-env", () => {
  const added = (
    container: JsonObject,
    spec: JsonObject = {},
    defaults: Partial<DefaultsDocument> = {},
    asks = {},
  ) => envOf(containerOf(judged(serving(engine(container), spec, {}, asks), defaults).object));

  it("sets the pod's own address and the three interfaces together", () => {
    expect(added({})).toEqual({
      HCCL_IF_IP: "status.podIP",
      HCCL_SOCKET_IFNAME: "eth0",
      GLOO_SOCKET_IFNAME: "eth0",
      TP_SOCKET_IFNAME: "eth0",
    });
  });

  it.each([
    [[{ name: "GLOO_SOCKET_IFNAME", value: "bond1" }], "bond1", "bond1"],
    [[{ name: "HCCL_SOCKET_IFNAME", value: "=eth7" }], "=eth7", "eth7"],
    [[{ name: "HCCL_SOCKET_IFNAME", value: "eth" }], "eth", "eth0"],
    [[{ name: "HCCL_SOCKET_IFNAME", value: "^docker" }], "^docker", undefined],
    [[{ name: "HCCL_SOCKET_IFNAME", value: "enp,eth9" }], "enp,eth9", undefined],
  ])("takes the siblings from what the user wrote: %j", (env, hccl, gloo) => {
    const result = added({ env });
    expect(result.HCCL_SOCKET_IFNAME).toBe(hccl);
    expect(result.GLOO_SOCKET_IFNAME).toBe(gloo);
  });

  it("goes by annotation before the defaults", () => {
    const asks = { "kthena-ascend.io/socket-ifname": "eth5" };
    expect(added({}, {}, { hccl: { socketIfname: "eth1" } }, asks).HCCL_SOCKET_IFNAME).toBe("eth5");
    expect(added({}, {}, { hccl: { socketIfname: "eth1" } }).HCCL_SOCKET_IFNAME).toBe("eth1");
  });

  it("names no interface under hostNetwork unless one is known, and warns", () => {
    const host = { hostNetwork: true };
    expect(added({}, host)).toEqual({ HCCL_IF_IP: "status.podIP" });
    expect(judged(serving(engine(), host)).findings.map(({ rule }) => rule)).toEqual([
      "hccl/host-network-ifname",
    ]);
    expect(added({}, host, { hccl: { hostNetworkIfname: "enp23s0f3" } }).TP_SOCKET_IFNAME).toBe("enp23s0f3");
  });

  const mooncake = [
    "--tensor-parallel-size",
    "4",
    "--kv-transfer-config",
    '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_producer"}',
  ];
  it.each([
    ["a Mooncake connector on a2", mooncake, [], "a2" as const, "1"],
    [
      "a connector inside a MultiConnector",
      [
        ...mooncake.slice(0, 3),
        '{"kv_connector":"MultiConnector","kv_connector_extra_config":{"connectors":[{"kv_connector":"AscendStoreConnector"}]}}',
      ],
      [],
      "a2" as const,
      "1",
    ],
    ["a3", mooncake, [], "a3" as const, undefined],
    ["no connector", ["--tensor-parallel-size", "4"], [], "a2" as const, undefined],
    [
      "the PCIe form set",
      mooncake,
      [{ name: "HCCL_INTRA_PCIE_ENABLE", value: "1" }],
      "a2" as const,
      undefined,
    ],
    ["the user's own value", mooncake, [{ name: "HCCL_INTRA_ROCE_ENABLE", value: "0" }], "a2" as const, "0"],
  ])("with %s sets HCCL_INTRA_ROCE_ENABLE to %#", (_name, args, env, hardware, value) => {
    expect(added({ args, env }, {}, { hardware }).HCCL_INTRA_ROCE_ENABLE).toBe(value);
  });

  it("adds the site's environment and AscendRealDevices for Kthena's own engine", () => {
    const image = "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5";
    const result = added({ image }, {}, { hccl: { env: { HCCL_CONNECT_TIMEOUT: "600" } } });
    expect(result.HCCL_CONNECT_TIMEOUT).toBe("600");
    expect(result.AscendRealDevices).toBe("metadata.annotations['huawei.com/AscendReal']");
  });

  it("puts POD_NAME before the variables that refer to it", () => {
    const env = [
      { name: "ID", value: "$(POD_NAME)-x" },
      { name: "NOT", value: "$$(NAMESPACE)" },
    ];
    const { object } = judged(serving(engine({ env })));
    const names = listOf(containerOf(object).env).map((item) => objectOf(item).name);
    expect(names.slice(0, 3)).toEqual(["POD_NAME", "ID", "NOT"]);
    expect(names).not.toContain("NAMESPACE");
  });

  it("merges a name that stands twice, the first value first, and says so", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "2" },
      { name: "A", value: "3" },
    ];
    const { object, findings } = judged(serving(engine({ env })));
    expect(listOf(containerOf(object).env).slice(0, 2)).toEqual(env.slice(0, 2));
    expect(envOf(containerOf(object)).A).toBe("1");
    expect(findings).toMatchObject([{ rule: "hccl/duplicate-env", severity: "warn" }]);
  });
});

describe("driver-mounts", () => {
  const mountPaths = (object: JsonObject) =>
    listOf(containerOf(object).volumeMounts).map((mount) => objectOf(mount).mountPath);

  it("are those of the platform, the device network's only where it is used", () => {
    expect(mountPaths(judged(serving(engine())).object)).toEqual(["/etc/ascend_install.info", "/dev/shm"]);
    const worker = {
      workerReplicas: 1,
      workerTemplate: { spec: { containers: [{ ...engine(), name: "worker" }] } },
    };
    const args = ["-tp", "8", "--nnodes", "$(GROUP_SIZE)"];
    expect(mountPaths(judged(serving(engine({ args }), {}, worker)).object)).toContain("/etc/hccn.conf");
    const bare = mountPaths(judged(serving(engine()), { platform: "bare" }).object);
    expect(bare).toContain("/usr/local/Ascend/driver/lib64");
  });

  it("leave alone what is mounted, or a parent of it, and use a volume that is there", () => {
    const spec = {
      volumes: [
        { name: "info", hostPath: { path: "/etc/ascend_install.info" } },
        { name: "etc", emptyDir: {} },
      ],
    };
    const reused = judged(serving(engine(), spec)).object;
    expect(listOf(containerOf(reused).volumeMounts)[0]).toMatchObject({ name: "info" });
    const mounted = judged(
      serving(engine({ volumeMounts: [{ name: "etc", mountPath: "/etc/" }] }), spec),
    ).object;
    expect(mountPaths(mounted)).toEqual(["/etc/", "/dev/shm"]);
  });

  it("can be added to and left out", () => {
    const driverMounts = {
      omit: ["ascend-install-info"],
      extra: [{ name: "slog", hostPath: "/usr/slog", readOnly: false }],
    };
    const { object } = judged(serving(engine()), { driverMounts });
    expect(listOf(containerOf(object).volumeMounts)[0]).toEqual({ name: "slog", mountPath: "/usr/slog" });
    expect(get(role(object), ["entryTemplate", "spec", "volumes", named("slog")])).toEqual({
      name: "slog",
      hostPath: { path: "/usr/slog" },
    });
  });
});

describe("shared-memory", () => {
  const size = (container: JsonObject, defaults: Partial<DefaultsDocument> = {}) =>
    get(role(judged(serving(engine(container)), defaults).object), [
      "entryTemplate",
      "spec",
      "volumes",
      named("kthena-ascend-shm"),
      "emptyDir",
      "sizeLimit",
    ]);

  it.each([
    [{}, "16Gi"],
    [{ resources: { limits: { memory: "64Gi" } } }, "16Gi"],
    [{ resources: { limits: { memory: "8Gi" } } }, "4Gi"],
    [{ resources: { limits: { memory: "1.5Gi" } } }, "768Mi"],
    [{ volumeMounts: [{ name: "x", mountPath: "/dev/shm" }] }, undefined],
  ])("of %j is %s", (container, expected) => {
    expect(size(container)).toBe(expected);
  });

  it("can be set and turned off", () => {
    expect(size({}, { sharedMemory: { sizeLimit: "32Gi" } })).toBe("32Gi");
    expect(size({}, { sharedMemory: { enabled: false } })).toBeUndefined();
  });
});

describe("startup-probe", () => {
  const httpGet = { path: "/health", port: 8000, scheme: "HTTP" };
  it("is made of an HTTP liveness probe where there is none", () => {
    const { object } = judged(serving(engine({ livenessProbe: { httpGet, periodSeconds: 5 } })));
    expect(containerOf(object).startupProbe).toEqual({
      httpGet,
      periodSeconds: 10,
      failureThreshold: 180,
      timeoutSeconds: 5,
    });
  });

  it.each([
    [{}],
    [{ livenessProbe: { initialDelaySeconds: 5 } }],
    [{ livenessProbe: { httpGet }, startupProbe: { tcpSocket: { port: 1 } } }],
  ])("is left as it is for %j", (container) => {
    const { object } = judged(serving(engine(container)));
    expect(containerOf(object).startupProbe).toEqual((container as JsonObject).startupProbe);
  });
});

describe("gang-scheduling", () => {
  it("names Volcano and the queue, unless the user did", () => {
    const { object } = judged(serving(engine()), { scheduling: { queue: "research" } });
    expect(get(object, ["spec", "schedulerName"])).toBe("volcano");
    expect(get(object, ["metadata", "annotations", "scheduling.volcano.sh/queue-name"])).toBe("research");
    const own = serving(engine(), {}, {}, { "scheduling.volcano.sh/queue-name": "mine" });
    const { object: kept } = judged(own, { scheduling: { queue: "research" } });
    expect(get(kept, ["metadata", "annotations", "scheduling.volcano.sh/queue-name"])).toBe("mine");
  });

  it("turned off writes 0 for every role", () => {
    const { object } = judged(serving(engine()), { gang: { enabled: false } });
    expect(get(object, ["spec", "template", "gangPolicy"])).toEqual({ minRoleReplicas: { server: 0 } });
  });

  it("adds node selector, tolerations and annotations that are missing", () => {
    const toleration = { key: "npu", operator: "Exists" as const };
    const scheduling = {
      nodeSelector: { pool: "a2", zone: "x" },
      tolerations: [toleration],
      annotations: { "huawei.com/schedule_policy": "chip8-node8" },
    };
    const { object } = judged(serving(engine(), { nodeSelector: { pool: "mine" } }), { scheduling });
    const template = objectOf(role(object).entryTemplate);
    expect(objectOf(template.spec).nodeSelector).toEqual({ pool: "mine", zone: "x" });
    expect(objectOf(template.spec).tolerations).toEqual([toleration]);
    expect(get(template, ["metadata", "annotations", "huawei.com/schedule_policy"])).toBe("chip8-node8");
  });
});

describe("hardware", () => {
  it("is chosen by annotation, by node selector, by default", () => {
    const odd = engine({ args: ["-tp", "3"] });
    const rules = (object: JsonObject, defaults = {}) =>
      judged(object, defaults)
        .findings.map(({ rule }) => rule)
        .filter((rule) => rule !== "npu/image-hardware");
    expect(rules(serving(odd))).toEqual([]);
    expect(rules(serving(odd, {}, {}, { "kthena-ascend.io/hardware": "a3" }))).toEqual(["npu/count-shape"]);
    const hardwareBySelector = [{ nodeSelector: { pool: "a3" }, hardware: "a3" as const }];
    expect(rules(serving(odd, { nodeSelector: { pool: "a3" } }), { hardwareBySelector })).toEqual([
      "npu/count-shape",
    ]);
    expect(rules(serving(odd), { hardware: "snt9" })).toEqual(["npu/count-shape"]);
    expect(
      judged(serving(odd), { hardware: "snt9", rules: { "npu/count-shape": "warn" } }).findings.map(
        ({ severity }) => severity,
      ),
    ).toEqual(["warn"]);
  });
});
