import { glob } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";

/** The reduced CRDs and Kthena's own (with KTHENA_CRDS) have to give the same answers here. */

const WORKLOAD = "workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "networking.serving.volcano.sh/v1alpha1";

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({
    crdFolders: [crdFolder(), podGroupCrdFolder()],
    controllerManager: false,
    scheduler: false,
    kwok: false,
  });
  await plane.kubectl(["create", "namespace", "models"]);
});

afterAll(async () => {
  await plane?.stop();
});

function role(more: JsonObject = {}): JsonObject {
  const containers = [{ name: "vllm", image: "vllm" }];
  return { name: "server", workerReplicas: 0, entryTemplate: { spec: { containers } }, ...more };
}

function container(more: JsonObject): JsonObject {
  return role({ entryTemplate: { spec: { containers: [{ name: "vllm", ...more }] } } });
}

function serving(roles: JsonObject[], more: JsonObject = {}, template: JsonObject = {}): JsonObject {
  return object("ModelServing", WORKLOAD, { ...more, template: { roles, ...template } });
}

function booster(backend: JsonObject): JsonObject {
  const worker = { type: "server", replicas: 1, pods: 1 };
  const basis = { name: "b", type: "vLLM", modelURI: "hf://a/b", replicas: 1, workers: [worker] };
  return object("ModelBooster", WORKLOAD, { backend: { ...basis, ...backend } });
}

function route(spec: JsonObject, target: JsonObject = { modelServerName: "s" }): JsonObject {
  return object("ModelRoute", NETWORKING, { rules: [{ targetModels: [target] }], ...spec });
}

function server(more: JsonObject): JsonObject {
  const basis = { inferenceEngine: "vLLM", workloadPort: { port: 8000 } };
  const workloadSelector = { matchLabels: { app: "m" } };
  return object("ModelServer", NETWORKING, { ...basis, workloadSelector, ...more });
}

function object(kind: string, apiVersion: string, spec: JsonObject): JsonObject {
  return { apiVersion, kind, metadata: { name: "m", namespace: "models" }, spec };
}

function create(what: JsonObject, ...args: string[]) {
  return plane.kubectl(["create", "-f", "-", "-o", "json", ...args], {
    input: JSON.stringify(what),
    mayFail: true,
  });
}

test("every completed example is accepted, and so is what needs no completion", async () => {
  const files: string[] = [];
  for await (const file of glob("examples/{modelserving,modelbooster}/*.complete.yaml")) files.push(file);
  for await (const file of glob("examples/routing/*.yaml")) files.push(file);
  expect(files.length).toBeGreaterThan(5);
  const args = files.flatMap((file) => ["-f", file]);
  await plane.kubectl(["create", "--dry-run=server", ...args], { cwd: process.cwd() });
});

const twice = (name: string): JsonObject[] => [
  { name, value: "1" },
  { name, value: "2" },
];

const refused: [string, JsonObject, string][] = [
  [
    "a role without workerReplicas",
    serving([{ name: "a", entryTemplate: {} }]),
    "workerReplicas: Required value",
  ],
  ["a role without entryTemplate", serving([{ name: "a", workerReplicas: 0 }]), "entryTemplate: Required"],
  ["a long role name", serving([role({ name: "a234567890123" })]), "may not be more than 12"],
  ["two roles of one name", serving([role(), role()]), "roles name must be unique"],
  ["five roles", serving(["a", "b", "c", "d", "e"].map((name) => role({ name }))), "must have at most 4"],
  ["no role", serving([]), "should have at least 1 items"],
  [
    "a pod without containers",
    serving([role({ entryTemplate: { spec: {} } })]),
    "containers: Required value",
  ],
  ["an environment variable twice", serving([container({ env: twice("A") })]), "Duplicate value"],
  [
    "a container twice",
    serving([role({ entryTemplate: { spec: { containers: [{ name: "a" }, { name: "a" }] } } })]),
    "Duplicate value",
  ],
  [
    "a mount path twice",
    serving([
      container({
        volumeMounts: [
          { name: "a", mountPath: "/a" },
          { name: "b", mountPath: "/a" },
        ],
      }),
    ]),
    "Duplicate value",
  ],
  [
    "a port twice, protocol filled in",
    serving([container({ ports: [{ containerPort: 1 }, { containerPort: 1, protocol: "TCP" }] })]),
    "Duplicate value",
  ],
  ["half a core without quotes", serving([container({ resources: { limits: { cpu: 0.5 } } })]), "cpu"],
  ["an unknown recovery policy", serving([role()], { recoveryPolicy: "Never" }), "Unsupported value"],
  [
    "a booster without replicas",
    object("ModelBooster", WORKLOAD, {
      backend: { name: "b", type: "vLLM", modelURI: "hf://a", workers: [{}] },
    }),
    "replicas: Required value",
  ],
  ["a booster of an unknown type", booster({ type: "MindIE" }), "Unsupported value"],
  ["a booster without workers", booster({ workers: [] }), "should have at least 1 items"],
  ["a booster's variable twice", booster({ env: twice("A") }), "Duplicate value"],
  ["a booster from nowhere", booster({ modelURI: "http://a" }), "should match"],
  ["a booster with an empty cache", booster({ cacheURI: "" }), "should match"],
  [
    "a route to both",
    route({ modelName: "m" }, { modelServerName: "s", externalModelProviderName: "e" }),
    "exactly one",
  ],
  ["a route to nothing", route({ modelName: "m" }, {}), "exactly one of modelServerName"],
  ["a route for nothing", route({ modelName: "", loraAdapters: [] }), "cannot both be empty"],
  ["a route's heavy weight", route({ modelName: "m" }, { modelServerName: "s", weight: 101 }), "less than"],
  ["a server's connector", server({ kvConnector: { type: "hccl" } }), "Unsupported value"],
  ["a server's port", server({ workloadPort: { port: 0 } }), "greater than or equal to 1"],
  [
    "a server without selector",
    object("ModelServer", NETWORKING, { inferenceEngine: "vLLM", workloadPort: { port: 1 } }),
    "workloadSelector: Required",
  ],
];

