import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { HARDWARE_NAMES, HARDWARE_TABLE } from "../../src/defaults/hardware.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { RESOURCE_NAMES, resourceNamed } from "../../src/engines/resource-names.ts";
import { type HardwareReading, readHardware } from "../../src/readings/hardware.ts";

function settingsOf(part: JsonObject) {
  const checked = checkDefaults(
    { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...part },
    "d",
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return resolveDefaults([{ source: "d", document: checked.document }]).settings;
}

interface Said {
  image?: string;
  limits?: JsonObject;
  spec?: JsonObject;
  hardware?: (typeof HARDWARE_NAMES)[number];
}

function read({ image, limits, spec = {}, hardware }: Said, defaults: JsonObject = {}): HardwareReading {
  const container = {
    ...(image === undefined ? {} : { image }),
    ...(limits === undefined ? {} : { resources: { limits } }),
  };
  const asks = hardware === undefined ? {} : { hardware };
  return readHardware({ asks, spec, containers: [container] }, settingsOf(defaults));
}

const VLLM = "quay.io/ascend/vllm-ascend:v0.18.0";
const label = (key: string, value: string): Said => ({ spec: { nodeSelector: { [key]: value } } });

describe("the hardware of a workload", () => {
  test.each<[string, Said, JsonObject, string]>([
    ["nothing but the defaults", {}, { hardware: "a3" }, "a3"],
    ["the built-in defaults", { image: VLLM }, {}, "a2"],
    ["a resource that only 310P has", { limits: { "huawei.com/Ascend310P": "1" } }, {}, "310p"],
    ["a static vNPU of 310P", { limits: { "huawei.com/Ascend310P-4c.3cpu": "1" } }, {}, "310p"],
    ["HAMi's name of an A2 chip", { limits: { "huawei.com/Ascend910B4": "1" } }, { hardware: "a3" }, "a2"],
    ["HAMi's name of an A3 chip", { limits: { "huawei.com/Ascend910C": "2" } }, {}, "a3"],
    ["a name of the whole 910 family", { limits: { "huawei.com/Ascend910": "8" } }, { hardware: "a3" }, "a3"],
    ["huawei.com/npu and an -a5 image", { image: `${VLLM}-a5`, limits: { "huawei.com/npu": "8" } }, {}, "a5"],
    ["huawei.com/npu alone", { limits: { "huawei.com/npu": "8" } }, {}, "a5"],
    [
      "huawei.com/npu where the defaults publish another hardware so",
      { limits: { "huawei.com/npu": "8" } },
      { hardware: "a2", npu: { resourceName: "huawei.com/npu" } },
      "a2",
    ],
    ["an -a3 image", { image: `${VLLM}-a3` }, {}, "a3"],
    [
      "an -a3 image where the defaults have a pod of A3",
      { image: `${VLLM}-a3` },
      { hardware: "a3-superpod" },
      "a3-superpod",
    ],
    ["SGLang's -910b", { image: "x/sglang:v0.5.6-cann8.3.rc2-910b" }, { hardware: "a3" }, "a2"],
    ["MindIE's server", { image: "ascendhub/mindie:2.0.RC2-800I-A3-py311" }, {}, "a3"],
    ["a3 in the tag of no engine", { image: "nginx:1.27-a3" }, {}, "a2"],
    ["MindCluster's server type", label("accelerator-type", "module-a3-16-super-pod"), {}, "a3-superpod"],
    ["MindCluster's server type of Box16", label("accelerator-type", "module-910b-16"), {}, "a2-box16"],
    ["the chip's label", label("node.kubernetes.io/npu.chip.name", "910B4"), { hardware: "a3" }, "a2"],
    [
      "the chip in required affinity",
      {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  {
                    matchExpressions: [{ key: "accelerator", operator: "In", values: ["huawei-Ascend310P"] }],
                  },
                ],
              },
            },
          },
        },
      },
      {},
      "310p",
    ],
    [
      "a pool of the defaults before the image",
      { image: `${VLLM}-a3`, ...label("pool", "big") },
      { hardwareBySelector: [{ nodeSelector: { pool: "big" }, hardware: "a3-superpod" }] },
      "a3-superpod",
    ],
    [
      "the annotation before all",
      { hardware: "a3", ...label("accelerator-type", "module-a3-16-super-pod") },
      {},
      "a3",
    ],
    [
      "custom hardware, which fits everything",
      { image: `${VLLM}-a3` },
      { hardware: "custom", npu: { allowedCounts: [1] } },
      "custom",
    ],
  ])("is told by %s", (_what, said, defaults, expected) => {
    expect(read(said, defaults).name).toBe(expected);
  });

  test.each<[string, Said, JsonObject, string[]]>([
    [
      "a 310P resource and an -a3 image",
      { image: `${VLLM}-a3`, limits: { "huawei.com/Ascend310P": "1" } },
      {},
      ["resource", "image"],
    ],
    [
      "the annotation and a resource",
      { hardware: "a2", limits: { "huawei.com/Ascend310P": "1" } },
      {},
      ["annotation", "resource"],
    ],
    [
      "a label and a resource",
      { ...label("accelerator-type", "module-910b-8"), limits: { "huawei.com/Ascend310P": "1" } },
      {},
      ["label", "resource"],
    ],
    ["an image and written defaults", { image: `${VLLM}-a3` }, { hardware: "a2" }, ["image", "defaults"]],
    [
      "custom defaults and two clues",
      { image: `${VLLM}-a3`, limits: { "huawei.com/Ascend310P": "1" } },
      { hardware: "custom", npu: { allowedCounts: [1] } },
      ["resource", "image"],
    ],
    [
      "a family of chips that the defaults' is none of",
      { limits: { "huawei.com/ascend-1980": "8" } },
      { hardware: "310p" },
      ["resource", "defaults"],
    ],
  ])("contradicts itself with %s", (_what, said, defaults, kinds) => {
    const [conflict, more] = read(said, defaults).conflicts;
    expect([conflict?.first.kind, conflict?.second.kind]).toEqual(kinds);
    expect(more).toBeUndefined();
  });

  test("agrees where nothing but our own defaults is against it", () => {
    expect(read({ image: `${VLLM}-a3` }).conflicts).toEqual([]);
    expect(read({ image: `${VLLM}-310p`, limits: { "huawei.com/Ascend310P": "1" } }).conflicts).toEqual([]);
  });

  test.each<[string, JsonObject, string | undefined]>([
    ["a2", {}, "huawei.com/ascend-1980"],
    ["310p", {}, "huawei.com/ascend-310"],
    ["310p", { platform: "mindcluster" }, "huawei.com/Ascend310P"],
    ["a5", { platform: "bare" }, "huawei.com/npu"],
    ["a5", {}, undefined],
    ["a5", { npu: { resourceName: "example.com/npu-950" } }, "example.com/npu-950"],
  ])("has its NPUs under the platform's name for %s with %j", (hardware, defaults, expected) => {
    expect(read({ hardware: hardware as "a2" }, defaults).resourceName).toBe(expected);
  });

  test.each<[string, JsonObject, string]>([
    ["a2", {}, "roce"],
    ["a2", { fabric: "hccs" }, "roce"],
    ["a3", {}, ""],
    ["a3", { fabric: "" }, ""],
    ["a3", { fabric: "hccs" }, "hccs"],
    ["a3", { fabric: "roce" }, "roce"],
    ["a5", { fabric: "ub" }, "ub"],
    ["310p", { fabric: "roce" }, ""],
  ])("has the network of %s with %j", (hardware, defaults, expected) => {
    expect(read({ hardware: hardware as "a2" }, defaults).fabric).toBe(expected);
  });
});

