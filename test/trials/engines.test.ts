// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some of the texts are shell scripts

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { at, listOf, objectOf } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { findingsOn, servingOf, storedFrom } from "../rules/judging.ts";

const ASCEND = "quay.io/ascend/vllm-ascend:v0.18.0";

/** A role of one container an instance and a pod; YAML of its containers. */
function role(name: string, entry: string, workers = 0, worker = entry): JsonObject {
  const template = (yaml: string): JsonObject => ({
    spec: { containers: [{ name: "vllm", image: ASCEND, ...(parse(yaml) as JsonObject) }] },
  });
  return {
    name,
    replicas: 1,
    workerReplicas: workers,
    entryTemplate: template(entry),
    ...(workers > 0 ? { workerTemplate: template(worker) } : {}),
  };
}

const container = (yaml: string): JsonObject => servingOf([role("server", yaml)]);

/** `rule: severity` of each finding of the families engine, npu and hccl. */
function told(object: JsonObject): string[] {
  return findingsOn(object).map(({ rule, severity }) => `${rule} ${severity}`);
}

/** The NPU limit of a role's entry after injection. */
function limit(object: JsonObject, index = 0): unknown {
  const roles = listOf(at(storedFrom(object), "spec", "template", "roles"));
  const [first] = listOf(at(objectOf(roles[index]), "entryTemplate", "spec", "containers"));
  return at(objectOf(first), "resources", "limits", "huawei.com/ascend-1980");
}

const script = (text: string): string => `command: [bash, -c]\nargs: [${JSON.stringify(text)}]`;

describe("a slip that hides the number of NPUs", () => {
  it.each([
    ["command: [vllm, serve, m, -tp, '4', -dp, '2', -dpm]", "engine/supervised-ranks"],
    ["command: [vllm, serve]\nargs: ['/m --tensor-parallel-size 4']", "engine/joined-arguments"],
  ])("%s is told once", (yaml, rule) => {
    expect(told(container(yaml))).toEqual([`${rule} deny`]);
  });
});

describe("pods of one role that do not share an engine", () => {
  const serve = `ray start --head --resources='{"NPU":1}' && serve run /conf/serve.yaml`;
  const join = `ray start --address=$ENTRY_ADDRESS:6379 --resources='{"NPU":1}' --block`;
  const one = "resources: {limits: {huawei.com/ascend-1980: '1'}}";
  const rank =
    "command: [vllm, serve, /m/Qwen3-32B, -tp, '2', -dp, '2', --data-parallel-rank, $(WORKER_INDEX), --data-parallel-address, $(ENTRY_ADDRESS)]";

  it("have no whole nodes to have: Ray Serve, and ranks of a dense model", () => {
    const ray = role("llm", `${script(serve)}\n${one}`, 1, `${script(join)}\n${one}`);
    expect(told(servingOf([ray]))).toEqual([]);
    expect(told(servingOf([role("llm", rank, 1)]))).toEqual([]);
  });

  it("others have: an engine over two pods", () => {
    const nodes = `command: [vllm, serve, m, -tp, '8', --nnodes, '2', --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS)MORE]`;
    const spread = role("llm", nodes.replace("MORE", ""), 1, nodes.replace("MORE", ", --headless"));
    expect(told(servingOf([spread]))).toEqual(["npu/whole-node warn", "npu/whole-node warn"]);
  });
});

describe("a placeholder that is left in a script", () => {
  it("is no value and no file: nothing is counted", () => {
    const text = "vllm serve m --host <host_ip> \\\n --port <port> \\\n --tensor-parallel-size 4";
    const findings = findingsOn(container(script(text)));
    expect(findings.map(({ rule }) => rule)).toEqual(["npu/unknown-count"]);
    expect(findings[0]?.message).toContain("the shell takes --port for a file");
  });

  it("is not seen in redirections of other sorts", () => {
    expect(limit(container(script("vllm serve m -tp 4 < /dev/null > /tmp/log 2>&1")))).toBe("4");
  });
});

