import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { boosterRemarks } from "../../src/conditions/injection-remarks.ts";
import { readBooster, readServing } from "../../src/conditions/read.ts";
import { unansweredIn } from "../../src/conditions/unanswered.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { WorkloadKind } from "../../src/kinds/index.ts";

/** Who asked for injection and has nothing of it. */

const PREFIX = "kthena-ascend.io/";
const today = resolveDefaults([]);
const NPU = { limits: { "huawei.com/ascend-1980": "1" } };
const GPU = { limits: { "nvidia.com/gpu": "1" } };

function annotated(annotations: Record<string, string>): JsonObject {
  const entries = Object.entries(annotations).map(([key, value]) => [`${PREFIX}${key}`, value]);
  return { name: "m", namespace: "models", annotations: Object.fromEntries(entries) };
}

const recorded = (...units: string[]) =>
  JSON.stringify({
    v: 1,
    object: {},
    units: Object.fromEntries(units.map((unit) => [unit, { lean: "x", added: {} }])),
  });

interface RoleOptions {
  name?: string;
  asks?: Record<string, string>;
  resources?: JsonObject;
  command?: string[];
}

function serving(annotations: Record<string, string>, roles: RoleOptions[] = [{}]): JsonObject {
  return {
    metadata: annotated(annotations),
    spec: {
      template: {
        roles: roles.map(
          ({ name = "server", asks = {}, resources = {}, command = ["vllm", "serve", "m"] }) => ({
            name,
            entryTemplate: {
              metadata: annotated(asks),
              spec: { containers: [{ name: "engine", command, resources }] },
            },
          }),
        ),
      },
    },
  };
}

function booster(annotations: Record<string, string>, resources: JsonObject = {}): JsonObject {
  const workers = [{ type: "server", resources }];
  return { metadata: annotated(annotations), spec: { backend: { name: "b", type: "vLLM", workers } } };
}

describe("what asks and has no record", () => {
  const ROUTER = ["python", "-m", "sglang_router.launch_router"];

  test.each<[string, WorkloadKind, JsonObject, string | undefined]>([
    ["inject", "ModelServing", serving({ inject: "true" }), "inject:"],
    ["npus", "ModelServing", serving({ npus: "4" }), "npus:"],
    ["a new value of refresh", "ModelServing", serving({ refresh: "2" }, [{ resources: NPU }]), "refresh:"],
    ["hardware, with NPUs", "ModelServing", serving({ hardware: "a3" }, [{ resources: NPU }]), "hardware:"],
    ["hardware, and no NPUs", "ModelServing", serving({ hardware: "a3" }), "hardware:no-npu"],
    ["NPUs alone, which its pods tell of", "ModelServing", serving({}, [{ resources: NPU }]), undefined],
    ["nothing", "ModelServing", serving({}), undefined],
    ["an exemption from rules", "ModelServing", serving({ allow: "npu/x" }), undefined],
    ["to be left alone", "ModelServing", serving({ inject: "false", hardware: "a3" }), undefined],
    ["it was answered", "ModelServing", serving({ inject: "true", injected: recorded("server") }), undefined],
    [
      "beside another vendor's",
      "ModelServing",
      serving({ inject: "true" }, [{ resources: GPU }]),
      "inject:other-vendor",
    ],
    ["a router", "ModelServing", serving({ inject: "true" }, [{ command: ROUTER }]), "inject:no-engine"],
    [
      "roles that cannot be told apart",
      "ModelServing",
      serving({ inject: "true" }, [{}, {}]),
      "inject:no-units",
    ],
    ["a role for itself", "ModelServing", serving({}, [{ asks: { inject: "true" } }]), "inject:@server"],
    [
      "a role for itself, against the object",
      "ModelServing",
      serving({ inject: "false" }, [{ asks: { inject: "true" } }]),
      "inject:@server",
    ],
    [
      "a role that does not want it, against the object",
      "ModelServing",
      serving({ inject: "true" }, [{ asks: { inject: "false" } }]),
      undefined,
    ],
    [
      "a role that came later",
      "ModelServing",
      serving({ inject: "true", injected: recorded("server") }, [{}, { name: "later" }]),
      "inject:",
    ],
    [
      "a router beside an engine that was completed",
      "ModelServing",
      serving({ inject: "true", injected: recorded("server") }, [{}, { name: "router", command: ROUTER }]),
      undefined,
    ],
    [
      "an engine beside a router, the engine is told",
      "ModelServing",
      serving({ inject: "true" }, [{ name: "router", command: ROUTER }, {}]),
      "inject:",
    ],
    ["inject", "ModelBooster", booster({ inject: "true" }), "inject:"],
    ["NPUs", "ModelBooster", booster({}, NPU), ":"],
    ["hardware, and no NPUs", "ModelBooster", booster({ hardware: "a3" }), "hardware:no-npu"],
    ["NPUs, to be left alone", "ModelBooster", booster({ inject: "false" }, NPU), undefined],
    ["beside another vendor's", "ModelBooster", booster({ inject: "true" }, GPU), "inject:other-vendor"],
    ["another vendor's alone", "ModelBooster", booster({}, GPU), undefined],
    ["it was answered", "ModelBooster", booster({ injected: recorded("server") }, NPU), undefined],
    ["a record that is none", "ModelBooster", booster({ injected: "{" }, NPU), ":"],
    ["nothing that can be read", "ModelBooster", { metadata: 1, spec: [] } as never, undefined],
  ])("%s on a %s", (_what, kind, object, expected) => {
    const found = unansweredIn(kind, object);
    const unit = found?.unit ? `@${found.unit}` : "";
    expect(found && `${found.by.replace(PREFIX, "")}:${found.skip}${unit}`).toBe(expected);
  });

  test("its owner or namespace may be the one who asks", () => {
    const around = { [`${PREFIX}inject`]: "true" };
    expect(unansweredIn("ModelServing", serving({}), around)).toMatchObject({ skip: "" });
    expect(unansweredIn("ModelServing", serving({ inject: "false" }), around)).toBeUndefined();
    expect(readServing(serving({})).ifAsked).toMatchObject({ skip: "" });
    expect(readServing(serving({}, [{ resources: GPU }])).ifAsked).toBeUndefined();
    expect(readServing(serving({ injected: recorded("server") })).ifAsked).toBeUndefined();
  });
});