describe("the hardware table", () => {
  test("has each name once, and each row counts that its nodes can give", () => {
    expect(HARDWARE_TABLE.map(({ name }) => name)).toEqual([...HARDWARE_NAMES]);
    for (const { perNode, allowedCounts } of HARDWARE_TABLE) expect(Math.max(...allowedCounts)).toBe(perNode);
  });

  test("names resources that can be of its chip", () => {
    for (const { chip, resourceNames } of HARDWARE_TABLE)
      for (const name of Object.values(resourceNames)) expect(resourceNamed(name)?.chips).toContain(chip);
  });

  test("is what a document that names the resource only is taken for", () => {
    expect(settingsOf({ npu: { resourceName: "huawei.com/Ascend310P" } }).hardware).toBe("310p");
    expect(settingsOf({ npu: { resourceName: "huawei.com/npu" } }).hardware).toBe("a5");
    expect(settingsOf({ npu: { resourceName: "huawei.com/Ascend910" } }).hardware).toBe("a2");
    expect(settingsOf({ hardware: "a2", npu: { resourceName: "huawei.com/npu" } }).hardware).toBe("a2");
  });
});

describe("resource names", () => {
  test.each(RESOURCE_NAMES.flatMap((row) => row.examples.map((name) => [name, row.unit] as const)))(
    "huawei.com/%s is known: %s",
    (name, unit) => {
      expect(resourceNamed(`huawei.com/${name}`)?.unit).toBe(unit);
      expect(resourceNamed(`example.com/${name}`)).toBeUndefined();
    },
  );

  test("another one is the cluster's where the defaults name it", () => {
    expect(resourceNamed("example.com/npu")).toBeUndefined();
    expect(resourceNamed("example.com/npu", "example.com/npu")?.unit).toBe("npu");
  });
});
