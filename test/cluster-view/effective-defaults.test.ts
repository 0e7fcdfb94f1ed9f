import { describe, expect, test } from "vitest";
import type { ConfigMap } from "../../src/cluster/config-map.ts";
import { effectiveCluster, effectiveNamespace } from "../../src/cluster/effective-defaults.ts";
import { fitted, isLater, lastGoodContents, readLastGood } from "../../src/cluster/last-good.ts";

const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
const good = `${HEAD}hardware: a3\n`;
const wrong = `${HEAD}hardwear: a3\n`;

function configMap(text: string): ConfigMap {
  return { metadata: { name: "kthena-ascend-defaults", namespace: "sys" }, data: { "defaults.yaml": text } };
}

describe("the cluster's document", () => {
  test("is the ConfigMap's where that is good", () => {
    const effective = effectiveCluster(configMap(good), "sys", undefined);
    expect(effective).toMatchObject({ from: "current", text: good, problems: [] });
    expect(effective.layer).toMatchObject({ source: "ConfigMap sys/kthena-ascend-defaults" });
  });

  test("is the last good one where the ConfigMap is wrong, is gone or lacks its key", () => {
    const empty = { metadata: { name: "kthena-ascend-defaults" }, data: { "default.yaml": good } };
    for (const current of [configMap(wrong), undefined, empty, configMap("")]) {
      const effective = effectiveCluster(current, "sys", good);
      expect(effective).toMatchObject({ from: "last-good", text: good });
      expect(effective.problems).not.toEqual([]);
    }
    expect(effectiveCluster(empty, "sys", good).problems[0]?.message).toBe(
      "is missing: there is only default.yaml",
    );
  });

  test("is none where there is nothing to fall back on, or only something wrong", () => {
    expect(effectiveCluster(configMap(wrong), "sys", undefined)).toMatchObject({
      from: "none",
      layer: undefined,
    });
    expect(effectiveCluster(configMap(wrong), "sys", wrong)).toMatchObject({
      from: "none",
      layer: undefined,
    });
  });

  test("that resolves to more than an object can carry is wrong", () => {
    const env = Array.from({ length: 2_000 }, (_, index) => `    V${index}: "${"x".repeat(20)}"\n`).join("");
    const effective = effectiveCluster(configMap(`${HEAD}hccl:\n  env:\n${env}`), "sys", undefined);
    expect(effective.from).toBe("none");
    expect(effective.problems[0]?.message).toMatch(/bytes/);
  });
});

describe("a namespace's document", () => {
  test("is none, and nothing is wrong, without a ConfigMap", () => {
    expect(effectiveNamespace(undefined, "team", good, [])).toMatchObject({ from: "none", problems: [] });
  });

  test("is the last good one where it is wrong, and left out where there is none", () => {
    expect(effectiveNamespace(configMap(wrong), "team", good, [])).toMatchObject({
      from: "last-good",
      text: good,
    });
    expect(effectiveNamespace(configMap(wrong), "team", undefined, [])).toMatchObject({ from: "none" });
  });
});

describe("the last good documents", () => {
  const kept = { cluster: good, version: "41", namespaces: { team: good, other: HEAD } };

  test("come back as they were written", () => {
    const { data, metadata } = lastGoodContents(kept);
    expect(readLastGood({ metadata: { name: "x", ...metadata }, ...(data ? { data } : {}) })).toEqual(kept);
  });

  test("that somebody changed do not count", () => {
    const { data, metadata } = lastGoodContents(kept);
    const changed = { metadata: { name: "x", ...metadata }, data: { ...data, "defaults.yaml": wrong } };
    expect(readLastGood(changed)).toBeUndefined();
    expect(readLastGood({ metadata: { name: "x" }, data: { "defaults.yaml": good } })).toBeUndefined();
    expect(readLastGood(undefined)).toBeUndefined();
  });

  test("fit a ConfigMap however many namespaces there are, the cluster's first", () => {
    const many = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, index) => [`n${index}`, "x".repeat(1_000)]),
    );
    const { data = {} } = lastGoodContents(fitted({ ...kept, namespaces: many }, undefined).kept);
    const bytes = Object.entries(data).reduce((sum, [key, text]) => sum + key.length + text.length, 0);
    expect(bytes).toBeLessThan(1024 * 1024);
    expect(data["defaults.yaml"]).toBe(good);
  });
});

test("versions are compared as numbers of any length, and what is no number is not later", () => {
  expect(isLater("100", "99")).toBe(true);
  expect(isLater("99", "100")).toBe(false);
  expect(isLater("90071992547409931", "90071992547409930")).toBe(true);
  expect(isLater("7", "7")).toBe(false);
  expect(isLater("7", "")).toBe(true);
  expect(isLater("", "7")).toBe(false);
  expect(isLater("x", "7")).toBe(false);
});