describe("flags that a script collects", () => {
  it.each([
    ['A=(--tensor-parallel-size 4)\nA+=(-dp 2)\nexec vllm serve m "${A[@]}"', "8"],
    ['CMD=(python -m vllm.entrypoints.openai.api_server --model m -tp 2)\n"${CMD[@]}"', "2"],
    ['A=(--tp 4)\npython3 -m sglang.launch_server "${A[@]}" > log 2>&1', "4"],
  ])("%j are counted", (text, npus) => {
    expect(limit(container(script(text)))).toBe(npus);
  });

  it.each([
    'python -m vllm.entrypoints.openai.api_server "${A[@]}"',
    "python -m vllm.entrypoints.openai.api_server $(cat flags)",
    "python3 -m sglang.launch_server $SERVER",
    "vllm serve ${VLLM_ARGS}",
    'set -- m -tp 8\nvllm serve "$@"',
  ])("%j are not taken for a model", (text) => {
    expect(told(container(script(text)))).toContain("npu/unknown-count deny");
  });

  it("stand in a KV configuration as well", () => {
    const kv = '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_producer","kv_port":"30000"}';
    const text = `A=(m --kv-transfer-config '${kv}')\nvllm serve "\${A[@]}"`;
    expect(findingsOn(container(script(text))).map(({ rule }) => rule)).toContain("kv/sizes");
  });
});

describe("what people start", () => {
  it.each([
    [
      "vllm-mindspore with vLLM's flags",
      script("SIZE=4\nvllm-mindspore serve /m --tensor-parallel-size ${SIZE}"),
      "4",
    ],
    [
      "the module of newer releases",
      "command: [python, -m, vllm.entrypoints.launchers.api_server.entry, --model, m, -tp, '8']",
      "8",
    ],
    [
      "a diffusion model of SGLang",
      "command: [sglang, serve, --model-path, Wan-AI/Wan2.1-T2V-14B-Diffusers, --num-gpus, '4']",
      "4",
    ],
    [
      "SGLang with the defaults of its placement",
      "command: [sglang, serve, m, --tp, '2', --base-gpu-id, '0', --gpu-id-step, '1']",
      "2",
    ],
    [
      "a valued flag before an unknown variable",
      script("vllm serve m -tp 8 --kv-cache-memory-bytes $BYTES"),
      "8",
    ],
    [
      "a rank for each server, with the ranks of the pod",
      "command: [vllm, serve, m, -tp, '4', -dp, '2', -dpl, '2', -dpm]",
      "8",
    ],
  ])("%s is counted", (_, yaml, expected) => {
    expect(limit(container(yaml))).toBe(expected);
  });

  it.each(["-dpm", "--data-parallel-multi-port-external-lb"])("%s without its ranks is refused", (flag) => {
    const lone = `command: [vllm, serve, m, -tp, '4', -dp, '2', ${flag}]`;
    expect(told(container(lone))).toContain("engine/supervised-ranks deny");
    const beside = `command: [vllm, serve, m, -dp, '4', -dpl, '4', ${flag}, --port, '9254']`;
    expect(told(container(beside))).toContain("engine/supervised-ranks deny");
  });
});

describe("a role whose program is no engine", () => {
  const router = "command: [python3, -m, sglang_router.launch_router, --pd-disaggregation]";
  const engine = "command: [vllm, serve, m, -tp, '4']";

  it("is left alone under an object's inject, and the reason says so", () => {
    const object = servingOf([role("server", engine), role("router", router)]);
    const defaults = resolveDefaults([]);
    const judged = judgeRequest(requestFor(object, "n"), { defaults }, { defaultsFor: () => defaults });
    expect(judged.findings).toEqual([]);
    expect(judged.leftAlone).toEqual([
      {
        field: "spec.template.roles[1]",
        because: "it starts SGLang's router, which routes requests to engines and is no engine",
      },
    ]);
    expect([limit(object, 0), limit(object, 1)]).toEqual(["4", undefined]);
  });

  it("is taken for an engine where its own template asks", () => {
    const asked = role("router", router);
    objectOf(asked.entryTemplate).metadata = { annotations: { "kthena-ascend.io/npus": "2" } };
    expect(limit(servingOf([asked]))).toBe("2");
  });

  it("leaves the whole object alone where it has nothing else", () => {
    const object = servingOf([role("proxy", "command: [nginx]")]);
    const defaults = resolveDefaults([]);
    const judged = judgeRequest(requestFor(object, "n"), { defaults }, { defaultsFor: () => defaults });
    expect([judged.skip, judged.operations]).toEqual(["no-engine", []]);
  });
});

