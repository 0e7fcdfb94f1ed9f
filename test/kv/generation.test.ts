import { describe, expect, it } from "vitest";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { findingsOn } from "../rules/judging.ts";
import {
  ASKED,
  complete,
  containerIn,
  defaultsWith,
  generatedIn,
  type RoleInput,
  roleIn,
  stored,
  variablesOf,
  workload,
} from "./pair.ts";

const pair = (prefill: RoleInput = {}, decode: RoleInput = {}): JsonObject =>
  workload({
    prefill: { args: ["-tp", "4", "-pp", "2"], ...prefill },
    decode: { args: ["--tensor-parallel-size=2", "--data-parallel-size", "4"], ...decode },
  });
const both = (object: JsonObject) => [generatedIn(object, "prefill"), generatedIn(object, "decode")];
const POOL = { kvConnectors: { mooncake: { masterAddress: "mooncake.models:50051" } } };
const kv = (findings: ReturnType<typeof findingsOn>) =>
  findings
    .filter(({ rule }) => rule.startsWith("kv/"))
    .map(({ rule, message, fix }) => ({ rule, message, fix }));

describe("the configuration of a prefill and a decode role", () => {
  it("names the class, the role, a port and the sizes of both sides, and no engine id", () => {
    const sizes = { prefill: { dp_size: 1, tp_size: 4, pp_size: 2 }, decode: { dp_size: 4, tp_size: 2 } };
    const common = { kv_connector: "MooncakeConnectorV1", kv_connector_extra_config: sizes };
    expect(both(complete(pair()).object)).toEqual([
      { ...common, kv_role: "kv_producer", kv_port: "36000" },
      { ...common, kv_role: "kv_consumer", kv_port: "36100" },
    ]);
  });

  it.each([
    ["v0.10.1rc1", "vllm_ascend.distributed.mooncake_connector", undefined],
    ["v0.11.0", "vllm_ascend.distributed.mooncake_connector", true],
    ["v0.13.0rc3-a3", "vllm_ascend.distributed.mooncake_connector", undefined],
    ["v0.18.0", undefined, undefined],
    ["main", undefined, undefined],
  ])("for the image tag %s has the module path %s and use_ascend_direct %s", (tag, path, direct) => {
    const container = { image: `quay.io/ascend/vllm-ascend:${tag}` };
    for (const config of both(complete(pair({ container }, { container })).object)) {
      expect(config?.kv_connector_module_path).toBe(path);
      expect(objectOf(config?.kv_connector_extra_config).use_ascend_direct).toBe(direct);
    }
  });

  it("is that of engineVersion where the image does not tell", () => {
    const container = { image: "registry.example/engine:7" };
    const defaults = defaultsWith({ kvConnectors: { engineVersion: "0.11" } });
    const [prefill] = both(complete(pair({ container }), defaults).object);
    expect(prefill?.kv_connector_extra_config).toMatchObject({ use_ascend_direct: true });
  });

  it("is one item at the end of the arguments, behind a wrapper and without arguments too", () => {
    const wrapped = {
      command: ["sh", "-c", 'export A=1; exec "$@"', "--"],
      args: ["vllm", "serve", "m", "-tp", "4"],
    };
    const bare = { command: ["vllm", "serve", "m", "-tp", "2"], args: null };
    const { object } = complete(pair({ container: wrapped }, { container: bare }));
    expect(listOf(containerIn(object, "prefill").args)).toHaveLength(6);
    expect(listOf(containerIn(object, "decode").args)).toHaveLength(1);
    expect(both(object)).not.toContain(undefined);
  });

  it("is on the workers that run the engine, and not on those of Ray", () => {
    const multi = { args: ["-tp", "4", "--nnodes", "$(GROUP_SIZE)", "--node-rank", "$(WORKER_INDEX)"] };
    const worker = (container: JsonObject) => ({
      workerReplicas: 1,
      workerTemplate: {
        spec: { containers: [{ name: "vllm", image: "quay.io/ascend/vllm-ascend:v0.18.0", ...container }] },
      },
    });
    const engine = worker({ command: ["vllm", "serve", "m"], args: [...multi.args, "--headless"] });
    const { object } = complete(pair({ ...multi, role: engine }));
    expect(generatedIn(object, "prefill", "workerTemplate")).toEqual(generatedIn(object, "prefill"));
    const ray = worker({ command: ["bash", "-c", "ray start --address=$(ENTRY_ADDRESS):6379 --block"] });
    const args = ["-tp", "8", "--distributed-executor-backend", "ray"];
    expect(
      generatedIn(complete(pair({ args, role: ray })).object, "prefill", "workerTemplate"),
    ).toBeUndefined();
  });

  it("follows the annotation kv-role where names say nothing", () => {
    const object = workload({
      one: { args: ["-tp", "2"], annotations: { "kthena-ascend.io/kv-role": "kv_producer" } },
      two: { args: ["-tp", "2"], annotations: { "kthena-ascend.io/kv-role": "kv_consumer" } },
    });
    const { object: done } = complete(object);
    expect([generatedIn(done, "one")?.kv_role, generatedIn(done, "two")?.kv_role]).toEqual([
      "kv_producer",
      "kv_consumer",
    ]);
  });

  it("comes with a default for all, and with what the other role has written", () => {
    const inject = { "kthena-ascend.io/inject": "true" };
    const lean = { ...pair(), metadata: { name: "m", annotations: inject } };
    expect(both(complete(lean).object)).toEqual([undefined, undefined]);
    expect(
      both(complete(lean, defaultsWith({ kvConnectors: { default: "mooncake" } })).object),
    ).not.toContain(undefined);
    const text = JSON.stringify(both(complete(pair()).object)[0]);
    const half = {
      ...pair({ args: ["-tp", "4", "-pp", "2", "--kv-transfer-config", text] }),
      metadata: { name: "m", annotations: inject },
    };
    const { object } = complete(half);
    expect(generatedIn(object, "prefill")).toBeUndefined();
    expect(generatedIn(object, "decode")?.kv_role).toBe("kv_consumer");
  });

  it("is none with kv-connector: none, nor where one role alone is left", () => {
    const none = workload({ prefill: {}, decode: {} }, { ...ASKED, "kthena-ascend.io/kv-connector": "none" });
    expect(both(complete(none).object)).toEqual([undefined, undefined]);
    expect(generatedIn(complete(workload({ prefill: {} })).object, "prefill")).toBeUndefined();
  });
});