test.each(refused)("%s is refused", async (_, what, message) => {
  const answer = await create(what, "--dry-run=server");
  expect(answer.stderr).toContain(message);
  expect(answer.code).toBe(1);
});

const defaults: [string, JsonObject, JsonObject][] = [
  [
    "ModelServing",
    serving([role(), role({ name: "other" })], { rolloutStrategy: { rollingUpdateConfiguration: {} } }),
    {
      replicas: 1,
      schedulerName: "volcano",
      recoveryPolicy: "RoleRecreate",
      rolloutStrategy: {
        type: "ServingGroupRollingUpdate",
        rollingUpdateConfiguration: { maxUnavailable: 1 },
      },
      template: { restartGracePeriodSeconds: 0, roles: [{ replicas: 1, maxUnavailable: 1 }, {}] },
    },
  ],
  ["ModelBooster", booster({ workers: [{}] }), { backend: { workers: [{ type: "server" }] } }],
  [
    "ModelServer",
    server({ kvConnector: {} }),
    { kvConnector: { type: "http" }, workloadPort: { protocol: "http" } },
  ],
  ["ModelRoute", route({ modelName: "m" }), { rules: [{ targetModels: [{ weight: 100 }] }] }],
];

test.each(defaults)("%s gets its defaults", async (_, what, spec) => {
  const answer = await create(what, "--dry-run=server");
  expect(answer.stderr).toBe("");
  expect(JSON.parse(answer.stdout)).toMatchObject({ spec });
});

test("what the user writes in a pod template is kept", async () => {
  const spec = {
    containers: [{ name: "vllm", lifecycle: { preStop: { sleep: { seconds: 5 } } } }],
    hostIPC: true,
  };
  const answer = await create(serving([role({ entryTemplate: { spec } })]), "--dry-run=server");
  expect(JSON.parse(answer.stdout)).toMatchObject({
    spec: { template: { roles: [{ entryTemplate: { spec } }] } },
  });
});

test("a gang is immutable and stays required", async () => {
  const named = (minRoleReplicas?: JsonObject) => ({
    ...serving([role()], {}, minRoleReplicas ? { gangPolicy: { minRoleReplicas } } : {}),
    metadata: { name: "gang", namespace: "models" },
  });
  expect((await create(named({ server: 1 }))).code).toBe(0);
  const replace = (what: JsonObject) =>
    plane.kubectl(["replace", "-f", "-"], { input: JSON.stringify(what), mayFail: true });
  expect((await replace(named({ server: 0 }))).stderr).toContain("minRoleReplicas is immutable");
  expect((await replace(named())).stderr).toContain("gangPolicy is required once set");
  const name = ["modelserving", "gang", "--namespace=models"];
  await plane.kubectl(["scale", ...name, "--replicas=3"]);
  const read = await plane.kubectl([
    "get",
    ...name,
    "-o",
    "jsonpath={.spec.replicas} {.metadata.generation}",
  ]);
  expect(read.stdout).toBe("3 2");
});

test("server-side apply takes the roles as one value, and no variable twice", async () => {
  const apply = (manager: string, env: JsonObject[]) =>
    plane.kubectl(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"], {
      input: JSON.stringify({
        ...serving([container({ env })]),
        metadata: { name: "merged", namespace: "models" },
      }),
      mayFail: true,
    });
  expect((await apply("one", [{ name: "A", value: "1" }])).code).toBe(0);
  // Roles are a list without a key, so a second manager has to force itself upon the whole of it.
  expect((await apply("two", [{ name: "B", value: "2" }])).stderr).toContain("conflict");
  const twofold = await apply("one", twice("A"));
  expect(twofold.stderr).toContain("duplicate entries");
});
