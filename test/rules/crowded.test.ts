import { describe, expect, it } from "vitest";
import { closest } from "../../src/api/closest.ts";
import type { JsonObject } from "../../src/api/json.ts";
import type { ClusterFacts } from "../../src/rules/cluster-facts.ts";
import { known, meaning } from "../../src/rules/quote.ts";
import { findingsOn } from "./judging.ts";

const NAME = "modelserving.volcano.sh/name";
const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const similar = (start: string, index: number): string => `${start}${"ab".repeat(40)}${index}`;

const ROUTE: JsonObject = {
  apiVersion: "networking.serving.volcano.sh/v1alpha1",
  kind: "ModelRoute",
  metadata: { name: "r", namespace: "n" },
};
const SERVING: JsonObject = {
  apiVersion: "workload.serving.volcano.sh/v1alpha1",
  kind: "ModelServing",
  metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
  spec: {
    template: {
      roles: many(20, (index) => ({
        name: `r${index}`,
        entryTemplate: { spec: { containers: [{ name: "vllm", command: ["vllm", "serve", "m"] }] } },
      })),
    },
  },
};

describe("what a name is meant to be", () => {
  it("is not looked for once the effort is used up", () => {
    const effort = { left: 100 };
    expect(closest("qwen3", ["qwen2"], 2, effort)).toBe("qwen2");
    expect(closest("deepseek-chat", ["deepseek-chad"], 2, effort)).toBe("deepseek-chad");
    expect(closest("qwen3", ["qwen2"], 2, effort)).toBeUndefined();
  });

  it("is told of the first names of a check, and of the rest which names there are", () => {
    const meant = meaning();
    const names = many(1_000, (index) => similar("s", index));
    const told = many(450, (index) => meant(similar("t", index), names, "ModelServers", "create it"));
    expect(told[0]).toMatch(/^did you mean/);
    expect(told.at(-1)).toBe(`${known(names, "ModelServers")}; create it`);
    expect(told.filter((text) => text.startsWith("did you mean")).length).toBeLessThan(50);
  });

  it("or five names in their order", () => {
    expect(known(["f", "b", "e", "a", "d", "c", "b"], "queues")).toBe("queues: a, b, b, c, d …");
    expect(known(["b", "a"], "queues")).toBe("queues: a, b");
  });
});

describe("in a namespace with thousands of objects", () => {
  it("each target of a ModelRoute that is not there is told", () => {
    const facts: ClusterFacts = {
      modelServers: many(1_000, (index) => ({ namespace: "n", name: similar("s", index) })),
    };
    const targetModels = many(450, (index) => ({ modelServerName: similar("t", index) }));
    const object = { ...ROUTE, spec: { modelName: "m", rules: [{ targetModels }] } };
    const found = findingsOn(object, { facts }).filter(({ rule }) => rule === "cluster/route-target");
    expect(found).toHaveLength(450);
    expect(found.at(-1)?.fix).toMatch(/^ModelServers: .*; correct the name, or create it$/);
  });

  it("a ModelServing is told of a hundred faults of the ModelServers behind which it stands, by each rule", () => {
    const wrong = Object.fromEntries(many(40, (index) => [`k${index}`, similar("v", index)]));
    const facts: ClusterFacts = {
      modelServers: many(1_000, (index) => ({
        namespace: "n",
        name: `s${index}`,
        selector: { [NAME]: "m", ...(index % 2 === 0 ? wrong : {}) },
        port: 9,
        model: "other",
      })),
    };
    const found = findingsOn(SERVING, { facts }).filter(({ rule }) => rule.startsWith("cluster/"));
    for (const name of ["server-target", "server-port", "served-model"])
      expect(found.filter(({ rule }) => rule === `cluster/${name}`)).toHaveLength(100);
  });
});
