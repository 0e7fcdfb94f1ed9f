import { describe, expect, it } from "vitest";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { isOlder, parsePinned, pinnedText } from "../../src/defaults/pinned.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { complete, defaultsWith, stored, workload } from "../kv/pair.ts";

const SETTINGS = "kthena-ascend.io/settings";
const INJECT = { "kthena-ascend.io/inject": "true" };
const plain = (annotations: Record<string, string> = INJECT): JsonObject =>
  workload({ server: { args: ["-tp", "4"] } }, annotations);
const pair = (connector: string): JsonObject =>
  workload(
    { prefill: { args: ["-tp", "4"] }, decode: { args: ["-tp", "2"] } },
    { ...INJECT, "kthena-ascend.io/kv-connector": connector },
  );
const textOf = (object: JsonObject): string =>
  String(objectOf(objectOf(object.metadata).annotations)[SETTINGS]);
const baseOf = (object: JsonObject): JsonObject => objectOf(objectOf(JSON.parse(textOf(object))).base);

/** A site that says something everywhere; each mark tells which part of it is to be seen. */
const SITE: JsonObject = {
  hardwareBySelector: [{ nodeSelector: { pool: "mark-pool" }, hardware: "a3" }],
  hccl: { socketIfname: "bond0", env: { SITE_VARIABLE: "mark-env" } },
  driverMounts: { extra: [{ name: "site", hostPath: "/mark-mount", when: "device-network" }] },
  scheduling: {
    queue: "mark-queue",
    nodeSelector: { zone: "mark-zone" },
    tolerations: [{ key: "mark-taint", operator: "Exists" }],
  },
  rules: { "npu/count-shape": "warn" },
  kvConnectors: {
    mooncake: {
      masterAddress: "mark-master:50051",
      env: { MOON: "mark-moon" },
      sidecars: [{ name: "mark-sidecar", container: { image: "mark-image" } }],
    },
    lmcache: {
      remoteUrl: "redis://mark-store:6379",
      env: { LM: { valueFrom: { secretKeyRef: { name: "mark-secret", key: "k" } } } },
    },
  },
};
const site = defaultsWith(SITE);
const marks = (object: JsonObject): string[] =>
  [...new Set(textOf(object).match(/mark-[a-z]+/g) ?? [])].sort();

describe("the annotation settings tells what the additions came from, and nothing else", () => {
  it("of an engine by itself", () => {
    const { object } = complete(plain(), site);
    expect(marks(object)).toEqual(["mark-env", "mark-queue", "mark-taint", "mark-zone"]);
    expect(baseOf(object)).toMatchObject({ format: 2, hccl: { socketIfname: "bond0" } });
    expect(Object.keys(baseOf(object))).not.toContain("rules");
  });

  it("of a pair with a connector: that one, and what the pods of a pair mount", () => {
    expect(marks(complete(pair("mooncake"), site).object)).toEqual([
      "mark-env",
      "mark-master",
      "mark-moon",
      "mark-mount",
      "mark-queue",
      "mark-taint",
      "mark-zone",
    ]);
    const lmcache = marks(complete(pair("lmcache"), site).object);
    expect(lmcache).toContain("mark-store");
    expect(lmcache).toContain("mark-secret");
    expect(lmcache).not.toContain("mark-master");
  });

  it("not the value of a variable that the user set, nor a pool that its pods do not choose", () => {
    const own = workload(
      { server: { args: ["-tp", "4"], container: { env: [{ name: "SITE_VARIABLE", value: "own" }] } } },
      INJECT,
    );
    expect(marks(complete(own, site).object)).not.toContain("mark-env");
    const pooled = workload(
      { server: { args: ["-tp", "4"], spec: { nodeSelector: { pool: "mark-pool" } } } },
      INJECT,
    );
    expect(marks(complete(pooled, site).object)).toContain("mark-pool");
  });
});

