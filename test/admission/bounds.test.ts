import { describe, expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { Json, JsonObject } from "../../src/api/json.ts";
import { ANSWER_LIMITS, OBJECT_LIMITS } from "../../src/api/limits.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { RoutingServer } from "../../src/readings/routing.ts";
import type { Rule } from "../../src/rules/rule.ts";

const defaults = resolveDefaults([]);
const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });
const INJECT = { "kthena-ascend.io/inject": "true" };

interface Parts {
  container?: JsonObject;
  spec?: JsonObject;
  role?: JsonObject;
  metadata?: JsonObject;
  annotations?: JsonObject;
}

function serving({ container, spec, role, metadata, annotations = INJECT }: Parts): JsonObject {
  const engine = {
    name: "vllm",
    image: "engine:1",
    command: ["vllm", "serve", "m"],
    args: ["-tp", "4"],
    ...container,
  };
  const template = { spec: { containers: [engine], ...spec } };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations, ...metadata },
    spec: { template: { roles: [{ name: "server", entryTemplate: template, ...role }] } },
  };
}

const request = (object: JsonObject, oldObject?: JsonObject): AdmissionRequest => ({
  ...requestFor(object, "n"),
  uid: "u",
  ...(oldObject ? { operation: "UPDATE", oldObject } : {}),
});

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const many = (count: number, item: (index: number) => JsonObject): JsonObject[] =>
  Array.from({ length: count }, (_, index) => item(index));
const long = (most: number): string => "x".repeat(most + 1);

const BEYOND: [string, Parts, string, string][] = [
  ["depth", { container: { unknown: nested(5000) } }, "bounds/depth", "spec.template.roles[0].entryTemplate"],
  ["depth of metadata", { metadata: { unknown: nested(200_000) } }, "bounds/depth", "metadata.unknown"],
  [
    "an argument",
    { container: { args: [long(OBJECT_LIMITS.argument)] } },
    "bounds/length",
    "containers[0].args[0]",
  ],
  [
    "a container's name",
    { container: { name: long(OBJECT_LIMITS.word) } },
    "bounds/length",
    "containers[0].name",
  ],
  ["a role's name", { role: { name: long(OBJECT_LIMITS.name) } }, "bounds/length", "roles[0].name"],
  [
    "a quantity",
    { container: { resources: { limits: { memory: long(OBJECT_LIMITS.word) } } } },
    "bounds/length",
    "resources.limits.memory",
  ],
  [
    "a mount's path",
    { container: { volumeMounts: [{ name: "a", mountPath: long(OBJECT_LIMITS.word) }] } },
    "bounds/length",
    "volumeMounts[0].mountPath",
  ],
  [
    "a variable's value",
    { container: { env: [{ name: "A", value: long(OBJECT_LIMITS.argument) }] } },
    "bounds/length",
    "env[0].value",
  ],
  [
    "the annotations",
    { annotations: { ...INJECT, a: long(OBJECT_LIMITS.annotationBytes) } },
    "bounds/length",
    "metadata.annotations",
  ],
  [
    "the number of containers",
    { spec: { containers: many(OBJECT_LIMITS.containers + 1, (index) => ({ name: `c${index}` })) } },
    "bounds/number",
    "spec.containers",
  ],
  [
    "the number of resources",
    {
      container: {
        resources: {
          limits: Object.fromEntries(
            Array.from({ length: OBJECT_LIMITS.resources + 1 }, (_, index) => [`example.com/r${index}`, "1"]),
          ),
        },
      },
    },
    "bounds/number",
    "containers[0].resources.limits",
  ],
  [
    "the number of variables",
    { container: { env: many(OBJECT_LIMITS.variables + 1, (index) => ({ name: `A${index}` })) } },
    "bounds/number",
    "containers[0].env",
  ],
];

describe("an object beyond a bound", () => {
  it.each(BEYOND)(
    "%s: is refused by both webhooks with field, problem and fix",
    async (_name, parts, rule, field) => {
      for (const review of [mutate, validate]) {
        const { response, findings } = await review(request(serving(parts)));
        expect(response.allowed).toBe(false);
        const [finding] = findings;
        expect(finding).toMatchObject({ rule, severity: "deny" });
        expect(finding?.path).toContain(field);
        expect(finding?.message).toMatch(/^must /);
        expect(finding?.fix).not.toBe("");
        expect(JSON.stringify(response).length).toBeLessThan(2000);
      }
    },
  );

  it.each(BEYOND)("%s: passes unread where nobody asks for injection", async (_name, parts, rule) => {
    const { annotations = {}, ...rest } = parts;
    const others = { ...annotations, "kthena-ascend.io/inject": "maybe" };
    const { response, skipReason, findings } = await mutate(
      request(serving({ ...rest, annotations: others })),
    );
    expect(response.allowed).toBe(true);
    expect(response.patch).toBeUndefined();
    expect(skipReason).toBe("out-of-bounds");
    expect(findings).toMatchObject([{ rule, severity: "warn" }]);
    expect(response.warnings?.[0]).toMatch(/nothing was read or injected/);
  });

  it.each(BEYOND)("%s: passes unread where the stored object has it already", async (_name, parts) => {
    for (const [object, oldObject] of [
      [serving({ ...parts, metadata: { ...parts.metadata, labels: { a: "b" } } }), serving(parts)],
      [serving({}), serving(parts)],
    ] as const) {
      for (const review of [mutate, validate]) {
        const { response } = await review(request(object, oldObject));
        expect(response.allowed).toBe(true);
        expect(response.patch).toBeUndefined();
        expect(response.warnings).toHaveLength(1);
      }
    }
  });

  it("is refused where it asks for NPUs, or its namespace asks for injection", async () => {
    const deep = {
      container: { unknown: nested(500), resources: { limits: { "huawei.com/ascend-1980": "8" } } },
    };
    expect((await mutate(request(serving({ ...deep, annotations: {} })))).response.allowed).toBe(false);
    const asked = resolveDefaults([], { name: "n", asks: INJECT });
    const reviewers = createReviewers({ defaultsFor: () => asked });
    const object = serving({ container: { unknown: nested(500) }, annotations: {} });
    expect((await reviewers.mutate(request(object))).response.allowed).toBe(false);
  });

  it("passes as a pod, whose template is the first line", async () => {
    const pod: JsonObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", labels: { "modelserving.volcano.sh/name": "m" } },
      spec: {
        containers: [{ name: "vllm", resources: { limits: { "huawei.com/ascend-1980": "8" } } }],
        a: nested(500),
      },
    };
    const { response, skipReason } = await mutate(request(pod));
    expect(response.allowed).toBe(true);
    expect(skipReason).toBe("out-of-bounds");
  });
});