describe("ports", () => {
  it.each<[string, RoleInput, JsonObject, string]>([
    [
      "a port of the pod's",
      { spec: { initContainers: [{ name: "x", ports: [{ containerPort: 36003 }] }] } },
      {},
      "36004",
    ],
    ["the engine's own port", { args: ["-tp", "4", "--port", "36000"] }, {}, "36001"],
    ["a probe's", { container: { livenessProbe: { httpGet: { path: "/h", port: 36002 } } } }, {}, "36003"],
    ["HCCL's, moved", { container: { env: [{ name: "HCCL_IF_BASE_PORT", value: "36000" }] } }, {}, "36016"],
    ["HCCL's of the site", {}, { hccl: { env: { HCCL_IF_BASE_PORT: "35990" } } }, "36006"],
    [
      "the transport's, moved",
      { container: { env: [{ name: "ASCEND_BASE_PORT", value: "35500" }] } },
      {},
      "36300",
    ],
    [
      "the transport's on 16 NPUs",
      { container: { image: "quay.io/ascend/vllm-ascend:v0.18.0-a3" } },
      { hardware: "a3", kvConnectors: { mooncake: { transportBasePort: 35000 } } },
      "36600",
    ],
    [
      "the transport's of an early Mooncake",
      { container: { image: "quay.io/ascend/vllm-ascend:v0.14.0rc1" } },
      { kvConnectors: { mooncake: { transportBasePort: 36000 } } },
      "36000",
    ],
    [
      "the transport's of any Mooncake",
      { container: { image: "mine/engine:1" } },
      { kvConnectors: { mooncake: { transportBasePort: 35000 } } },
      "43000",
    ],
    ["a base of its own", {}, { kvConnectors: { mooncake: { prefillPort: 40000 } } }, "40000"],
  ])("keep clear of %s", (_, prefill, defaults, port) => {
    const { object } = complete(pair({ args: ["-tp", "4"], ...prefill }), defaultsWith(defaults));
    expect(generatedIn(object, "prefill")?.kv_port).toBe(port);
  });

  it("of the two roles do not meet on one host", () => {
    const spec = { hostNetwork: true };
    const wide = {
      args: ["-tp", "8", "--data-parallel-size", "32", "--data-parallel-size-local", "1"],
      spec,
    };
    const { object } = complete(pair(wide, { spec }));
    expect(both(object).map((config) => config?.kv_port)).toEqual(["36000", "36256"]);
  });
});

