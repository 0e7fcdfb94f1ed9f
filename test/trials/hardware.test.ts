import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../src/api/json.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

/** A ModelServing of these roles, as YAML of one line each. */
function serving(roles: readonly string[], annotations: Record<string, string> = {}): JsonObject {
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: {
      name: "m",
      namespace: "n",
      annotations: { "kthena-ascend.io/inject": "true", ...annotations },
    },
    spec: { replicas: 1, template: { roles: roles.map((role) => parse(role) as JsonObject) } },
  };
}

/** One role of one pod; `pod` is more of its spec, `metadata` of its template. */
function one(container: string, pod = "", metadata = ""): string {
  return `{name: server, entryTemplate: {${metadata}spec: {${pod}containers: [{name: vllm, ${container}}]}}}`;
}

function review(object: JsonObject, defaults: JsonObject = {}) {
  const checked = checkDefaults(
    { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...defaults },
    "test",
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const resolved = resolveDefaults([{ source: "test", document: checked.document }]);
  const judge = (submitted: JsonObject) =>
    judgeRequest(requestFor(submitted, "n"), { defaults: resolved }, { defaultsFor: () => resolved });
  const { object: result, findings } = judge(object);
  const again = judge(JSON.parse(JSON.stringify(result)) as JsonObject);
  expect(again.operations).toEqual([]);
  const [role] = listOf(objectOf(objectOf(result.spec).template).roles).map(objectOf);
  const spec = objectOf(objectOf(role?.entryTemplate).spec);
  const [container = {}] = listOf(spec.containers).map(objectOf);
  return { findings, rules: findings.map(({ rule, severity }) => `${severity} ${rule}`), spec, container };
}

const env = (container: JsonObject): Record<string, Json | undefined> =>
  Object.fromEntries(
    listOf(container.env)
      .filter(isObject)
      .map(({ name, value }) => [stringOf(name) ?? "", value]),
  );
const mounted = (container: JsonObject): (Json | undefined)[] =>
  listOf(container.volumeMounts).map((mount) => objectOf(mount).mountPath);
const limits = (container: JsonObject): JsonObject => objectOf(objectOf(container.resources).limits);

const VLLM = "image: quay.io/ascend/vllm-ascend:v0.18.0";
const MOONCAKE = { "kthena-ascend.io/kv-connector": "mooncake" };
/** Two roles, so that a connector has two sides. */
const pair = (image: string, more = ""): string[] =>
  ["prefill", "decode"].map(
    (name) =>
      `{name: ${name}, entryTemplate: {spec: {containers: [{name: vllm, image: "quay.io/ascend/vllm-ascend:${image}", command: [sh, -c, 'exec "$@"', --], args: [vllm, serve, m, -tp, "8"]${more}}]}}}`,
  );

describe("hardware that the workload tells", () => {
  it("has no device network on 310P over two pods, and Ray is asked for", () => {
    const { rules, container } = review(
      serving([
        `{name: vllm, workerReplicas: 1,
          entryTemplate: {spec: {containers: [{name: leader, image: quay.io/ascend/vllm-ascend:v0.11.0-310p, command: [sh, -c, "./up.sh leader; vllm serve m -tp 2"], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}},
          workerTemplate: {spec: {containers: [{name: worker, image: quay.io/ascend/vllm-ascend:v0.11.0-310p, command: [sh, -c, "./up.sh worker"], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}}}`,
      ]),
    );
    expect(mounted(container)).not.toContain("/etc/hccn.conf");
    expect(rules).toEqual(["warn npu/ray-over-pods"]);
  });

  it("is a5 for huawei.com/npu with an -a5 image", () => {
    const { rules, container } = review(
      serving([
        one(
          `image: quay.io/ascend/vllm-ascend:v0.25.0-a5, command: [vllm, serve, m, -tp, "8"], resources: {limits: {huawei.com/npu: "8"}}`,
        ),
      ]),
    );
    expect(rules).toEqual([]);
    expect(limits(container)).toEqual({ "huawei.com/npu": "8" });
  });

  it.each([
    ["roce", { HCCL_INTRA_ROCE_ENABLE: "1", ASCEND_ENABLE_USE_FABRIC_MEM: undefined }, []],
    ["hccs", { HCCL_INTRA_ROCE_ENABLE: undefined, ASCEND_ENABLE_USE_FABRIC_MEM: "1" }, []],
    [
      "",
      { HCCL_INTRA_ROCE_ENABLE: undefined, ASCEND_ENABLE_USE_FABRIC_MEM: undefined },
      ["warn hccl/fabric-unset"],
    ],
  ])("writes on a3 with fabric %j what that needs", (fabric, expected, findings) => {
    const { rules, container } = review(serving(pair("v0.18.0-a3"), MOONCAKE), { hardware: "a3", fabric });
    const written = env(container);
    for (const [name, value] of Object.entries(expected)) expect(written[name]).toBe(value);
    expect(rules.filter((rule) => rule.includes("fabric"))).toEqual(findings);
  });

  it("is not asked for the network where the engine says it", () => {
    const more = ', env: [{name: ASCEND_ENABLE_USE_FABRIC_MEM, value: "1"}]';
    const { rules, container } = review(serving(pair("v0.18.0-a3", more), MOONCAKE), { hardware: "a3" });
    expect(rules.filter((rule) => rule.includes("fabric"))).toEqual([]);
    expect(env(container).HCCL_INTRA_ROCE_ENABLE).toBeUndefined();
  });

  it("asks for NPUs under the name of that hardware", () => {
    const { container } = review(
      serving([one("image: quay.io/ascend/vllm-ascend:v0.18.0-310p, command: [vllm, serve, m]")]),
    );
    expect(limits(container)).toEqual({ "huawei.com/ascend-310": "1" });
  });

  it("is not completed under a name that nobody knows", () => {
    const { rules, container } = review(
      serving([one("image: quay.io/ascend/vllm-ascend:v0.25.0-a5, command: [vllm, serve, m]")]),
    );
    expect(limits(container)).toEqual({});
    expect(rules).toEqual(["deny npu/unknown-count"]);
  });
});

describe("shares of NPUs", () => {
  it.each([
    ["huawei.com/npu-core", "4", {}],
    ["huawei.com/Ascend310P-4c.3cpu", "1", { platform: "mindcluster" }],
    ["huawei.com/Ascend910-10c.3cpu.32g", "1", { platform: "mindcluster" }],
    ["huawei.com/npu.sliced", "1", {}],
    ["huawei.com/npu.shared", "3", {}],
  ])("%s: %s is an NPU, and nothing stands beside it", (name, count, defaults) => {
    const { rules, container } = review(
      serving([
        one(`image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {"${name}": "${count}"}}`),
      ]),
      defaults,
    );
    expect(limits(container)).toEqual({ [name]: count });
    expect(rules).toEqual([]);
  });

  it("a share is one device for parallel sizes, and its advice is not more shares", () => {
    const { findings, rules } = review(
      serving([
        one(
          `image: "x/vllm:1", command: [vllm, serve, m, -tp, "2"], resources: {limits: {huawei.com/npu-core: 8}}`,
        ),
      ]),
    );
    expect(rules).toEqual(["deny npu/parallel-size"]);
    expect(findings[0]?.fix).toContain("whole NPUs");
  });

  it("something else of Huawei's beside NPUs is no mistyped name", () => {
    const { rules } = review(
      serving([
        one(
          `image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {huawei.com/hdm: 1, huawei.com/ascend-1980: 1}}`,
        ),
      ]),
    );
    expect(rules).toEqual([]);
  });

  it("HAMi's amounts of memory and cores stand beside the NPU", () => {
    const { rules, container } = review(
      serving([
        one(
          `image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {huawei.com/Ascend910B3: "1", huawei.com/Ascend910B3-memory: "32768", huawei.com/Ascend910B3-core: "40"}}`,
        ),
      ]),
      { npu: { resourceName: "huawei.com/Ascend910B3" } },
    );
    expect(Object.keys(limits(container))).toHaveLength(3);
    expect(rules).toEqual([]);
  });

  it.each([
    ["metadata: {annotations: {huawei.com/schedule_policy: chip1-softShareDev}}, "],
    ['metadata: {labels: {huawei.com/scheduler.softShareDev.aicoreQuota: "50"}}, '],
  ])("a percentage of soft sharing is no count: %s", (metadata) => {
    const { rules, container } = review(
      serving([
        one(
          `image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {huawei.com/Ascend910: 50}}`,
          "",
          metadata,
        ),
      ]),
      { platform: "mindcluster" },
    );
    expect(limits(container)).toEqual({ "huawei.com/Ascend910": 50 });
    expect(rules).toEqual([]);
  });

  it("soft sharing that is asked for on the ModelServing reaches no pod; on the template it does", () => {
    const container = `image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {huawei.com/Ascend910: 50}}`;
    const asked = { "huawei.com/schedule_policy": "chip1-softShareDev" };
    const { findings, rules } = review(serving([one(container)], asked), { platform: "mindcluster" });
    expect(rules.toSorted()).toEqual(["deny npu/count-shape", "warn npu/serving-metadata"]);
    for (const { fix } of findings) expect(fix).toMatch(/write .* metadata.* template/);
    const metadata = "metadata: {annotations: {huawei.com/schedule_policy: chip1-softShareDev}}, ";
    const moved = review(serving([one(container, "", metadata)], asked), { platform: "mindcluster" });
    expect(moved.rules).toEqual([]);
  });

  it.each([
    ["huawei.com/npu.sliced", "2", "a part of one NPU (huawei.com/npu.sliced: 2)"],
    ["huawei.com/npu-core", "8", "a part of one NPU (huawei.com/npu-core: 8)"],
    ["huawei.com/Ascend910-8c", "1", "1 virtual NPU"],
  ])("%s: %s is called what it is where it is too little", (name, count, called) => {
    const asked = `resources: {limits: {${name}: "${count}"}}`;
    const { findings } = review(
      serving([one(`image: "x/vllm:1", command: [vllm, serve, m, -tp, "2"], ${asked}`)]),
      { platform: "mindcluster" },
    );
    expect(findings.map(({ message }) => message)).toEqual([
      `container vllm of role server has ${called}, but its arguments need 2 (tensor-parallel-size 2)`,
    ]);
  });

  it("soft sharing without a limit takes the percentage of its label", () => {
    const metadata = 'metadata: {labels: {huawei.com/scheduler.softShareDev.aicoreQuota: "25"}}, ';
    const { container } = review(
      serving([one(`image: "x/vllm:1", command: [vllm, serve, m]`, "", metadata)]),
      {
        platform: "mindcluster",
      },
    );
    expect(limits(container)).toEqual({ "huawei.com/Ascend910": "25" });
  });

  it.each([["huawei.com/Ascend-1980"], ["huawei.com/my-vnpu"], ["huawei.com/Ascend910B3-memory"]])(
    "nothing is added beside %s, and that is told",
    (name) => {
      const container = `image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {"${name}": "1"}}`;
      const lean = review(serving([one(container)]));
      expect(limits(lean.container)).toEqual({ [name]: "1" });
      expect(lean.rules).toEqual(["warn npu/unknown-resource"]);
      const settled = review(serving([one(container)], { "kthena-ascend.io/npus": "1" }));
      expect(limits(settled.container)).toEqual({ [name]: "1", "huawei.com/ascend-1980": "1" });
    },
  );

  it("a name that the defaults give is an NPU, whatever it is", () => {
    const { rules, container } = review(
      serving([
        one(`image: "x/vllm:1", command: [vllm, serve, m], resources: {limits: {example.com/my-npu: "1"}}`),
      ]),
      { npu: { resourceName: "example.com/my-npu" } },
    );
    expect(rules).toEqual([]);
    expect(objectOf(objectOf(container.resources).requests)).toEqual({ "example.com/my-npu": "1" });
  });
});

describe("facts of the pod", () => {
  const source = "envFrom: [{configMapRef: {name: hccl-fabric}}]";

  it("leaves the interface to envFrom, and says so", () => {
    const { rules, container } = review(serving([one(`${VLLM}, command: [vllm, serve, m], ${source}`)]));
    expect(Object.keys(env(container))).toEqual(["HCCL_IF_IP"]);
    expect(rules).toEqual(["warn hccl/env-from"]);
  });

  it("takes the interface from the annotation, or a prefix that cannot bring it, all the same", () => {
    const asked = review(
      serving([one(`${VLLM}, command: [vllm, serve, m], ${source}`)], {
        "kthena-ascend.io/socket-ifname": "net1",
      }),
    );
    expect(env(asked.container).GLOO_SOCKET_IFNAME).toBe("net1");
    const other = "envFrom: [{prefix: S3_, secretRef: {name: s3}}]";
    const prefixed = review(serving([one(`${VLLM}, command: [vllm, serve, m], ${other}`)]));
    expect(env(prefixed.container).GLOO_SOCKET_IFNAME).toBe("eth0");
    expect([...asked.rules, ...prefixed.rules]).toEqual([]);
  });

  it("leaves site-wide variables to a ConfigMap, but not to a Secret", () => {
    const defaults = { hccl: { env: { HCCL_CONNECT_TIMEOUT: "600" } } };
    const byMap = review(serving([one(`${VLLM}, command: [vllm, serve, m], ${source}`)]), defaults);
    expect(env(byMap.container).HCCL_CONNECT_TIMEOUT).toBeUndefined();
    const secret = "envFrom: [{secretRef: {name: token}}]";
    const bySecret = review(serving([one(`${VLLM}, command: [vllm, serve, m], ${secret}`)]), defaults);
    expect(env(bySecret.container).HCCL_CONNECT_TIMEOUT).toBe("600");
  });

  it("puts nothing over the host's /dev/shm", () => {
    const host = "hostNetwork: true, hostIPC: true, dnsPolicy: ClusterFirstWithHostNet, ";
    const { container, rules } = review(
      serving([one(`${VLLM}, command: [vllm, serve, m, -tp, "8"]`, host)], {
        "kthena-ascend.io/socket-ifname": "enp1",
      }),
    );
    expect(mounted(container)).not.toContain("/dev/shm");
    expect(rules).toEqual([]);
  });

  it.each([
    [
      "$(ENTRY_ADDRESS) in an argument",
      `command: [vllm, serve, m, --x, $(ENTRY_ADDRESS)]`,
      "",
      "ClusterFirstWithHostNet",
    ],
    [
      "$ENTRY_ADDRESS in a script",
      `command: [sh, -c, "vllm serve m --x $ENTRY_ADDRESS"]`,
      "",
      "ClusterFirstWithHostNet",
    ],
    [
      "a Service in a variable",
      `command: [vllm, serve, m], env: [{name: URL, value: "redis://kv.models.svc:6379"}]`,
      "",
      "ClusterFirstWithHostNet",
    ],
    ["no name", "command: [vllm, serve, m]", "", undefined],
    [
      "a policy of the user's",
      `command: [vllm, serve, m, --x, $(ENTRY_ADDRESS)]`,
      "dnsPolicy: None, ",
      "None",
    ],
  ])("under hostNetwork with %s", (_what, container, pod, expected) => {
    const { spec } = review(serving([one(`${VLLM}, ${container}`, `hostNetwork: true, ${pod}`)]));
    expect(spec.dnsPolicy).toBe(expected);
  });

  it("warns of a policy that resolves no Services", () => {
    const { rules } = review(
      serving(
        [
          one(
            `${VLLM}, command: [vllm, serve, m, --x, $(ENTRY_ADDRESS)]`,
            "hostNetwork: true, dnsPolicy: Default, ",
          ),
        ],
        {
          "kthena-ascend.io/socket-ifname": "enp1",
        },
      ),
    );
    expect(rules).toEqual(["warn npu/host-dns"]);
  });

  const onHost = (name: string, port: string, tp: string, more = ""): string =>
    `{name: ${name}, entryTemplate: {spec: {hostNetwork: true, ${more}containers: [{name: vllm, ${VLLM}, command: [vllm, serve, m, --port, "${port}", -tp, "${tp}"]}]}}}`;
  const apart =
    "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {}}]}}, ";
  it.each([
    ["the same ports", [onHost("a", "8100", "4"), onHost("b", "8100", "4")], 1],
    ["HCCL's ports", [onHost("a", "8100", "4"), onHost("b", "8200", "4")], 1],
    ["a node for each", [onHost("a", "8100", "8"), onHost("b", "8100", "8")], 0],
    ["one NPU each and other ports", [onHost("a", "8100", "1"), onHost("b", "8200", "1")], 0],
    ["anti-affinity", [onHost("a", "8100", "4", apart), onHost("b", "8100", "4")], 0],
    ["two pods of a role", [onHost("a", "8100", "4").replace("name: a,", "name: a, replicas: 2,")], 1],
  ])("with %s on the host, two pods meet or not", (_what, roles, count) => {
    const { rules } = review(serving(roles, { "kthena-ascend.io/socket-ifname": "enp1" }));
    expect(rules.filter((rule) => rule === "warn npu/host-ports")).toHaveLength(count);
  });

  it.each([
    ["exec: {command: [./alive]}", { exec: { command: ["./alive"] } }],
    ["tcpSocket: {port: 8000}", { tcpSocket: { port: 8000 } }],
    ["grpc: {port: 50051}", { grpc: { port: 50051 } }],
    ["httpGet: {path: /health, port: 8000}", { httpGet: { path: "/health", port: 8000 } }],
  ])("gives a liveness probe with %s a startup probe of the same handler", (probe, handler) => {
    const { container, rules } = review(
      serving([
        one(
          `${VLLM}, command: [vllm, serve, m], livenessProbe: {${probe}, initialDelaySeconds: 180, timeoutSeconds: 20}`,
        ),
      ]),
    );
    expect(container.startupProbe).toEqual({
      ...handler,
      periodSeconds: 10,
      failureThreshold: 180,
      timeoutSeconds: 20,
    });
    expect(rules).toEqual([]);
  });

  it("warns of a liveness probe that ends a cold start where no startup probe is wanted", () => {
    const { rules } = review(
      serving([
        one(
          `${VLLM}, command: [vllm, serve, m], livenessProbe: {exec: {command: [./alive]}, initialDelaySeconds: 180, periodSeconds: 5}`,
        ),
      ]),
      { startupProbe: { enabled: false } },
    );
    expect(rules).toEqual(["warn npu/startup-probe"]);
  });

  it.each([
    ["", "preStop: {exec: {command: [sh, -c, sleep 60]}}", ["warn npu/grace-period"]],
    ["terminationGracePeriodSeconds: 90, ", "preStop: {sleep: {seconds: 60}}", []],
    [
      "shareProcessNamespace: true, ",
      "preStop: {exec: {command: [sh, -c, kill -TERM 1]}}",
      ["warn npu/grace-period"],
    ],
    ["", "preStop: {exec: {command: [sh, -c, kill -TERM 1]}}", []],
  ])("has the time to drain: %s%s", (pod, hook, expected) => {
    const { rules } = review(serving([one(`${VLLM}, command: [vllm, serve, m], lifecycle: {${hook}}`, pod)]));
    expect(rules).toEqual(expected);
  });

  it("counts --shutdown-timeout of vLLM as time to drain", () => {
    const { rules } = review(serving([one(`${VLLM}, command: [vllm, serve, m, --shutdown-timeout, "120"]`)]));
    expect(rules).toEqual(["warn npu/grace-period"]);
  });
});

describe("NPUs without a known name on the platform", () => {
  const A5 = { "kthena-ascend.io/hardware": "a5" };
  const engine = (more = ""): JsonObject =>
    serving(
      [one(`image: "quay.io/ascend/vllm-ascend:v0.18.0-a5", command: [vllm, serve, m, -tp=2]${more}`)],
      A5,
    );
  const unknown = (object: JsonObject, defaults: JsonObject = {}) =>
    review(object, defaults).findings.filter(({ rule }) => rule === "npu/unknown-count");

  it("are refused with a fix that works, either way", () => {
    const [finding] = unknown(engine());
    expect(finding?.fix).toBe(
      "write the limit under the name that your nodes publish, or set npu.resourceName in the defaults",
    );
    expect(unknown(engine(', resources: {limits: {huawei.com/npu: "2"}}'))).toEqual([]);
    expect(unknown(engine(), { npu: { resourceName: "huawei.com/npu" } })).toEqual([]);
  });
});
