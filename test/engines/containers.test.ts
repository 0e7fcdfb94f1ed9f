import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/api/json.ts";
import {
  asksForNpus,
  engineContainers,
  helperOf,
  isNativeSidecar,
  isNpuResource,
  npuResourcesOf,
  otherAcceleratorOf,
  otherVendorOf,
  parseNpuCount,
} from "../../src/engines/containers.ts";

const NPU = "huawei.com/ascend-1980";

describe("resource names", () => {
  test.each([
    ["huawei.com/ascend-1980", true],
    ["huawei.com/ascend-310", true],
    ["huawei.com/Ascend910", true],
    ["huawei.com/Ascend310P", true],
    ["huawei.com/Ascend910-8c", true],
    ["huawei.com/Ascend910B4-1", true],
    ["huawei.com/Ascend910A", true],
    ["huawei.com/npu", true],
    ["huawei.com/Ascend910B3-memory", false],
    ["huawei.com/Ascend910B3-core", false],
    ["huawei.com/npu-core", true],
    ["huawei.com/ascend-1980-x", false],
    ["huawei.com/AscendReal/x", false],
    ["nvidia.com/gpu", false],
    ["cpu", false],
  ])("%s means NPUs: %s", (name, expected) => {
    expect(isNpuResource(name)).toBe(expected);
  });

  test.each([
    ["nvidia.com/gpu", "NVIDIA"],
    ["nvidia.com/mig-1g.5gb", "NVIDIA"],
    ["nvidia.com/gpu.shared", "NVIDIA"],
    ["aliyun.com/gpu-mem", "NVIDIA"],
    ["amd.com/gpu", "AMD"],
    ["gpu.intel.com/i915", "Intel"],
    ["habana.ai/gaudi", "Intel"],
    ["google.com/tpu", "Google"],
    ["aws.amazon.com/neuroncore", "AWS"],
    ["cambricon.com/mlu", "Cambricon"],
    ["mthreads.com/vgpu", "Moore Threads"],
    ["metax-tech.com/gpu", "MetaX"],
    ["iluvatar.com/gpu", "Iluvatar"],
    ["hygon.com/dcu", "Hygon"],
    ["kunlunxin.com/xpu", "Kunlunxin"],
    ["huawei.com/ascend-1980", undefined],
    ["cpu", undefined],
    ["rdma/hca", undefined],
  ])("%s is %s's", (name, vendor) => {
    expect(otherVendorOf(name)).toBe(vendor);
  });

  test("both sides of a container", () => {
    const container = {
      resources: { limits: { [NPU]: "8", cpu: 1 }, requests: { [NPU]: 4, "huawei.com/npu": "1" } },
    };
    expect(npuResourcesOf(container)).toEqual([
      { name: NPU, unit: "npu", limit: "8", request: 4 },
      { name: "huawei.com/npu", unit: "npu", request: "1" },
    ]);
    expect(asksForNpus(container)).toBe(true);
    expect(asksForNpus({ resources: { limits: { [NPU]: "0" }, requests: { [NPU]: 0 } } })).toBe(false);
    expect(asksForNpus({ resources: { limits: { [NPU]: "many" } } })).toBe(true);
    expect(asksForNpus({ resources: { limits: { "huawei.com/Ascend910B3-memory": "8" } } })).toBe(false);
    expect(otherAcceleratorOf({ resources: { requests: { "amd.com/gpu": 1 } } })).toEqual({
      name: "amd.com/gpu",
      vendor: "AMD",
    });
    expect(otherAcceleratorOf({ resources: { limits: { "nvidia.com/gpu": "0" } } })).toBeUndefined();
  });
});