describe("with a master configured", () => {
  const defaults = defaultsWith(POOL);

  it("the store stands beside point to point, and the engine gets mooncake.json out of the pod", () => {
    const { object } = complete(pair(), defaults);
    for (const role of ["prefill", "decode"]) {
      const config = generatedIn(object, role);
      const inner = listOf(objectOf(config?.kv_connector_extra_config).connectors).map(objectOf);
      expect(config?.kv_connector).toBe("MultiConnector");
      expect(inner.map((item) => [item.kv_connector, item.kv_role])).toEqual([
        ["MooncakeConnectorV1", config?.kv_role],
        ["AscendStoreConnector", config?.kv_role],
      ]);
      expect(variablesOf(containerIn(object, role))).toMatchObject({
        PYTHONHASHSEED: "0",
        MOONCAKE_CONFIG_PATH: "/etc/kthena-ascend/mooncake/mooncake.json",
      });
      const template = objectOf(roleIn(object, role).entryTemplate);
      const text = objectOf(objectOf(template.metadata).annotations)["kthena-ascend.io/mooncake.json"];
      expect(JSON.parse(String(text))).toMatchObject({
        master_server_address: "mooncake.models:50051",
        protocol: "ascend",
      });
      const volume = listOf(objectOf(template.spec).volumes).find(
        (item) => objectOf(item).name === "kthena-ascend-mooncake",
      );
      expect(volume).toMatchObject({
        downwardAPI: {
          items: [{ fieldRef: { fieldPath: "metadata.annotations['kthena-ascend.io/mooncake.json']" } }],
        },
      });
    }
  });

  it("a ConfigMap is mounted instead where one is named", () => {
    const named = defaultsWith({
      kvConnectors: { mooncake: { masterAddress: "a:1", configMap: "mooncake" } },
    });
    const template = objectOf(roleIn(complete(pair(), named).object, "prefill").entryTemplate);
    expect(listOf(objectOf(template.spec).volumes)).toContainEqual({
      name: "kthena-ascend-mooncake",
      configMap: { name: "mooncake" },
    });
    expect(objectOf(objectOf(template.metadata).annotations)).not.toHaveProperty(
      "kthena-ascend.io/mooncake.json",
    );
  });

  it("a role of its own uses the store alone", () => {
    const { object } = complete(workload({ server: { args: ["-tp", "2"] } }), defaults);
    expect(generatedIn(object, "server")).toEqual({
      kv_connector: "AscendStoreConnector",
      kv_role: "kv_both",
      kv_connector_extra_config: { backend: "mooncake", lookup_rpc_port: "0" },
    });
  });

  it("a hash seed that one role has written holds for the other", () => {
    const env = [{ name: "PYTHONHASHSEED", value: "1047" }];
    const { object } = complete(pair({ container: { env } }), defaults);
    expect(variablesOf(containerIn(object, "decode")).PYTHONHASHSEED).toBe("1047");
  });

  it("the store is left out where the other role has written point to point alone", () => {
    const text = JSON.stringify(generatedIn(complete(pair()).object, "prefill"));
    const { object } = complete(pair({ args: ["-tp", "4", "--kv-transfer-config", text] }), defaults);
    expect(generatedIn(object, "decode")?.kv_connector).toBe("MooncakeConnectorV1");
  });
});

