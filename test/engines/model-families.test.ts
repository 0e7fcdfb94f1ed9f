import { describe, expect, it } from "vitest";
import { modelFamily } from "../../src/engines/model-families.ts";

describe("a model's name", () => {
  it.each([
    ["deepseek-ai/DeepSeek-V4-Flash", { hybrid: "compressed", moe: true }],
    ["/mnt/weights/DeepSeek-V4-Pro-w4a8/", { hybrid: "compressed", moe: true }],
    [
      "/root/.cache/models--deepseek-ai--DeepSeek-V4-Flash/snapshots/0a1b",
      { hybrid: "compressed", moe: true },
    ],
    ["Qwen/Qwen3-Next-80B-A3B-Instruct", { hybrid: "mamba", moe: true }],
    ["/models/Qwen3.5-397B-A17B-w8a8", { hybrid: "mamba" }],
    ["Qwen/Qwen3.6-27B", { hybrid: "mamba" }],
    ["Qwen/Qwen3-32B", { moe: false }],
    ["/models/Qwen3-32B", { moe: false }],
    ["Qwen/Qwen2.5-0.5B-Instruct", { moe: false }],
    ["Qwen/Qwen3-30B-A3B", { moe: true }],
    ["Qwen/Qwen3-235B-A22B", { moe: true }],
    ["deepseek-ai/DeepSeek-R1-0528", { moe: true }],
    ["deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", { moe: false }],
    ["/models/GLM-5.1-w4a8", { moe: true }],
    ["meta-llama/Llama-3.1-8B-Instruct", { moe: false }],
    ["/models/deepseek-v4/Qwen3-8B", { moe: false }],
    ["m", {}],
    ["/models/ours", {}],
    [undefined, {}],
  ])("%s tells %o", (model, family) => {
    expect(modelFamily(model)).toMatchObject(family);
    if (Object.keys(family).length === 0) expect(modelFamily(model)).toEqual({});
  });

  it("is looked at in linear time", () => {
    expect(modelFamily(`/models/${"qwen3-".repeat(10_000)}`)).toEqual({});
  });
});