describe("an object within the bounds, though larger than any real one", () => {
  it.each<[string, Parts]>([
    ["1,500 variables", { container: { env: many(1500, (index) => ({ name: `A${index}`, value: "x" })) } }],
    [
      "a script of 128 KiB",
      { container: { command: ["sh", "-c"], args: [`: ${"x".repeat(OBJECT_LIMITS.argument - 2)}`] } },
    ],
    [
      "3 MB of variables",
      { container: { env: many(36_000, (index) => ({ name: `A${index}`, value: "x".repeat(50) })) } },
    ],
    ["names of 253 characters", { container: { name: "c".repeat(253) }, role: { name: "r".repeat(253) } }],
    ["80 levels", { container: { unknown: nested(80) } }],
  ])("%s: is read", async (_name, parts) => {
    const { findings, skipReason } = await mutate(request(serving(parts)));
    expect(findings.filter(({ rule }) => rule.startsWith("bounds/"))).toEqual([]);
    expect(skipReason).not.toBe("out-of-bounds");
  });
});

describe("an answer", () => {
  it("tells at most 100 causes, and then how many there are", async () => {
    const env = many(1, (index) => ({ name: "HCCL_IF_IP", value: `10.0.0.${index}` }));
    const roles = many(120, (index) => ({
      name: `role-${index}`,
      entryTemplate: {
        spec: {
          containers: [{ name: "vllm", env, resources: { limits: { "huawei.com/ascend-1980": "0.5" } } }],
        },
      },
    }));
    const object = serving({});
    object.spec = { template: { roles } };
    const { response, findings } = await mutate(request(object));
    const denials = findings.filter(({ severity }) => severity === "deny").length;
    expect(denials).toBeGreaterThan(ANSWER_LIMITS.causes);
    const causes = response.status?.details?.causes ?? [];
    expect(causes.length).toBeLessThanOrEqual(ANSWER_LIMITS.causes + 1);
    expect(causes.at(-1)?.message).toMatch(/^\d+ more problems; kthena-ascend review shows all$/);
    expect(response.status?.message.length).toBeLessThan(ANSWER_LIMITS.refusal);
    expect(JSON.stringify(causes).length).toBeLessThan(ANSWER_LIMITS.refusal);
  });

  it("is short whatever names it has to quote", async () => {
    const name = "\u0001".repeat(OBJECT_LIMITS.name);
    const roles = many(30, (index) => ({
      name: `${name.slice(8)}${index}`,
      entryTemplate: {
        spec: { containers: [{ name, resources: { limits: { "huawei.com/ascend-1980": "0.5" } } }] },
      },
    }));
    const object = serving({});
    object.spec = { template: { roles } };
    object.metadata = { generateName: "m".repeat(100_000), annotations: INJECT };
    const { response } = await mutate(request(object));
    expect(response.allowed).toBe(false);
    expect(JSON.stringify(response).length).toBeLessThan(6 * ANSWER_LIMITS.refusal);
  });
});

describe("a small object among many others", () => {
  const ENDLESS: Rule = {
    id: "cluster/endless",
    severity: "warn",
    summary: "",
    why: "",
    example: { refused: "", admitted: "" },
    check: () => {
      const end = performance.now() + 5_000;
      while (performance.now() < end);
      return [];
    },
  };
  const neighbour: RoutingServer = { name: "s", type: "http", selector: { app: "m" }, sglang: false };
  const neighbours = Array.from({ length: 200 }, () => neighbour);
  const crowded = createReviewers({
    defaultsFor: () => defaults,
    serversIn: () => neighbours,
    rules: [ENDLESS],
  });
  const networking = (kind: string): JsonObject => ({
    apiVersion: "networking.serving.volcano.sh/v1alpha1",
    kind,
    metadata: { name: "m", namespace: "n" },
    spec: {},
  });

  it.each<[string, JsonObject]>([
    ["a ModelServing", serving({})],
    ["a ModelServer", networking("ModelServer")],
    ["a ModelRoute", networking("ModelRoute")],
  ])("is ended in time as a large one is: %s", async (_kind, object) => {
    const { findings } = await crowded.mutate(request(object));
    expect(findings.map(({ rule }) => rule)).toEqual(["bounds/time"]);
  });
});