describe("LMCache", () => {
  const asked = { ...ASKED, "kthena-ascend.io/kv-connector": "lmcache" };
  const roles = { prefill: { args: ["-tp", "4"] }, decode: { args: ["-tp", "2"] } };

  it("is loaded from LMCache-Ascend and configured by variables", () => {
    const defaults = defaultsWith({ kvConnectors: { lmcache: { remoteUrl: "redis://cache:6379" } } });
    const { object } = complete(workload(roles, asked), defaults);
    expect(generatedIn(object, "decode")).toEqual({
      kv_connector: "LMCacheAscendConnectorV1Dynamic",
      kv_connector_module_path: "lmcache_ascend.integration.vllm.lmcache_ascend_connector_v1",
      kv_role: "kv_consumer",
    });
    expect(variablesOf(containerIn(object, "prefill"))).toMatchObject({
      PYTHONHASHSEED: "0",
      LMCACHE_REMOTE_URL: "redis://cache:6379",
      LMCACHE_CHUNK_SIZE: "256",
      LMCACHE_LOCAL_CPU: "True",
    });
  });

  it("warns where prefill and decode share no store", () => {
    expect(kv(findingsOn(workload(roles, asked)))).toMatchObject([{ rule: "kv/lmcache-store" }]);
  });
});

describe("where nothing is generated", () => {
  it.each<[string, RoleInput, string, RegExp]>([
    [
      "a script",
      { container: { command: ["bash", "-c", "vllm serve m -tp 4"] } },
      "kv/not-generated",
      /add --kv-transfer-config '\{.*"kv_producer".*\}'/,
    ],
    [
      "a script file",
      { container: { command: ["bash", "/run.sh"] } },
      "kv/not-generated",
      /write --kv-transfer-config/,
    ],
    ["a variable for a size", { args: ["-tp", "$(TP)"] }, "kv/not-generated", /write --kv-transfer-config/],
    [
      "SGLang",
      { container: { command: ["python3", "-m", "sglang.launch_server"], args: ["--model-path", "m"] } },
      "kv/not-generated",
      /own disaggregation flags/,
    ],
    [
      "an engine that is too old",
      { container: { image: "quay.io/ascend/vllm-ascend:v0.9.1" } },
      "kv/not-generated",
      /engineVersion/,
    ],
    ["a -- at the end", { args: ["-tp", "4", "--"] }, "kv/not-generated", /add --kv-transfer-config/],
  ])("for %s a finding says why and what to write", (_, prefill, rule, fix) => {
    const object = pair({ args: [], ...prefill });
    const found = kv(findingsOn(object)).find((finding) => /^roles? prefill/.test(finding.message));
    expect(found).toMatchObject({ rule, fix: expect.stringMatching(fix) });
    const before = containerIn(object, "prefill");
    const after = containerIn(complete(object).object, "prefill");
    expect([after.command, after.args]).toEqual([before.command, before.args]);
  });

  it("a configuration that only the running pod knows is left as it is, and told", () => {
    const script = "KV=$(cat <<'EOF'\n{}\nEOF\n)\nexec vllm serve m -tp 4 --kv-transfer-config \"$KV\"";
    const object = pair({ container: { command: ["bash", "-c", script], args: null } });
    expect(kv(findingsOn(object))).toContainEqual({
      rule: "kv/not-generated",
      message: expect.stringContaining("--kv-transfer-config of role prefill cannot be checked"),
      fix: expect.stringContaining("literal"),
    });
    expect(containerIn(complete(object).object, "prefill").command).toEqual(["bash", "-c", script]);
  });

  it("a written configuration that lacks sizes comes back with those that both roles run with", () => {
    const text = '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_producer","kv_port":"36000","mine":1}';
    const found = kv(findingsOn(pair({ args: ["-tp", "4", "--kv-transfer-config", text] })));
    const fix = found.find(({ rule }) => rule === "kv/sizes")?.fix ?? "";
    expect(JSON.parse(fix.slice(fix.indexOf("'{") + 1, -1))).toEqual({
      ...JSON.parse(text),
      kv_connector_extra_config: { prefill: { dp_size: 1, tp_size: 4 }, decode: { dp_size: 4, tp_size: 2 } },
    });
  });

  it("nixl is refused with what to write instead", () => {
    const object = workload(
      { prefill: {}, decode: {} },
      { ...ASKED, "kthena-ascend.io/kv-connector": "nixl" },
    );
    const found = findingsOn(object).filter(({ rule }) => rule === "kv/nixl-on-ascend");
    expect(found).toHaveLength(2);
    expect(found[0]).toMatchObject({ severity: "deny", fix: expect.stringContaining("mooncake") });
  });

  it("a pair that lacks a side is told", () => {
    expect(kv(findingsOn(workload({ prefill: {} })))).toMatchObject([
      { message: expect.stringContaining("no other role decodes") },
    ]);
  });

  it("an annotation that contradicts the arguments is told", () => {
    const args = [
      "--kv-transfer-config",
      '{"kv_connector":"LMCacheAscendConnectorV1Dynamic","kv_role":"kv_both"}',
    ];
    const found = kv(findingsOn(workload({ server: { args } })));
    expect(found.map(({ rule }) => rule)).toContain("kv/annotation-differs");
  });
});

