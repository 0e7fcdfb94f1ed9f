import { describe, expect, it } from "vitest";
import type { Finding } from "../../src/api/finding.ts";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { modelServerConnector } from "../../src/injectors/kv/model-server.ts";
import { routedWorkload } from "../../src/readings/routing.ts";
import {
  ASKED,
  complete,
  containerIn,
  defaultsWith,
  generatedIn,
  type RoleInput,
  roleIn,
  stored,
  workload,
} from "../kv/pair.ts";
import { ASKED_SERVER, inNamespace } from "../rules/advice/objects.ts";
import { findingsOn, objectWith } from "../rules/judging.ts";

const INJECT = { "kthena-ascend.io/inject": "true" };
const on = (tag: string, more: JsonObject = {}): JsonObject => ({
  image: `quay.io/ascend/vllm-ascend:${tag}`,
  env: [{ name: "LD_LIBRARY_PATH", value: "/usr/local/lib" }],
  ...more,
});
const pairOn = (container: JsonObject, args: string[] = []): JsonObject =>
  workload({ prefill: { container, args }, decode: { container, args } });
const connectorOf = (object: JsonObject, role = "prefill"): unknown =>
  generatedIn(complete(object).object, role)?.kv_connector;
const rulesOf = (findings: readonly Finding[]): string[] =>
  findings.map(({ rule, severity }) => `${severity} ${rule}`);
const kvRulesOf = (object: JsonObject): string[] =>
  rulesOf(findingsOn(object)).filter((line) => line.includes(" kv/"));
const mountsOf = (object: JsonObject, role: string, name?: string): unknown[] =>
  listOf(containerIn(complete(object).object, role, name).volumeMounts).map(
    (mount) => objectOf(mount).mountPath,
  );

describe("the connector's class", () => {
  const v4 = (tag: string): JsonObject =>
    pairOn(on(tag, { command: ["vllm", "serve", "deepseek-ai/DeepSeek-V4-Flash"] }), ["-tp", "8"]);

  it.each([
    ["v0.20.2rc1", "MooncakeHybridConnector"],
    ["v0.21.0rc1", "MooncakeHybridConnector"],
    ["v0.22.1rc1", "MooncakeConnectorV1"],
    ["v0.23.0", "MooncakeConnectorV1"],
    ["v0.18.0", undefined],
  ])("for DeepSeek-V4 on %s is %s", (tag, name) => {
    expect([connectorOf(v4(tag)), connectorOf(v4(tag), "decode")]).toEqual([name, name]);
  });

  it("for DeepSeek-V4 in an image without a version is the one that all releases have", () => {
    const object = pairOn({ image: "mine/engine:1", command: ["vllm", "serve", "/models/DeepSeek-V4-Pro"] });
    expect(connectorOf(object)).toBe("MooncakeHybridConnector");
  });

  it.each([
    ["v0.20.2rc1", "MooncakeHybridConnector"],
    ["v0.21.0rc1", "MooncakeConnectorV1"],
  ])("for states of linear attention on %s is %s", (tag, name) => {
    const command = ["vllm", "serve", "Qwen/Qwen3-Next-80B-A3B-Instruct"];
    expect(connectorOf(pairOn(on(tag, { command })))).toBe(name);
  });

  it("is the one that the annotation names, on the object or on one role", () => {
    const asked = { "kthena-ascend.io/kv-class": "MooncakeHybridConnector" };
    const container = on("v0.23.0");
    const whole = workload({ prefill: { container }, decode: { container } }, { ...ASKED, ...asked });
    const one = workload({ prefill: { container, annotations: asked }, decode: { container } });
    for (const object of [whole, one])
      expect([connectorOf(object), connectorOf(object, "decode")]).toEqual(
        Array(2).fill("MooncakeHybridConnector"),
      );
  });

  it("MooncakeConnectorV2 is told no sizes", () => {
    const container = on("v0.26.0");
    const asked = { ...ASKED, "kthena-ascend.io/kv-class": "MooncakeConnectorV2" };
    const object = workload({ prefill: { container }, decode: { container } }, asked);
    expect(generatedIn(complete(object).object, "prefill")).toEqual({
      kv_connector: "MooncakeConnectorV2",
      kv_role: "kv_producer",
      kv_port: "36000",
    });
    expect(rulesOf(findingsOn(object))).toEqual([]);
  });

  it("cannot be one that nobody knows", () => {
    const object = workload(
      { prefill: {}, decode: {} },
      { ...ASKED, "kthena-ascend.io/kv-class": "MooncakeHybrid" },
    );
    expect(rulesOf(findingsOn(object))).toContain("deny annotations/value");
  });
});

