import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import {
  ASKED,
  complete,
  containerIn,
  defaultsWith,
  generatedIn,
  type RoleInput,
  roleIn,
  stored,
  workload,
} from "./pair.ts";

const size = fc.constantFrom(1, 2, 3, 4, 8, 16);
const sizes = fc.record({ tp: size, pp: fc.constantFrom(1, 1, 2), dp: fc.constantFrom(1, 2, 4, 32, 64) });
const port = fc.oneof(fc.integer({ min: 1024, max: 65535 }), fc.integer({ min: 35990, max: 36200 }));
const role = fc.record({
  sizes,
  ports: fc.array(port, { maxLength: 6 }),
  api: fc.option(port),
  written: fc.constantFrom<string[]>(
    [],
    [],
    [],
    [
      "--kv-transfer-config",
      '{"kv_connector":"MooncakeConnectorV1", "kv_role":"kv_both","kv_port":  "37000"}',
    ],
    ['--kv-transfer-config={"kv_connector":"LMCacheAscendConnectorV1Dynamic"}'],
    ["--kv_transfer_config", "not JSON at all"],
  ),
  image: fc.constantFrom("v0.10.1rc1", "v0.11.0", "v0.18.0-a3"),
  hostNetwork: fc.boolean(),
  extra: fc.constantFrom<string[]>([], ["--max-model-len", "8192"], ["--enforce-eager"]),
  replicas: fc.integer({ min: 0, max: 3 }),
  seed: fc.constantFrom<(string | undefined)[]>(undefined, undefined, "7"),
});
type Role = typeof role extends fc.Arbitrary<infer T> ? T : never;

const settings = fc
  .record({
    hardware: fc.constantFrom("a2", "a3"),
    master: fc.constantFrom("", "", "mooncake:50051"),
    prefillPort: fc.constantFrom(36000, 40000, 59000 - 100),
    proxy: fc.boolean(),
  })
  .map(({ hardware, master, prefillPort, proxy }) =>
    defaultsWith({
      hardware,
      kvConnectors: {
        mooncake: {
          masterAddress: master,
          prefillPort,
          sidecars: [{ name: "kv-routing-proxy", enabled: proxy }],
        },
      },
    }),
  );

const connector = fc.constantFrom("mooncake", "mooncake", "lmcache");

function input({ sizes, ports, api, written, image, hostNetwork, extra, replicas, seed }: Role): RoleInput {
  const given = [
    `--tensor-parallel-size=${sizes.tp}`,
    "-pp",
    `${sizes.pp}`,
    "--data-parallel-size",
    `${sizes.dp}`,
  ];
  const apiPort = api === null ? [] : ["--port", String(api)];
  return {
    args: [...given, ...apiPort, ...extra, ...written],
    container: {
      image: `quay.io/ascend/vllm-ascend:${image}`,
      ports: [...new Set(ports)].map((containerPort) => ({ containerPort })),
      ...(seed === undefined ? {} : { env: [{ name: "PYTHONHASHSEED", value: seed }] }),
    },
    spec: { hostNetwork },
    annotations: { "kthena-ascend.io/npus": "8" },
    role: { replicas },
  };
}

const pairOf = (prefill: Role, decode: Role, name: string): JsonObject =>
  workload(
    { prefill: input(prefill), decode: input(decode) },
    { ...ASKED, "kthena-ascend.io/kv-connector": name },
  );

/** The point-to-point part of a configuration. */
function direct(config: JsonObject | undefined): JsonObject | undefined {
  const inner = listOf(objectOf(config?.kv_connector_extra_config).connectors).map(objectOf);
  const found = [...(config ? [config] : []), ...inner].find(
    (part) => part.kv_connector === "MooncakeConnectorV1",
  );
  return found;
}

/** The sizes of both sides that a configuration names. */
function sizesIn(config: JsonObject): unknown {
  const { prefill, decode } = objectOf(direct(config)?.kv_connector_extra_config);
  return { prefill, decode };
}