describe("on an update", () => {
  const today = defaultsWith({});
  const before = stored(complete(pair(), today));

  it("the other role follows when sizes change", () => {
    const { object } = complete(pair({ args: ["-tp", "8"] }), today, before);
    for (const config of both(object)) {
      expect(config?.kv_connector_extra_config).toMatchObject({
        prefill: { tp_size: 8 },
        decode: { tp_size: 2 },
      });
    }
  });

  it.each<[string, RoleInput]>([
    ["its image", { container: { image: "quay.io/ascend/vllm-ascend:v0.19.0" } }],
    ["its other arguments", { args: ["-tp", "4", "-pp", "2", "--port", "9000", "--max-model-len", "8"] }],
    ["its replicas", { role: { replicas: 5 } }],
  ])("the other role stays when %s change", (_, prefill) => {
    const { object } = complete(pair(prefill), today, before);
    expect(roleIn(object, "decode")).toEqual(roleIn(before, "decode"));
  });

  it("the lean manifest applied again gives what is stored, and the stored object stays", () => {
    expect(patchOf(before, complete(pair(), today, before).object)).toEqual([]);
    expect(patchOf(before, complete(stored(complete(pair(), today)), today, before).object)).toEqual([]);
  });

  it("a configuration that its user writes now takes the place of ours", () => {
    const text = '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_producer","kv_port":"37000"}';
    for (const args of [
      ["-tp", "4", `--kv-transfer-config=${text}`],
      ["--kv-transfer-config", text, "-tp", "4"],
    ]) {
      const { object } = complete(pair({ args }), today, before);
      expect(containerIn(object, "prefill").args).toEqual(args);
    }
    const edited = stored(complete(pair(), today));
    const container = containerIn(edited, "prefill");
    container.args = [`--kv-transfer-config=${text}`, ...listOf(container.args)];
    expect(listOf(containerIn(complete(edited, today, before).object, "prefill").args)).toEqual([
      `--kv-transfer-config=${text}`,
      "-tp",
      "4",
      "-pp",
      "2",
    ]);
  });

  it("it goes when the connector is switched off, and changes when it is switched", () => {
    const off = { ...pair(), metadata: { name: "m", annotations: { "kthena-ascend.io/inject": "true" } } };
    const { object } = complete(off, today, before);
    expect(containerIn(object, "prefill").args).toEqual(["-tp", "4", "-pp", "2"]);
    const other = {
      ...pair(),
      metadata: { name: "m", annotations: { ...ASKED, "kthena-ascend.io/kv-connector": "lmcache" } },
    };
    expect(generatedIn(complete(other, today, before).object, "decode")?.kv_connector).toBe(
      "LMCacheAscendConnectorV1Dynamic",
    );
  });

  it("new defaults change nothing that is stored", () => {
    const later = defaultsWith({ kvConnectors: { mooncake: { masterAddress: "x:1", prefillPort: 40000 } } });
    expect(patchOf(before, complete(pair(), later, before).object)).toEqual([]);
  });
});
