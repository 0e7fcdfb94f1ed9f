import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { appliedOver, LAST_APPLIED } from "../../src/commands/review/applied.ts";
import { reviewDeclared, reviewOptions } from "../../src/commands/review/command.ts";
import { consequences } from "../../src/commands/review/consequence.ts";
import { reviewJsonSchema, reviewSchema } from "../../src/commands/review/json.ts";
import { review } from "../../src/commands/review/review.ts";
import { recordingConsole } from "./recording-console.ts";

const ROOT = join(import.meta.dirname, "../..");

async function run(input: string | Uint8Array, ...args: string[]) {
  const command = reviewDeclared().parse(["-f", "-", ...args], { from: "user" });
  const console = recordingConsole(input);
  const code = await review(reviewOptions([], command.opts(), "test"), console);
  return { code, out: console.output, err: console.errors };
}

const LEAN = `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: m}
spec:
  template:
    roles:
      - name: server
        workerReplicas: 0
        entryTemplate: {spec: {containers: [{name: vllm, image: "quay.io/ascend/vllm-ascend:v0.18.0", command: [vllm, serve, m]}]}}
`;
const ASKED = LEAN.replace("{name: m}", '{name: m, annotations: {kthena-ascend.io/inject: "true"}}');

const SERVER = `apiVersion: networking.serving.volcano.sh/v1alpha1
kind: ModelServer
metadata: {name: m}
spec: {inferenceEngine: vLLM, model: m, workloadPort: {port: 8000}, workloadSelector: {matchLabels: {a: b}}}
`;
const ROUTE = `apiVersion: networking.serving.volcano.sh/v1alpha1
kind: ModelRoute
metadata: {name: m}
spec: {modelName: m, rules: [{name: default, targetModels: [{modelServerName: m}]}]}
`;

describe("the exit code is 2 where nothing can be judged", () => {
  it.each([
    ["an empty file", "", "holds no object"],
    ["plain text", "hello\n", "holds no object"],
    ["an object without a kind", "a: 1\n", "has no kind"],
    ["a mistyped kind", LEAN.replace("ModelServing", "ModelServng"), "did you mean ModelServing?"],
    [
      "a mistyped group",
      LEAN.replace("volcano.sh", "volcano.io"),
      "did you mean workload.serving.volcano.sh",
    ],
    ["UTF-16", Buffer.from(`\ufeff${LEAN}`, "utf16le"), "is UTF-16; save it as UTF-8"],
    ["an alias of nothing", "kind: *a\n", "is no YAML"],
  ])("%s", async (_what, input, message) => {
    const { code, err } = await run(input);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
  });

  it("but other software's kinds pass", async () => {
    expect((await run("apiVersion: llm-d.ai/v1\nkind: ModelService\nmetadata: {name: m}\n")).code).toBe(0);
  });
});