describe("several arguments in one item", () => {
  it.each([
    ["command: [vllm, serve]\nargs: ['/m --tensor-parallel-size 4 --max-model-len 8192']", "/m"],
    ["command: ['vllm serve /m -tp 4']", "vllm"],
    ["command: ['vllm serve', /m]", "vllm"],
    ["command: [vllm, serve, /m, '--tensor-parallel-size 4']", "--tensor-parallel-size"],
  ])("%s is refused, and its list is admitted", (yaml, first) => {
    const findings = findingsOn(container(yaml)).filter(({ rule }) => rule === "engine/joined-arguments");
    expect(findings.map(({ severity }) => severity)).toEqual(["deny"]);
    const list = JSON.parse(
      /write (\[.*\]) in place/.exec(findings[0]?.fix ?? "")?.[1] ?? "null",
    ) as string[];
    expect(list[0]).toBe(first);
    const given = parse(yaml) as { command: string[]; args?: string[] };
    const followed = (items: string[] = []) => items.flatMap((item) => (item.includes(" ") ? list : [item]));
    const mended = { command: followed(given.command), args: followed(given.args) };
    expect(told(container(JSON.stringify(mended)))).toEqual([]);
  });

  it("texts with blanks that are values are none", () => {
    const yaml = `command: [vllm, serve, /m, --chat-template, "{{ a --tensor-parallel-size }}", --served-model-name, "a b"]`;
    expect(told(container(yaml))).toEqual([]);
  });
});

