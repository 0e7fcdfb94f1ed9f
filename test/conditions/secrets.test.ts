import { describe, expect, test } from "vitest";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import {
  booster,
  condition,
  ended,
  engineStatus,
  type Objects,
  pod,
  podGroup,
  progressing,
  serving,
  settled,
  unscheduled,
  waiting,
  whole,
} from "./world.ts";

/** Nothing that is told of a ModelBooster quotes a secret: Events repeat the messages of conditions. */

const SECRET = "hf_Zq81TtLwX0";

const last = (text: string) => engineStatus({ terminated: { ...ended(1), message: text } });
const messagesOf = (objects: Objects) => JSON.stringify(settled(objects).booster.status);
const broken = (status: JsonObject, env: JsonObject[] = []): Objects => {
  const one = pod("server", 0, { status });
  const spec = objectOf(one.spec);
  const containers = [{ name: "engine", image: "engine:1", env }];
  return whole({
    servings: [serving([{ name: "server" }], { status: progressing() })],
    pods: [{ ...one, spec: { ...spec, containers } }],
  });
};

describe("a secret that a container says at its end", () => {
  test.each([
    ["behind the name of a variable", `401 for HF_TOKEN=${SECRET}`],
    ["behind a flag", `vllm: error: --api-key ${SECRET} is no key`],
    ["behind a key of JSON", `{"api_key": "${SECRET}", "port": 8000}`],
    ["in a URL", `cannot reach redis://user:${SECRET}@cache:6379`],
    ["where a text is cut", `${"x".repeat(185)} HF_TOKEN=${SECRET}`],
  ])("is not told: %s", (_, text) => {
    const told = messagesOf(broken(last(text)));
    expect(told).toContain("has crashed");
    expect(told).not.toContain(SECRET.slice(0, 6));
    expect(told).toContain("***");
  });

  test("is not told by itself either, where the pod has it as the value of a secret variable", () => {
    const env = [{ name: "HF_TOKEN", value: SECRET }];
    for (const text of [`user ${SECRET} is unknown`, `${"x".repeat(190)} ${SECRET}`]) {
      const told = messagesOf(broken(last(text), env));
      expect(told).toContain("has crashed");
      expect(told).not.toContain(SECRET.slice(0, 6));
    }
  });
});

test.each([
  [
    "the kubelet, of a container",
    broken(engineStatus(waiting("CreateContainerError", `HF_TOKEN=${SECRET}`))),
  ],
  [
    "the kubelet, of an image",
    broken(engineStatus(waiting("ErrImagePull", `https://me:${SECRET}@r.io/v2/`))),
  ],
  ["a node, of a pod", broken({ phase: "Failed", reason: "Evicted", message: `API_KEY=${SECRET}` })],
  ["the scheduler", broken(unscheduled(`0/1 nodes: HF_TOKEN=${SECRET}`))],
  [
    "Volcano, of a gang",
    whole({
      servings: [serving([{ name: "server" }], { status: progressing() })],
      pods: [pod("server", 0, { status: unscheduled(""), node: "" })],
      podGroups: [
        podGroup(
          {
            phase: "Pending",
            conditions: [condition("Unschedulable", "True", "NotEnoughResources", `HF_TOKEN=${SECRET}`)],
          },
          {},
          600_000,
        ),
      ],
    }),
  ],
  [
    "the API server, of what Kthena makes",
    whole({
      booster: booster(
        {},
        {
          observedGeneration: 1,
          conditions: [
            condition("Failed", "True", "ModelAbnormal", `env: Invalid value: "HF_TOKEN=${SECRET}"`),
          ],
        },
      ),
      servings: [],
    }),
  ],
])("a secret in the words of %s is not told", (_, objects) => {
  const told = messagesOf(objects);
  expect(told).toContain("***");
  expect(told).not.toContain(SECRET);
});

test("words without a secret stay as they are", () => {
  const text = "ValueError: max_tokens=8192 must be below --max-model-len 4096, see the key cache";
  const { problem } = readPodFact(pod("server", 0, { status: last(text) }));
  expect(problem).toMatchObject({ kind: "Crashing", word: text });
});