describe("what an object did not pin", () => {
  const later = defaultsWith({
    ...SITE,
    hccl: { socketIfname: "eth9", env: { SITE_VARIABLE: "later", ANOTHER: "x" } },
    startupProbe: { periodSeconds: 99 },
    kvConnectors: { mooncake: { masterAddress: "later:1" } },
  });
  const read = (object: JsonObject, today: ResolvedDefaults): ResolvedDefaults => {
    const pinned = parsePinned(textOf(object), today);
    if (!pinned) throw new Error("should be read");
    return pinned.base;
  };

  it("comes from today's defaults, never from built-in ones", () => {
    const { settings } = read(complete(plain(), site).object, later);
    expect(settings.kvConnectors.mooncake.masterAddress).toBe("later:1");
    expect(settings.startupProbe.periodSeconds).toBe(99);
    expect(settings.rules).toEqual(later.settings.rules);
  });

  it("is kept apart from what it did pin, down to the variables", () => {
    const { settings } = read(complete(plain(), site).object, later);
    expect(settings.hccl).toEqual({
      socketIfname: "bond0",
      hostNetworkIfname: "",
      env: { SITE_VARIABLE: "mark-env" },
    });
  });

  it("is all that it was while the defaults are as they were", () => {
    for (const object of [plain(), pair("mooncake"), pair("lmcache")]) {
      const { mode: _m, rules: _r, ...settings } = read(complete(object, site).object, site).settings;
      const { mode: _mode, rules: _rules, kvConnectors, ...rest } = site.settings;
      expect(settings).toMatchObject(rest as object);
      expect(settings.kvConnectors.lmcache).toEqual(kvConnectors.lmcache);
    }
  });

  it("is the same when the annotation is read over what was read of it", () => {
    const older = pinnedText(site.text, {});
    const unit = textOf(complete(plain(), site).object).replace(/}$/, ',"units":{"server":{}}}');
    for (const text of [textOf(complete(pair("lmcache"), site).object), older, unit]) {
      const once = parsePinned(text, later);
      if (!once) throw new Error("should be read");
      const { settings, ...rest } = once.base;
      // Other objects, so that nothing tells that they are the ones.
      const afresh = parsePinned(text, { settings: { ...settings }, ...rest });
      const again = parsePinned(text, once.base);
      expect(again).toEqual(afresh);
      expect(again?.base).toEqual(once.base);
      expect(again?.base).not.toBe(once.base);
    }
  });

  it("of a v1 annotation is what that release did not know", () => {
    const base = { hccl: { socketIfname: "eth8" } };
    const { settings } = parsePinned(JSON.stringify({ v: 1, base }), later)?.base ?? later;
    expect(settings.hccl.socketIfname).toBe("eth8");
    expect(settings.startupProbe.periodSeconds).toBe(99);
  });
});

describe("stored annotations", () => {
  it("of an older release are scrubbed at the next change, and nothing else of the object is touched", () => {
    const before = stored(complete(plain(), site));
    const annotations = objectOf(objectOf(before.metadata).annotations);
    annotations[SETTINGS] = pinnedText(site.text, {});
    expect(marks(before)).toContain("mark-master");
    const changed = { ...before, metadata: { ...objectOf(before.metadata), labels: { team: "a" } } };
    const { object } = complete(changed, site, before);
    expect(object.spec).toEqual(before.spec);
    expect(marks(object)).not.toContain("mark-master");
    expect(stored(complete(object, site, object))).toEqual(stored({ object, units: [], additions: [] }));
  });

  it("keep what was pinned when they are, whatever the defaults say by then", () => {
    const before = stored(complete(plain(), site));
    objectOf(objectOf(before.metadata).annotations)[SETTINGS] = pinnedText(site.text, {});
    const next = complete(before, resolveDefaults([]), before).object;
    expect(next.spec).toEqual(before.spec);
    expect(marks(next)).toEqual(["mark-env", "mark-queue", "mark-taint", "mark-zone"]);
  });

  it("of today are left as they stand, and say whether other defaults hold now", () => {
    const before = stored(complete(pair("mooncake"), site));
    expect(complete(before, site, before).object).toEqual(before);
    expect(isOlder(textOf(before), site)).toBe(false);
    expect(isOlder(textOf(before), defaultsWith({ ...SITE, rules: {}, mode: "audit" }))).toBe(false);
    expect(isOlder(textOf(before), resolveDefaults([]))).toBe(true);
    expect(isOlder("", site)).toBe(false);
  });
});