describe("flags that the engine does not have", () => {
  it("a misspelt one is refused, with what was meant, and nothing is guessed", () => {
    const findings = findingsOn(container("command: [vllm, serve, m, --tensor-paralel-size=4]"));
    expect(findings.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual(["engine/unknown-flag deny"]);
    expect(findings.map(({ fix }) => fix)).toEqual(["did you mean --tensor-parallel-size?"]);
  });

  it("one that is only warned of leaves it told that the number cannot be read", () => {
    const yaml = "image: r/mine:1\ncommand: [vllm, serve, m, --tensor-paralel-size=4]";
    expect(told(container(yaml))).toEqual(["engine/unknown-flag warn", "npu/unknown-count deny"]);
  });

  it("one that is allowed still needs a number", () => {
    const allowed: JsonObject = { ...role("server", "command: [vllm, serve, m, --tensor-paralel-size=4]") };
    const template = objectOf(allowed.entryTemplate);
    template.metadata = { annotations: { "kthena-ascend.io/allow": "engine/unknown-flag" } };
    const object = servingOf([allowed]);
    expect(told(object)).toEqual(["engine/unknown-flag allowed", "npu/unknown-count deny"]);
  });

  it("it is a warning where the release is not known", () => {
    const yaml = "image: r/mine:1\ncommand: [vllm, serve, m, -tp, '1', --max-modle-len, '1']";
    expect(told(container(yaml))).toEqual(["engine/unknown-flag warn"]);
  });
});

describe("engines of several pods", () => {
  const serve = (more: string): string => `command: [vllm, serve, m, -tp, '32', ${more}]`;
  const FOUND = "--nnodes, $(GROUP_SIZE), --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS)";

  it("one rank for all workers and no address is refused; the three arguments that are advised are admitted", () => {
    const wrong = servingOf([
      role("server", serve("--nnodes, '4'"), 3, serve("--nnodes, '4', --node-rank=1, --headless")),
    ]);
    const findings = findingsOn(wrong).filter(({ rule }) => rule === "engine/nodes");
    expect(findings.map(({ severity }) => severity)).toEqual(["deny", "deny"]);
    expect(findings[0]?.fix).toContain(
      "--nnodes $(GROUP_SIZE) --node-rank $(WORKER_INDEX) --master-addr $(ENTRY_ADDRESS)",
    );
    const right = servingOf([role("server", serve(FOUND), 3, serve(`${FOUND}, --headless`))]);
    expect(told(right)).toEqual([]);
  });

  it("the executor ray cannot span nodes by --nnodes", () => {
    const yaml = serve(`${FOUND}, --distributed-executor-backend, ray`);
    expect(told(servingOf([role("server", yaml, 3, yaml)]))).toContain("engine/executor deny");
  });

  it("the variable for Ray is on every pod of the role, whichever of them says ray", () => {
    const entry = script("ray start --head --port=6379 && serve run /conf/app.yaml");
    const worker = script("ray start --address=$ENTRY_ADDRESS:6379 --block");
    const npus = "\nresources: {limits: {huawei.com/ascend-1980: '8'}}";
    const object = storedFrom(servingOf([role("server", entry + npus, 1, worker + npus)]));
    const [stored] = listOf(at(object, "spec", "template", "roles")).map(objectOf);
    const names = ["entryTemplate", "workerTemplate"].map((template) => {
      const [first] = listOf(at(objectOf(stored?.[template]), "spec", "containers"));
      return listOf(objectOf(first).env).some(
        (item) => objectOf(item).name === "RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES",
      );
    });
    expect(names).toEqual([true, true]);
  });

  it("Ray that is told of GPUs is a warning on each pod, and none of it once it is told of NPUs", () => {
    const head = (resource: string): string =>
      script(`ray start --head ${resource}; vllm serve m -tp 8 -pp 2 --distributed-executor-backend ray`);
    const join = (resource: string): string =>
      script(`ray start --address=$ENTRY_ADDRESS:6379 ${resource} --block`);
    expect(told(servingOf([role("server", head("--num-gpus=8"), 1, join("--num-gpus 8"))]))).toEqual([
      "engine/ray-resources warn",
      "engine/ray-resources warn",
    ]);
    const npus = `--resources='{"NPU": 8}'`;
    expect(told(servingOf([role("server", head(npus), 1, join(npus))]))).toEqual([]);
  });
});

describe("advice on counts", () => {
  const fixOf = (object: JsonObject, rule: string): string | undefined =>
    findingsOn(object).find((finding) => finding.rule === rule)?.fix;

  it("tensor parallel comes before fewer NPUs", () => {
    const object = container("command: [vllm, serve, m]\nresources: {limits: {huawei.com/ascend-1980: '8'}}");
    expect(fixOf(object, "npu/unused")).toBe("add --tensor-parallel-size=8, or give it 1");
    const followed = container(
      "command: [vllm, serve, m, --tensor-parallel-size=8]\nresources: {limits: {huawei.com/ascend-1980: '8'}}",
    );
    expect(told(followed)).toEqual([]);
  });

  it("worker pods come where one pod cannot have as many, and are admitted", () => {
    const sizes = "command: [vllm, serve, m, -tp, '8', -dp, '4'";
    const object = container(`${sizes}]`);
    expect(fixOf(object, "npu/count-shape")).toContain("4 pods of 8: workerReplicas: 3");
    const written = container(`${sizes}]\nresources: {limits: {huawei.com/ascend-1980: '8'}}`);
    expect(fixOf(written, "npu/parallel-size")).toContain("4 pods of 8: workerReplicas: 3");
    const nodes = ", --nnodes, $(GROUP_SIZE), --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS)";
    const followed = servingOf([role("server", `${sizes}${nodes}]`, 3, `${sizes}${nodes}, --headless]`)]);
    expect(told(followed)).toEqual([]);
    expect(limit(followed)).toBe("8");
  });

  it("of SGLang and LMDeploy name their own flags", () => {
    const sizes = "command: [python3, -m, sglang.launch_server, --model-path, m, --tp, '32'";
    const object = container(`${sizes}]`);
    expect(fixOf(object, "npu/count-shape")).toContain("4 pods of 8: workerReplicas: 3, and --nnodes");
    const nodes =
      ", --nnodes, $(GROUP_SIZE), --node-rank, $(WORKER_INDEX), --dist-init-addr, '$(ENTRY_ADDRESS):5000'";
    const followed = servingOf([role("server", `${sizes}${nodes}]`, 3, `${sizes}${nodes}]`)]);
    expect(told(followed)).toEqual([]);
    expect(limit(followed)).toBe("8");
    const lmdeploy =
      "resources: {limits: {huawei.com/ascend-1980: '8'}}\ncommand: [lmdeploy, serve, api_server, m";
    expect(fixOf(container(`${lmdeploy}]`), "npu/unused")).toContain("add --tp=8,");
    expect(told(container(`${lmdeploy}, --tp=8]`))).toEqual([]);
  });
});

describe("scripts", () => {
  it.each([
    ["in a script inside it", `bash -c "export ASCEND_RT_VISIBLE_DEVICES=3; vllm serve m"`],
    ["before a script inside it", `export ASCEND_RT_VISIBLE_DEVICES=3; bash -c "vllm serve m"`],
    ["for a script inside it", `ASCEND_RT_VISIBLE_DEVICES=3 bash -c "exec vllm serve m"`],
  ])("%s it is judged too", (_, text) => {
    expect(told(container(script(text)))).toEqual(["hccl/visible-devices warn"]);
  });

  it("a script inside that ends before the engine starts exports nothing to it", () => {
    const text = `bash -c "export ASCEND_RT_VISIBLE_DEVICES=3; echo ready"; vllm serve m`;
    expect(told(container(script(text)))).toEqual([]);
  });

  it("a fixed list of cards that a script exports is judged as env is", () => {
    const yaml = script("export ASCEND_VISIBLE_DEVICES=3\nexport ASCEND_RT_VISIBLE_DEVICES=3\nvllm serve m");
    expect(told(container(yaml))).toEqual(["hccl/visible-devices warn", "hccl/visible-devices warn"]);
  });

  it("a variable that nothing sets is a warning; what the fix says ends it", () => {
    const worker = (address: string): string =>
      script(`bash /vllm-workspace/multi-node-serving.sh worker --ray_address=${address}`);
    const entry = script(
      "bash multi-node-serving.sh leader --ray_cluster_size=2; vllm serve m -tp 8 -pp 2 --distributed-executor-backend ray",
    );
    const findings = findingsOn(servingOf([role("server", entry, 1, worker("$HEAD_NODE_ADDRESS"))]));
    expect(findings.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual([
      "engine/unset-variable warn",
    ]);
    expect(findings[0]?.fix).toContain("use $ENTRY_ADDRESS");
    expect(told(servingOf([role("server", entry, 1, worker("$ENTRY_ADDRESS"))]))).toEqual([]);
    expect(told(servingOf([role("server", entry, 1, worker("${HEAD_NODE_ADDRESS:-}"))]))).toEqual([]);
  });

  it("an engine left in the background is a warning; wait ends it", () => {
    const text = "export A=1\nnohup vllm serve m -tp 2 > /tmp/log 2>&1 &";
    expect(told(container(script(text)))).toEqual(["engine/background warn"]);
    expect(told(container(script(`${text}\nwait`)))).toEqual([]);
    expect(told(container(script(text.replace("&1 &", "&1"))))).toEqual([]);
    expect(told(container(script(`${text}\ntail -F /tmp/log`)))).toEqual([]);
  });
});