describe("a pair", () => {
  it("with two decode roles of other sizes gets nothing, and one finding names the three", () => {
    const container = on("v0.18.0");
    const object = workload({
      prefill: { container, args: ["-tp", "4"] },
      "decode-a": { container, args: ["-tp", "4"] },
      "decode-b": { container, args: ["-tp", "2", "-dp", "2"] },
    });
    const { object: done } = complete(object);
    expect(["prefill", "decode-a", "decode-b"].map((role) => generatedIn(done, role))).toEqual(
      Array(3).fill(undefined),
    );
    const found = findingsOn(object).filter(({ rule }) => rule.startsWith("kv/"));
    expect(found.map(({ message }) => message)).toEqual([
      "roles prefill, decode-a and decode-b get no --kv-transfer-config for mooncake: roles decode-a and decode-b have different parallel sizes",
    ]);
  });

  it("is configured once the two are alike, whichever role was changed", () => {
    const container = on("v0.18.0");
    const roles = (other: string[]): Record<string, RoleInput> => ({
      prefill: { container, args: ["-tp", "4"] },
      "decode-a": { container, args: ["-tp", "4"] },
      "decode-b": { container, args: other },
    });
    const today = defaultsWith({});
    const before = stored(complete(workload(roles(["-tp", "2"])), today));
    const after = complete(workload(roles(["-tp", "4"])), today, before).object;
    expect(["prefill", "decode-a", "decode-b"].map((role) => generatedIn(after, role) !== undefined)).toEqual(
      [true, true, true],
    );
  });

  const ranks = ["--data-parallel-size", "2", "--data-parallel-rank", "0", "-tp", "2"];
  it("of a dense model with external ranks gets a warning and nothing", () => {
    const container = on("v0.18.0", { command: ["vllm", "serve", "/models/Qwen3-32B"] });
    const object = workload({
      prefill: { container, args: ranks },
      decode: { container, args: ["-tp", "2"] },
    });
    expect([connectorOf(object), connectorOf(object, "decode")]).toEqual([undefined, undefined]);
    expect(rulesOf(findingsOn(object)).filter((line) => line.includes("kv/"))).toEqual([
      "warn kv/not-generated",
    ]);
  });

  it("of a mixture of experts with external ranks is told all of them", () => {
    const container = on("v0.18.0", { command: ["vllm", "serve", "Qwen/Qwen3-30B-A3B"] });
    const object = workload({
      prefill: { container, args: ranks },
      decode: { container, args: ["-tp", "2"] },
    });
    const extra = objectOf(generatedIn(complete(object).object, "prefill")?.kv_connector_extra_config);
    expect(extra.prefill).toEqual({ dp_size: 2, tp_size: 2 });
  });

  it("with pipeline and prefill-context parallelism is refused", () => {
    const object = pairOn(on("v0.18.0"), ["-tp", "2"]);
    const roles = object.spec as JsonObject;
    expect(roles).toBeDefined();
    const wide = workload({
      prefill: { container: on("v0.18.0"), args: ["-tp", "2", "-pp", "2", "-pcp", "2"] },
      decode: { container: on("v0.18.0"), args: ["-tp", "2"] },
    });
    expect(rulesOf(findingsOn(wide))).toContain("deny kv/context-parallel");
  });

  it("in scripts that nobody can read is hinted at, until the annotation settles it", () => {
    const container = {
      command: ["bash", "-c", "/scripts/start.sh"],
      resources: { limits: { "huawei.com/ascend-1980": "8" } },
    };
    const roles = { prefill: { container, args: [] }, decode: { container, args: [] } };
    expect(rulesOf(findingsOn(workload(roles, {})))).toContain("warn kv/unseen");
    const settled = { "kthena-ascend.io/kv-connector": "none" };
    expect(rulesOf(findingsOn(workload(roles, settled)))).not.toContain("warn kv/unseen");
    const asked = { "kthena-ascend.io/kv-connector": "mooncake" };
    expect(mountsOf(workload(roles, asked), "prefill")).toContain("/etc/hccn.conf");
    expect(rulesOf(findingsOn(workload(roles, { ...INJECT, ...asked })))).toEqual([]);
  });

  it("that is to hand over to a script gets no configuration, and it is told", () => {
    const container = {
      command: ["bash", "-c", "/scripts/start.sh"],
      resources: { limits: { "huawei.com/ascend-1980": "8" } },
    };
    const half = workload({ prefill: { args: ["-tp", "8"] }, decode: { container, args: [] } });
    expect(new Set(kvRulesOf(half))).toEqual(new Set(["warn kv/not-generated"]));
  });

  it("that cannot be configured gets nothing else of the connector either", () => {
    const uneven = workload({
      prefill: { args: ["-tp", "4"] },
      "decode-long": { args: ["-tp", "4"] },
      "decode-short": { args: ["-tp", "2", "-dp", "2"] },
    });
    const { object } = complete(uneven);
    expect(mountsOf(uneven, "prefill")).not.toContain("/etc/hccn.conf");
    expect(JSON.stringify(object)).not.toContain("HCCL_INTRA_ROCE_ENABLE");
  });
});