/** A role without its stamp: what a user writes as it was injected is the same to the pod, and ours as before. */
function unstamped(object: JsonObject, name: string): unknown {
  return JSON.parse(JSON.stringify(roleIn(object, name)), (key, value) =>
    key === "kthena-ascend.io/stamp" ? undefined : value,
  );
}

function rangeOf(
  config: JsonObject | undefined,
  { tp, pp, dp }: Role["sizes"],
): [number, number] | undefined {
  const found = direct(config);
  if (!found) return undefined;
  const from = Number(found.kv_port);
  return [from, from + tp * pp * dp - 1];
}

function checkPorts(range: [number, number] | undefined, own: Role, { settings: s }: ResolvedDefaults): void {
  if (!range) return;
  const [from, to] = range;
  const floor = s.hardwareFacts[s.hardware].kvPortFloor;
  expect(to).toBeLessThanOrEqual(65535);
  const taken: [number, number][] = [
    [20000, floor - 1],
    [60000, 60015],
  ];
  for (const one of [...own.ports, own.api ?? 8000]) taken.push([one, one]);
  for (const [low, high] of taken)
    expect([from, to, low, high, to < low || from > high]).toEqual([from, to, low, high, true]);
}

describe("any prefill and decode role with any sizes", () => {
  it("agree on classes and sizes, with ports that nobody else has", () => {
    fc.assert(
      fc.property(role, role, connector, settings, (prefill, decode, name, today) => {
        const { object } = complete(pairOf(prefill, decode, name), today);
        const [p, d] = [generatedIn(object, "prefill"), generatedIn(object, "decode")];
        if (prefill.written.length === 0 && decode.written.length === 0 && p && d) {
          expect(sizesIn(p)).toEqual(sizesIn(d));
          expect(p.kv_connector).toBe(d.kv_connector);
          expect([p.kv_role, d.kv_role]).toEqual(["kv_producer", "kv_consumer"]);
        }
        const ranges = [rangeOf(p, prefill.sizes), rangeOf(d, decode.sizes)] as const;
        checkPorts(ranges[0], prefill, today);
        checkPorts(ranges[1], decode, today);
        const [one, other] = ranges;
        if (one && other && prefill.hostNetwork && decode.hostNetwork)
          expect(one[1] < other[0] || other[1] < one[0]).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it("keep what their users wrote, byte for byte and in its place", () => {
    fc.assert(
      fc.property(role, role, connector, settings, (prefill, decode, name, today) => {
        const lean = pairOf(prefill, decode, name);
        const { object } = complete(lean, today);
        for (const key of ["prefill", "decode"]) {
          const written = listOf(containerIn(lean, key).args);
          expect(listOf(containerIn(object, key).args).slice(0, written.length)).toEqual(written);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("settle at once, created anew, reinvoked and applied again", () => {
    fc.assert(
      fc.property(role, role, connector, settings, settings, (prefill, decode, name, today, later) => {
        const lean = pairOf(prefill, decode, name);
        const done = stored(complete(lean, today));
        expect(patchOf(done, complete(JSON.parse(JSON.stringify(done)), today).object)).toEqual([]);
        expect(patchOf(done, complete(JSON.parse(JSON.stringify(done)), later, done).object)).toEqual([]);
        expect(patchOf(done, complete(lean, later, done).object)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("come out of an update as they would be created, whichever of the two was changed", () => {
    fc.assert(
      fc.property(
        role,
        role,
        role,
        fc.boolean(),
        connector,
        settings,
        (prefill, decode, next, first, name, today) => {
          const before = stored(complete(pairOf(prefill, decode, name), today));
          // What is written as it was injected counts as injected still: another seed is the user's for certain.
          const one = { ...next, seed: next.seed && "8" };
          const changed = first ? pairOf(one, decode, name) : pairOf(prefill, one, name);
          const after = stored(complete(changed, today, before));
          const fresh = stored(complete(changed, today));
          expect(unstamped(after, "prefill")).toEqual(unstamped(fresh, "prefill"));
          expect(unstamped(after, "decode")).toEqual(unstamped(fresh, "decode"));
          const lean = complete(changed, today, after);
          expect(patchOf(after, lean.object)).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
