import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Product, startProduct } from "./product.ts";

/** Objects that name each other: what `kubectl apply` tells of the second, once the first is known. */

let product: Product;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false });
});

afterAll(async () => {
  await product?.stop();
});

const WORKLOAD = "apiVersion: workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "apiVersion: networking.serving.volcano.sh/v1alpha1";

const SERVING = `${WORKLOAD}
kind: ModelServing
metadata: {name: qwen, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  template:
    roles:
      - name: server
        entryTemplate:
          spec: {containers: [{name: vllm, image: "quay.io/ascend/vllm-ascend:v0.18.0", command: [vllm, serve, m/q, --port=8100]}]}
`;
const server = (name: string, selected: string, port: number) => `${NETWORKING}
kind: ModelServer
metadata: {name: ${name}}
spec: {inferenceEngine: vLLM, workloadPort: {port: ${port}}, workloadSelector: {matchLabels: {modelserving.volcano.sh/name: ${selected}}}}
`;
const route = (name: string, target: string) => `${NETWORKING}
kind: ModelRoute
metadata: {name: ${name}}
spec: {modelName: ${name}, rules: [{name: all, targetModels: [{modelServerName: ${target}}]}]}
`;
const booster = (name: string) => `${WORKLOAD}
kind: ModelBooster
metadata: {name: ${name}}
spec: {backend: {name: b, type: vLLM, modelURI: "hf://m/q", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: server, image: "e:1", replicas: 1, pods: 1}]}}
`;

async function namespace(name: string): Promise<void> {
  await product.plane.kubectl(["create", "namespace", name]);
}

async function applied(input: string, name: string, ...more: string[]): Promise<string> {
  const { stderr } = await product.plane.kubectl(["apply", `--namespace=${name}`, ...more, "-f", "-"], {
    input,
  });
  return stderr;
}

/** The replica learns of what was applied before it by its watches. */
async function told(input: string, name: string, text: string): Promise<void> {
  await vi.waitFor(async () => expect(await applied(input, name, "--dry-run=server")).toContain(text), {
    timeout: 20_000,
    interval: 500,
  });
}

test("a ModelServer that names a ModelServing nearly, or its port wrongly, is told", async () => {
  await namespace("first");
  await applied(SERVING, "first");
  await told(server("s", "qwem", 8100), "first", 'did you mean "qwen"?');
  await told(server("s", "qwen", 8000), "first", "serves on 8100, not on 8000");
  expect(await applied(server("s", "qwen", 8100), "first")).not.toContain("Warning");
  await told(route("r", "q"), "first", 'there is no ModelServer "q" in namespace first');
  await told(route("r", "s"), "first", 'names no model, and its engines serve "m/q", not "r"');
});

test.each([
  ["as they are made", [0, 1, 2]],
  ["in the order of their files' names", [2, 1, 0]],
])(
  "a ModelServing, its ModelServer and its ModelRoute in one file, %s, are told nothing",
  async (what, order) => {
    const name = what.startsWith("as") ? "together" : "reversed";
    await namespace(name);
    const file = [
      SERVING,
      server("s", "qwen", 8100).replace("spec: {", "spec: {model: m/q, "),
      route("r", "s"),
    ];
    expect(await applied(order.map((index) => file[index]).join("---\n"), name)).not.toContain("Warning");
  },
);

test("a ModelServing that comes after its ModelServer is told where the two differ", async () => {
  await namespace("second");
  await applied(server("s", "qwen", 8000), "second");
  await told(SERVING, "second", "on the ModelServer: write 8100");
});

test("a ModelBooster and what has the name of its children: the second is told", async () => {
  await namespace("third");
  await applied(booster("a"), "third");
  await told(
    SERVING.replace("name: qwen", "name: a-b"),
    "third",
    "ModelBooster a has a ModelServing of this name made",
  );
  await applied(route("c", "a-b"), "third");
  await told(booster("c"), "third", "there is a ModelRoute c that is not of this ModelBooster");
  expect(await applied(booster("a"), "third", "--dry-run=server")).not.toContain("there is a");
});