describe("numbers of NPUs", () => {
  test.each<[Json, number | string]>([
    ["8", 8],
    [8, 8],
    ["8000m", 8],
    ["1009000m", 1009],
    ["8.000", 8],
    ["8.", 8],
    ["+8", 8],
    ["08", 8],
    ["1k", 1000],
    ["1Ki", 1024],
    ["0.5k", 500],
    ["0.5Ki", 512],
    ["1e1", 10],
    ["1E1", 10],
    ["80e-1", 8],
    ["0", 0],
    ["-0", 0],
    ["0m", 0],
    ["8000000u", 8],
    [0.5, "fractional"],
    ["0.5", "fractional"],
    ["500m", "fractional"],
    ["1e-1", "fractional"],
    ["8.000000001", "fractional"],
    ["0.3Ki", "fractional"],
    ["-1", "negative"],
    [-8, "negative"],
    ["-500m", "negative"],
    ["", "unreadable"],
    ["eight", "unreadable"],
    [" 8", "unreadable"],
    ["8 ", "unreadable"],
    ["8K", "unreadable"],
    ["1e", "unreadable"],
    ["1kk", "unreadable"],
    [".", "unreadable"],
    ["1.2.3", "unreadable"],
    ["0x8", "unreadable"],
    ["$(NPUS)", "unreadable"],
    ["1E", "unreadable"],
    ["9e999", "unreadable"],
    [1e300, "unreadable"],
    [null, "unreadable"],
    [true, "unreadable"],
    [["8"], "unreadable"],
    [{}, "unreadable"],
    ["1".repeat(100_000), "unreadable"],
  ])("%j gives %s", (value, expected) => {
    const found = parseNpuCount(value);
    expect(found.ok ? found.count : found.why).toBe(expected);
  });

  test("whole numbers in any writing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.nat(6), (count, zeros) => {
        const expected = { ok: true, count };
        expect(parseNpuCount(count)).toEqual(expected);
        expect(parseNpuCount(`${count * 1000}m`)).toEqual(expected);
        expect(parseNpuCount(`${count}.${"0".repeat(zeros)}`)).toEqual(expected);
        expect(parseNpuCount(`${count}${"0".repeat(zeros)}e-${zeros}`)).toEqual(expected);
      }),
    );
  });
});

describe("engine containers", () => {
  const names = ["vllm", "engine", "leader", "worker"];
  const box = (name: string, more: JsonObject = {}): JsonObject => ({ name, ...more });
  const npus = { resources: { requests: { [NPU]: "8" } } };
  const find = (containers: Json, annotation?: string) => {
    const found = engineContainers({ containers }, { annotation, names });
    return found.ok
      ? found.containers.map((item) => `${item.index} ${item.name} ${item.found}`).join(", ")
      : found.reason;
  };

  test.each<[string, Json, string | undefined, string]>([
    ["the one with NPUs", [box("runtime"), box("a", npus), box("vllm")], undefined, "1 a npu-resource"],
    ["two with NPUs", [box("a", npus), box("b", npus)], undefined, "0 a npu-resource, 1 b npu-resource"],
    ["NPUs beat the annotation", [box("a", npus), box("b")], "b", "0 a npu-resource"],
    ["the annotation", [box("a"), box("vllm")], "a", "0 a annotation"],
    [
      "an annotation that is wrong",
      [box("a"), box("vllm")],
      "x",
      "the annotation names x, but the containers are a, vllm",
    ],
    [
      "an annotation for runtime",
      [box("runtime"), box("vllm")],
      "runtime",
      "the annotation names runtime, which never runs an engine",
    ],
    ["a known name", [box("a"), box("vllm")], undefined, "1 vllm name"],
    ["an empty annotation", [box("a"), box("vllm")], "", "1 vllm name"],
    ["two known names", [box("leader"), box("vllm")], undefined, "0 leader name, 1 vllm name"],
    ["the only one", [box("x")], undefined, "0 x only-container"],
    [
      "the only one beside helpers",
      [box("runtime"), box("x"), box("istio-proxy"), box("log-sidecar")],
      undefined,
      "1 x only-container",
    ],
    ["runtime with NPUs", [box("runtime", npus), box("x")], undefined, "1 x only-container"],
    ["several", [box("x"), box("y")], undefined, "several could be the engine: x, y"],
    ["helpers alone", [box("runtime")], undefined, "none of the containers is an engine: runtime"],
    ["none", [], undefined, ""],
    ["no list", "x", undefined, ""],
  ])("%s", (_, containers, annotation, expected) => {
    expect(find(containers, annotation)).toBe(expected);
  });

  test.each([
    [{ name: "runtime" }, "runtime"],
    [{ name: "downloader" }, "downloader"],
    [{ name: "m-model-downloader" }, "downloader"],
    [{ name: "x", image: "ghcr.io/volcano-sh/runtime:latest" }, "runtime"],
    [{ name: "x", image: "local:5000/volcano-sh/downloader@sha256:0" }, "downloader"],
    [{ name: "kv-sidecar" }, "sidecar"],
    [{ name: "vllm", image: "x/runtime:1" }, undefined],
    [{}, undefined],
  ])("%j is a helper: %s", (container, expected) => {
    expect(helperOf(container)).toBe(expected);
  });

  test("native sidecars are told by their restart policy", () => {
    expect(isNativeSidecar({ restartPolicy: "Always" })).toBe(true);
    expect(isNativeSidecar({})).toBe(false);
  });

  test("never throws, whatever the pod", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.jsonValue()), (spec, containers) => {
        engineContainers(spec as Json, { names });
        engineContainers({ containers: containers as Json[] }, { names, annotation: "x" });
      }),
    );
  });
});