describe("a configuration with variables in it", () => {
  const script = `vllm serve /models/glm -tp $tp --kv-transfer-config '{"kv_connector": "MooncakeConnectorV1", "kv_role": "kv_producer",
    "kv_port": '$port', "kv_connector_extra_config": {"prefill": {"dp_size": 4, "tp_size": '$tp'}, "decode": {"dp_size": 8, "tp_size": 4}}}'`;
  const object = (role: string, text = script): JsonObject =>
    workload(
      {
        [role]: {
          container: {
            image: "quay.io/ascend/vllm-ascend:v0.23.0",
            command: ["bash", "-c", text],
            args: [],
            envFrom: [{ configMapRef: { name: "sizes" } }],
            resources: { limits: { "huawei.com/ascend-1980": "8" } },
          },
        },
      },
      {},
    );

  it("counts for what is plain text: the device network comes, and nothing is said of sizes", () => {
    expect(mountsOf(object("prefill"), "prefill")).toContain("/etc/hccn.conf");
    expect(kvRulesOf(object("prefill"))).toEqual([]);
  });

  it("is held against the role and the image by its class and role", () => {
    expect(kvRulesOf(object("decode"))).toEqual(["deny kv/role-match"]);
    const nixl = script.replace("MooncakeConnectorV1", "NixlConnector");
    expect(kvRulesOf(object("prefill", nixl))).toEqual(["deny kv/connector"]);
  });
});