describe("the previous release", () => {
  /** How it reads the annotation: version 1 only, and what is missing from its built-in settings. */
  const asBefore = (text: string): JsonObject => {
    const { v, base } = JSON.parse(text) as { v: number; base: JsonObject };
    if (v !== 1) throw new Error("read as if nothing were pinned");
    const filled = (value: JsonObject, builtIn: JsonObject): JsonObject => {
      const merged: JsonObject = { ...value };
      for (const [key, standard] of Object.entries(builtIn))
        merged[key] =
          key in merged
            ? typeof standard === "object" && !Array.isArray(standard)
              ? filled(objectOf(merged[key]), objectOf(standard))
              : merged[key]
            : standard;
      return merged;
    };
    return filled(base, resolveDefaults([]).settings as unknown as JsonObject);
  };

  it("finds everything that went into the object, in the form that it knows", () => {
    const settings = asBefore(textOf(complete(pair("lmcache"), site).object));
    expect(settings).toMatchObject({
      hccl: { socketIfname: "bond0", env: { SITE_VARIABLE: "mark-env" } },
      scheduling: { nodeSelector: { zone: "mark-zone" } },
      kvConnectors: { lmcache: { remoteUrl: "redis://mark-store:6379", env: {} } },
      sharedMemory: { enabled: true, sizeLimit: "16Gi" },
    });
  });

  it("writes the part back as it is, and today's reads it again", () => {
    const text = textOf(complete(pair("lmcache"), site).object);
    const rewritten = JSON.stringify({ base: objectOf(JSON.parse(text)).base, v: 1 });
    expect(parsePinned(rewritten, site)?.base.settings).toEqual(parsePinned(text, site)?.base.settings);
    expect(parsePinned(rewritten, site)?.base.settings.kvConnectors.lmcache.env).toEqual(
      site.settings.kvConnectors.lmcache.env,
    );
  });
});

describe("an annotation that somebody forged", () => {
  const today = site;

  it.each<[string, unknown]>([
    ["nothing", ""],
    ["no JSON", "nonsense"],
    ["another version", '{"v":2,"base":{}}'],
    ["no base", "{}"],
    ["a list", "[]"],
    ["5,000 levels", `{"v":1,"base":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`],
    ["a number", 7],
  ])("is none: %s", (_name, text) => {
    expect(parsePinned(text as string, today)).toBeUndefined();
  });

  it.each<[string, JsonObject]>([
    ["texts for objects", { hccl: "x", npu: [], scheduling: 1, kvConnectors: null, gang: "off" }],
    ["wrong values", { hardware: "constructor", platform: "__proto__", fabric: 1, engineContainers: [{}] }],
    ["wrong lists", { driverMounts: [{ name: 1 }], hardwareBySelector: [null], asks: { a: 1 } }],
    ["wrong maps", { hccl: { env: { A: 1 } }, scheduling: { nodeSelector: [] }, hardwareFacts: { a2: {} } }],
    ["wrong sidecars", { kvConnectors: { mooncake: { sidecars: [{}], versions: "x", env: [] } } }],
    [
      "odd keys",
      { constructor: {}, toString: 1, open: [], valuesFrom: { "__proto__.x": 1, "a.b": {} }, format: 2 },
    ],
  ])("never gives a shape that settings do not have: %s", (_name, base) => {
    const pinned = parsePinned(JSON.stringify({ v: 1, base: { ...base, hardwareSet: true } }), today);
    const { fabric: _f, hardwareSet: _h, ...expected } = today.settings;
    expect(pinned?.base.settings).toMatchObject(expected);
    expect(({} as JsonObject).x).toBeUndefined();
  });

  it("of a unit called constructor is that unit's", () => {
    const text = '{"v":1,"base":{},"units":{"constructor":{"hccl":{"socketIfname":"eth7"}}}}';
    const units = parsePinned(text, today)?.units ?? {};
    expect(Object.keys(units)).toEqual(["constructor"]);
  });
});