describe("review", () => {
  it("tells who looks like Ascend and was not asked for, and can fail on it", async () => {
    const { code, out } = await run(LEAN, "-o", "findings", "--fail-on", "warn");
    expect(code).toBe(1);
    expect(out).toContain("injection/not-asked");
    expect(out).toContain("1 warning");
    expect((await run(LEAN)).code).toBe(0);
    expect((await run(LEAN.replace("ascend/vllm-ascend", "vllm/vllm"), "-o", "findings")).out).not.toContain(
      "not-asked",
    );
  });

  it("tells annotations with another prefix", async () => {
    const { out } = await run(
      LEAN.replace("{name: m}", '{name: m, annotations: {ascend.kthena.io/inject: "true"}}'),
    );
    expect(out).toContain('did you mean "kthena-ascend.io/inject"?');
  });

  it.each([
    ["npu", "4", 'did you mean \\"kthena-ascend.io/npus\\"?'],
    ["inject", "yes", 'did you mean \\"kthena-ascend.io/inject\\"? Then write \\"true\\" or \\"false\\"'],
    ["ascend.kthena.io/inject", "true", 'did you mean \\"kthena-ascend.io/inject\\"?'],
    ["kthena-ascend.io/inject", "yes", 'write \\"true\\" or \\"false\\"'],
    ["kthena-ascend.io/npu", "4", 'did you mean \\"kthena-ascend.io/npus\\"?'],
  ])("tells an annotation of the Namespace that asks for nothing: %s=%s", async (key, value, fix) => {
    const annotations = JSON.stringify({ [key]: value });
    const namespace = `apiVersion: v1\nkind: Namespace\nmetadata: {name: default, annotations: ${annotations}}\n`;
    const plain = LEAN.replace("ascend/vllm-ascend", "vllm/vllm");
    for (const manifest of [LEAN, ASKED, plain, SERVER, ROUTE]) {
      const { code, out } = await run(`${namespace}---\n${manifest}`, "-o", "json");
      expect(code).toBe(0);
      expect(out).toContain(`annotation ${key} of the Namespace`);
      expect(out).toContain(fix);
    }
  });

  it("tells them of the Namespace's own manifest too, unless the rule is off", async () => {
    const namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: n, annotations: {npu: '4'}}\n";
    const told = await run(namespace, "--fail-on", "warn");
    expect(told.code).toBe(1);
    expect(told.out).toMatch(/metadata\.annotations\[npu\]\n.*\n.*did you mean "kthena-ascend\.io\/npus"\?/);
    const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-review-"));
    try {
      const off = join(folder, "off.yaml");
      await writeFile(off, "rules: {annotations/*: off}\n");
      expect((await run(`${namespace}---\n${LEAN}`, "-n", "n", "-d", off)).out).not.toContain("annotations/");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("judges what names no namespace in that of -n, and refuses to read what names another", async () => {
    const namespace =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: models, annotations: {kthena-ascend.io/socket-ifname: eth4}}\n";
    expect((await run(`${namespace}---\n${ASKED}`, "-o", "yaml")).out).not.toContain("value: eth4");
    expect((await run(`${namespace}---\n${ASKED}`, "-o", "yaml", "-n", "models")).out).toContain(
      "value: eth4",
    );
    const other = await run(ASKED.replace("{name: m,", "{name: m, namespace: other,"), "-n", "models");
    expect(other.code).toBe(2);
    expect(other.err).toContain("other/m is in namespace other, not in models as -n says");
  });

  it("reads a folder as kubectl does, and with -R all below it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-review-"));
    try {
      await mkdir(join(folder, "below"));
      await writeFile(join(folder, "one.yaml"), ASKED);
      await writeFile(join(folder, "notes.txt"), "no manifest");
      await writeFile(join(folder, "below", "two.yml"), ASKED.replace("{name: m,", "{name: deep,"));
      const names = async (...args: string[]) => {
        const command = reviewDeclared().parse(["-f", folder, "-o", "json", ...args], { from: "user" });
        const console = recordingConsole();
        await review(reviewOptions([], command.opts(), "test"), console);
        return JSON.parse(console.output).items.map(({ name }: { name: string }) => name);
      };
      expect(await names()).toEqual(["m"]);
      expect((await names("-R")).sort()).toEqual(["deep", "m"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("knows the fields of the Kthena that --kthena-version names", async () => {
    const policy = ASKED.replace("spec:\n", "spec:\n  revisionHistoryLimit: 3\n");
    const findings = async (...args: string[]) =>
      JSON.parse((await run(policy, "-o", "json", ...args)).out).items[0].findings.map(
        ({ message, fix }: { message: string; fix: string }) => `${message}; ${fix}`,
      );
    expect(await findings("--kthena-version", "1.0")).not.toEqual(
      await findings("--kthena-version", "latest"),
    );
    expect(() =>
      reviewDeclared()
        .exitOverride()
        .configureOutput({ outputError: () => {} })
        .parse(["--kthena-version", "new"], { from: "user" }),
    ).toThrow("It must be a version such as 1.0, or latest.");
  });

  it("tells of a ConfigMap by the name of the defaults that no cluster would read for its namespace", async () => {
    const map = (labels: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kthena-ascend-defaults, labels: ${labels}}\ndata:\n  defaults.yaml: |\n    apiVersion: kthena-ascend.io/v1alpha1\n    kind: AscendDefaults\n    hccl: {socketIfname: eth6}\n`;
    const unlabelled = await run(`${map("{}")}---\n${ASKED}`, "-o", "yaml");
    expect(unlabelled.err).toContain('has no label kthena-ascend.io/defaults: "true"');
    expect(unlabelled.out).not.toContain("value: eth6");
    const labelled = await run(`${map('{kthena-ascend.io/defaults: "true"}')}---\n${ASKED}`, "-o", "yaml");
    expect(labelled.err).toBe("");
    expect(labelled.out).toContain("value: eth6");
  });

  it("takes an AscendDefaults document among the manifests, and says so; one that is wrong is an error", async () => {
    const document =
      "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: eth6}\n";
    const good = await run(`${document}---\n${ASKED}`);
    expect(good.out).toMatch(/^defaults: .*:1\n/);
    expect(good.out).toContain("value: eth6");
    const bad = await run(`${document.replace("socketIfname", "socketIfnam")}---\n${ASKED}`);
    expect(bad.code).toBe(2);
    expect(bad.err).toContain('did you mean "socketIfname"?');
  });

  it("prints JSON as its schema says, and the package has that schema", async () => {
    const { out } = await run(ASKED, "-o", "json");
    const document = reviewSchema.parse(JSON.parse(out));
    expect(document.items[0]?.verdict).toBe("completed");
    const shipped = JSON.parse(await readFile(join(ROOT, "schemas/review.json"), "utf8"));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(reviewJsonSchema())));
  });

  it("masks secrets in diffs and JSON", async () => {
    const secret = ASKED.replace("[vllm, serve, m]", '[vllm, serve, m, "--api-key=hunter2hunter2"]');
    expect((await run(secret)).out).not.toContain("hunter2");
    expect((await run(secret, "-o", "json")).out).not.toContain("hunter2");
  });

  it("a complete manifest that would lose its --kv-transfer-config is refused", async () => {
    const complete = await readFile(join(ROOT, "examples/kv/mooncake-mixed.complete.yaml"), "utf8");
    const { code, out } = await run(complete, "-o", "findings");
    expect(code).toBe(1);
    expect(out).toContain("review/complete-manifest");
  });

  it("says how to look up and how to lift what is refused", async () => {
    const { out } = await run(await readFile(join(ROOT, "examples/refused/too-few-npus.yaml"), "utf8"));
    expect(out).toContain("explains a rule");
    expect(out).toContain("kthena-ascend.io/allow: npu/parallel-size");
  });

  it("is SARIF with rules and places", async () => {
    const { out } = await run(LEAN, "-o", "sarif");
    const [{ results, tool }] = JSON.parse(out).runs;
    expect(results[0]).toMatchObject({ ruleId: "injection/not-asked", level: "warning" });
    expect(tool.driver.rules[0].id).toBe("injection/not-asked");
  });
});

describe("what kubectl apply makes of a stored object", () => {
  it("keeps what others wrote, drops what the last manifest had, and takes lists whole", () => {
    const original = { spec: { a: 1, list: [1] } };
    const stored = {
      metadata: { annotations: { [LAST_APPLIED]: JSON.stringify(original), other: "x" } },
      spec: { a: 1, list: [1, 2], own: true },
    };
    expect(appliedOver(stored, { spec: { list: [3] } })).toEqual({
      metadata: stored.metadata,
      spec: { list: [3], own: true },
    });
  });
});

describe("what will happen to a role", () => {
  const serving = (image: string, replicas = 2) => ({
    spec: {
      replicas: 1,
      template: {
        roles: [
          {
            name: "a",
            replicas,
            workerReplicas: 1,
            entryTemplate: {
              spec: { containers: [{ image, resources: { limits: { "huawei.com/ascend-1980": "4" } } }] },
            },
            workerTemplate: { spec: { containers: [{ image }] } },
          },
        ],
      },
    },
  });
  it.each([
    [
      "nothing where only its scaling changes",
      serving("x"),
      serving("x", 3),
      serving("x", 3),
      "nothing",
      0,
      0,
    ],
    [
      "restored where the manifest lacks something",
      serving("x"),
      serving("y"),
      serving("x"),
      "restored",
      0,
      0,
    ],
    ["restarts where its template changes", serving("x"), serving("y"), serving("y"), "restarts", 4, 8],
  ])("%s", (_what, before, asked, after, effect, pods, npus) => {
    expect(consequences("ModelServing", { before, asked, after })).toEqual([
      { unit: "a", effect, pods, npus },
    ]);
  });

  it("restarts all pods of a ModelBooster whose backend changes: they carry a hash of all of it", () => {
    const booster = (replicas: number, image: string): JsonObject => {
      const worker = (type: string, more: JsonObject): JsonObject => ({
        type,
        replicas: 1,
        resources: { limits: { "huawei.com/ascend-1980": 2 } },
        ...more,
      });
      const workers = [worker("prefill", { image }), worker("decode", { image: "x", pods: 2 })];
      return { spec: { backend: { name: "b", replicas, workers } } };
    };
    const told = (before: JsonObject, after: JsonObject) =>
      consequences("ModelBooster", { before, asked: after, after }).map(
        ({ unit, effect, pods, npus }) => `${unit} ${effect} ${pods} ${npus}`,
      );
    expect(told(booster(1, "x"), booster(1, "x"))).toEqual(["prefill nothing 0 0", "decode nothing 0 0"]);
    expect(told(booster(1, "x"), booster(1, "y"))).toEqual(["prefill restarts 1 2", "decode restarts 2 4"]);
    expect(told(booster(1, "x"), booster(2, "x"))).toEqual(["prefill restarts 2 4", "decode restarts 4 8"]);
  });
});

describe("a folder", () => {
  const NETWORKING = "apiVersion: networking.serving.volcano.sh/v1alpha1";
  const server = (name: string, selected: string, more = "") =>
    `${NETWORKING}\nkind: ModelServer\nmetadata: {name: ${name}${more}}\nspec: {inferenceEngine: vLLM, workloadPort: {port: 8000}, workloadSelector: {matchLabels: {modelserving.volcano.sh/name: ${selected}}}}\n`;
  const route = (target: string) =>
    `${NETWORKING}\nkind: ModelRoute\nmetadata: {name: r}\nspec: {modelName: m, rules: [{targetModels: [{modelServerName: ${target}}]}]}\n`;

  async function told(files: Record<string, string>, ...args: string[]): Promise<string[]> {
    const folder = await mkdtemp(join(tmpdir(), "review-"));
    try {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      const command = reviewDeclared().parse(["-f", folder, "-o", "json", ...args], { from: "user" });
      const console = recordingConsole("");
      await review(reviewOptions([], command.opts(), "test"), console);
      const findings = [...console.output.matchAll(/"rule": "(cluster\/[^"]+)"/g)];
      return findings.map(([, rule = ""]) => rule);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it.each<[string, Record<string, string>, string[]]>([
    ["is one whole", { "a.yaml": server("s", "m"), "b.yaml": ASKED, "c.yaml": route("s") }, []],
    [
      "selects what it does not have",
      { "a.yaml": server("s", "mm"), "b.yaml": ASKED },
      ["cluster/server-target"],
    ],
    [
      "routes to what it does not have",
      { "a.yaml": route("t"), "b.yaml": server("s", "m") },
      ["cluster/route-target"],
    ],
    ["has routing alone", { "a.yaml": route("t") }, []],
    [
      "holds other ports than it selects",
      { "a.yaml": server("s", "m"), "b.yaml": ASKED.replace("serve, m", "serve, m, --port=1") },
      ["cluster/server-port"],
    ],
  ])("that %s", async (_what, files, expected) => {
    expect(await told(files)).toEqual(expected);
    // The namespace of those that name none changes nothing, and one of them may name it.
    expect(await told(files, "-n", "models")).toEqual(expected);
    const named = {
      ...files,
      "a.yaml": (files["a.yaml"] ?? "").replace("metadata: {", "metadata: {namespace: models, "),
    };
    expect(await told(named, "-n", "models")).toEqual(expected);
  });
});