describe("SGLang by its own flags", () => {
  const side = (mode: string, env: JsonObject[]): RoleInput => ({
    container: {
      name: "sglang",
      image: "quay.io/ascend/sglang:v0.5.6-cann8.3.rc2-910b",
      command: ["python3", "-m", "sglang.launch_server"],
      env,
    },
    args: [
      "--model-path",
      "/m",
      "--tp-size",
      "4",
      "--disaggregation-mode",
      mode,
      "--disaggregation-transfer-backend",
      "ascend",
    ],
  });
  const STORE = { name: "ASCEND_MF_STORE_URL", value: "tcp://memfabric:23456" };
  const both = (env: JsonObject[]): JsonObject =>
    workload({ prefill: side("prefill", env), decode: side("decode", env) }, INJECT);

  it("is a connector: the device network comes", () => {
    expect(mountsOf(both([STORE]), "prefill", "sglang")).toContain("/etc/hccn.conf");
    const sdma = both([STORE, { name: "ASCEND_MF_TRANSFER_PROTOCOL", value: "sdma" }]);
    expect(mountsOf(sdma, "prefill", "sglang")).not.toContain("/etc/hccn.conf");
  });

  it("needs the address of the store, and is right with it", () => {
    expect(rulesOf(findingsOn(both([])))).toEqual(["warn kv/sglang-store", "warn kv/sglang-store"]);
    expect(rulesOf(findingsOn(both([STORE])))).toEqual([]);
  });

  it("leaves its ModelServer alone", () => {
    const server = inNamespace(
      "ModelServer",
      "{inferenceEngine: SGLang, workloadPort: {port: 8000}, workloadSelector: {matchLabels: {modelserving.volcano.sh/name: m}, pdGroup: {groupKey: modelserving.volcano.sh/group-name, prefillLabels: {modelserving.volcano.sh/role: prefill}, decodeLabels: {modelserving.volcano.sh/role: decode}}}}",
    );
    const workloads = [stored(complete(workload({ prefill: {}, decode: {} })))].flatMap(
      (one) => routedWorkload(one) ?? [],
    );
    expect(modelServerConnector(server, workloads)).toEqual([]);
    expect(findingsOn(server, { beside: { workloads } })).toEqual([]);
  });
});

describe("a ModelServer", () => {
  it("takes the connector that stands on the role templates of scripts", () => {
    const annotations = { "kthena-ascend.io/kv-connector": "mooncake", "kthena-ascend.io/npus": "8" };
    const container = { command: ["bash", "-c", "/scripts/start.sh"] };
    const roles = {
      prefill: { container, args: [], annotations },
      decode: { container, args: [], annotations },
    };
    const serving = stored(complete(workload(roles, INJECT)));
    expect(roleIn(serving, "prefill")).toBeDefined();
    const workloads = [serving].flatMap((one) => routedWorkload(one) ?? []);
    const server = ASKED_SERVER("mooncake");
    const spec = { ...objectOf(server.spec), kvConnector: undefined };
    expect(
      modelServerConnector({ ...server, spec } as JsonObject, workloads).map(({ value }) => value),
    ).toEqual(["mooncake"]);
  });
});

describe("a ModelBooster", () => {
  it("is told that its queue is not copied, and keeps what is ours", () => {
    const object = objectWith(
      "object",
      'kind: ModelBooster\nmetadata: {annotations: {kthena-ascend.io/inject: "true", scheduling.volcano.sh/queue-name: team}}\nspec: {backend: {name: b, type: vLLM, modelURI: "hf://a/b", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: server, replicas: 1}]}}',
    );
    expect(rulesOf(findingsOn(object))).toContain("warn booster/annotations");
  });
});

describe("the ports that a supervised engine serves on", () => {
  const ranks = ["-tp", "2", "-dp", "4", "-dpl", "4", "-dpm", "--port", "36000"];

  it("are kept clear of kv_port: one for each rank", () => {
    const object = workload({ prefill: { args: ranks }, decode: { args: ["-tp", "2"] } });
    expect(generatedIn(complete(object).object, "prefill")?.kv_port).toBe("36004");
  });

  it("are told where a configuration of its user's takes one", () => {
    const own = JSON.stringify({
      kv_connector: "MooncakeConnectorV1",
      kv_role: "kv_producer",
      kv_port: "36002",
      kv_connector_extra_config: { prefill: { dp_size: 4, tp_size: 2 }, decode: { dp_size: 1, tp_size: 2 } },
    });
    const object = workload({ prefill: { args: [...ranks, "--kv-transfer-config", own] } });
    expect(findingsOn(object).filter(({ rule }) => rule === "kv/port")).toMatchObject([
      { message: expect.stringContaining("the engine serves on 36002") },
    ]);
  });
});
