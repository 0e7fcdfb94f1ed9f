import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { imageFacts, isAtLeast } from "../../src/engines/images.ts";

describe("references", () => {
  test.each([
    ["vllm", undefined, "vllm", undefined, undefined],
    ["vllm:v1", undefined, "vllm", "v1", undefined],
    ["quay.io/ascend/vllm-ascend:v0.11.0", "quay.io", "ascend/vllm-ascend", "v0.11.0", undefined],
    ["host:5000/img", "host:5000", "img", undefined, undefined],
    ["host:5000/a/img:t@sha256:0f", "host:5000", "a/img", "t", "sha256:0f"],
    ["localhost/img@sha256:0f", "localhost", "img", undefined, "sha256:0f"],
    ["ascend/vllm-ascend", undefined, "ascend/vllm-ascend", undefined, undefined],
    ["", undefined, "", undefined, undefined],
  ])("%s", (image, registry, repository, tag, digest) => {
    const facts = imageFacts(image);
    expect([facts.registry, facts.repository, facts.tag, facts.digest]).toEqual([
      registry,
      repository,
      tag,
      digest,
    ]);
  });
});

describe("what an image holds", () => {
  /** build, engine, version, chip, os. */
  const holds = (image: string) => {
    const { build, engine, version, chip, os, ascend } = imageFacts(image);
    const parts = [
      build,
      engine ?? "?",
      version?.text ?? "?",
      chip ?? "-",
      os ?? "-",
      ascend ? "ascend" : "-",
    ];
    return parts.join(" ");
  };
  test.each([
    ["quay.io/ascend/vllm-ascend:v0.11.0rc1", "vllm-ascend vllm 0.11.0rc1 - - ascend"],
    ["quay.io/ascend/vllm-ascend:v0.11.0rc1-a3", "vllm-ascend vllm 0.11.0rc1 910C - ascend"],
    ["mirror:5000/x/vllm-ascend:v0.11.0-a3-openeuler", "vllm-ascend vllm 0.11.0 910C openeuler ascend"],
    ["quay.io/ascend/vllm-ascend:v0.9.1-310p-openeuler", "vllm-ascend vllm 0.9.1 310P openeuler ascend"],
    ["quay.io/ascend/vllm-ascend:main-a3", "vllm-ascend vllm ? 910C - ascend"],
    ["quay.io/ascend/vllm-ascend:releases-v0.13.0", "vllm-ascend vllm 0.13.0 - - ascend"],
    ["quay.io/ascend/vllm-ascend:v0.18", "vllm-ascend vllm 0.18 - - ascend"],
    ["quay.io/ascend/vllm-ascend@sha256:0a3f", "vllm-ascend vllm ? - - ascend"],
    [
      "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5",
      "kthena-engine vllm 0.10.1rc1 - - ascend",
    ],
    ["ghcr.io/volcano-sh/kthena-engine:latest", "kthena-engine ? ? - - -"],
    ["vllm/vllm-openai:v0.10.0-cu128-nixl-v0.4.1-lmcache-0.3.2", "vllm-openai vllm 0.10.0 - - -"],
    ["vllm/vllm-openai-cpu:latest", "vllm-openai vllm ? - - -"],
    ["lmsysorg/sglang:v0.5.2-cann8.2.rc1-a3", "sglang sglang 0.5.2 910C - ascend"],
    ["swr.cn-south-1.example.com/ascendhub/mindie:2.0.RC2-800I-A2-py311", "mindie mindie ? 910B - ascend"],
    ["r/team/my-vllm-thing:3", "other vllm ? - - -"],
    ["nginx:1.27", "other ? ? - - -"],
  ])("%s holds %s", (image, expected) => {
    expect(holds(image)).toBe(expected);
  });

  test.each([
    ["quay.io/ascend/vllm-ascend:main", true],
    ["mirror:5000/x/vllm-ascend:nightly-a3", true],
    ["quay.io/ascend/vllm-ascend:nightly-releases-v0.13.0", undefined],
    ["quay.io/ascend/vllm-ascend:latest", undefined],
    ["r/team/my-vllm:main", undefined],
  ])("%s follows the main branch: %s", (image, newest) => {
    expect(imageFacts(image).newest).toBe(newest);
  });

  test("Kthena's own image, the stock one, and Mooncake", () => {
    const own = imageFacts("ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5");
    expect(own).toMatchObject({ kthenaEngine: true, stockVllmAscend: false, mooncakeVersion: "0.3.5" });
    expect(own.version).toEqual({ text: "0.10.1rc1", major: 0, minor: 10, patch: 1, candidate: 1 });
    const stock = imageFacts("local:5000/mirror/vllm-ascend:v0.18.0");
    expect(stock).toMatchObject({ kthenaEngine: false, stockVllmAscend: true });
    expect(stock.version && isAtLeast(stock.version, 0, 18)).toBe(true);
    expect(stock.version && isAtLeast(stock.version, 0, 19)).toBe(false);
    expect(stock.version && isAtLeast(stock.version, 1, 0)).toBe(false);
  });

  test("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string(), (image) => {
        expect(imageFacts(image).build).toBeTypeOf("string");
      }),
    );
  });
});
