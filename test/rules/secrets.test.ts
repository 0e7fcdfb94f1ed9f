import { describe, expect, it } from "vitest";
import { maskFor } from "../../src/rules/secrets.ts";
import { findingsOn, serving } from "./judging.ts";

describe("what stands before the @ of a URL", () => {
  const mask = maskFor({});
  it.each([
    ["redis://user:s3cret-word@cache:6379", "redis://***@cache:6379"],
    ["use http://token@proxy:1 or http://b:c@d", "use http://***@proxy:1 or http://***@d"],
    ['"https://u:p@ss@host/path?a=b@c"', '"https://***@host/path?a=b@c"'],
    ["redis://user:s3cret-wo…", "redis://***…"],
  ])("of %s is taken out", (text, shown) => {
    expect(mask(text)).toBe(shown);
  });

  it.each(["https://host/a@b", "http://h?u@h", "git@host:repo", "see http://h, mail a@b"])(
    "is nothing in %s",
    (text) => {
      expect(mask(text)).toBe(text);
    },
  );

  it("is in no message, fix or value of a finding, wherever in the object it stands", () => {
    const url = "redis://user:s3cret-word@cache:6379";
    const object = serving({
      command: ["vllm", "serve", "m", "--tensor-parallel-size=3", "--data-parallel-adress", url],
      env: [
        { name: "LMCACHE_REMOTE_URL", value: url },
        { name: "HCCL_IF_IP", value: url },
      ],
      resources: { limits: { "huawei.com/ascend-1980": url } },
    });
    const findings = findingsOn(object);
    expect(findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(findings)).not.toContain("s3cret-word");
  });
});