describe("a ModelBooster that asks", () => {
  const remarks = (object: JsonObject, servings: JsonObject[] = [], settings = today) =>
    boosterRemarks(readBooster(object), servings.map(readServing), settings);
  const complete = serving({ injected: recorded("server") });

  test("is told with who asks, why nothing was done, and what to do", () => {
    expect(remarks(booster({}, NPU))).toEqual([
      {
        reason: "InjectionSkipped",
        type: "Warning",
        note: "ModelBooster models/m names NPUs, but nothing was injected: it was stored before the installation, while the webhook was away, or where the webhook is not asked (kthena-ascend explain tells which). Where it is asked, set the annotation kthena-ascend.io/refresh to a new value on it, which restarts its pods",
      },
    ]);
    const [gpu] = remarks(booster({ inject: "true" }, GPU), [complete]);
    expect(gpu?.note).toContain(
      "it asks for another vendor's accelerator; remove that resource, or kthena-ascend.io/inject",
    );
  });

  test("is told what to remove where it names both vendors'", () => {
    const both = { limits: { ...NPU.limits, ...GPU.limits } };
    expect(remarks(booster({}, both))[0]?.note).toMatch(/; remove that resource, or the NPUs$/);
  });

  test("is not told where Kthena's ModelServing of it was completed", () => {
    expect(remarks(booster({}, NPU), [complete])).toEqual([]);
    expect(remarks(booster({}, NPU), [complete, serving({})])).toHaveLength(1);
  });

  test("is not told in audit mode, nor while it is being deleted", () => {
    const audit = resolveDefaults([{ source: "x", document: { mode: "audit" } } as never]);
    expect(remarks(booster({}, NPU), [], audit)).toEqual([]);
    const going = booster({}, NPU);
    going.metadata = { ...(going.metadata as JsonObject), deletionTimestamp: "2026-11-25T03:00:00Z" };
    expect(remarks(going)).toEqual([]);
  });

  test("is asked for by its namespace too", () => {
    const asks = { [`${PREFIX}inject`]: "true" };
    const asking = resolveDefaults([], { name: "models", document: undefined, asks });
    expect(remarks(booster({}), [], asking)).toHaveLength(1);
    expect(remarks(booster({}))).toEqual([]);
    expect(remarks(booster({ inject: "false" }), [], asking)).toEqual([]);
  });
});
