import fc from "fast-check";
import { expect, test } from "vitest";
import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";
import { mergeConditions, sameConditions } from "../../src/conditions/condition.ts";
import { evaluate } from "../../src/conditions/evaluate.ts";
import { readBooster, readPodGroup, readRoute, readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import { REASONS } from "../../src/conditions/reasons.ts";
import { reportIn } from "../../src/conditions/report.ts";
import {
  available,
  booster,
  condition,
  ended,
  engineStatus,
  judged,
  NOW,
  type Objects,
  pod,
  podGroup,
  progressing,
  readyStatus,
  route,
  server,
  serving,
  settled,
  unscheduled,
  waiting,
} from "./world.ts";

const status = fc.constantFrom(
  readyStatus(),
  engineStatus(waiting("ContainerCreating")),
  engineStatus(waiting("ImagePullBackOff", "x")),
  engineStatus(waiting("CrashLoopBackOff"), { restartCount: 2, lastState: { terminated: ended(1) } }),
  engineStatus({ terminated: ended(0, "Completed") }),
  unscheduled("0/2 nodes are available: 2 Insufficient huawei.com/ascend-1980."),
  { phase: "Failed", reason: "Evicted" },
  {},
);
const conditions = fc.subarray([
  condition("Initialized", "True", "ModelCreating"),
  condition("Active", "True", "ModelAvailable"),
  condition("Failed", "True", "ModelAbnormal", "is invalid: x"),
  condition("Theirs", "True", "Other"),
]);
const deleting = fc.constantFrom({}, {}, {}, { deletionTimestamp: "2026-11-25T02:59:00Z" });

/** Any state that the cluster can be in. */
const objects: fc.Arbitrary<Objects> = fc.record({
  booster: fc
    .tuple(deleting, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 }), conditions)
    .map(([more, generation, observedGeneration, list]) =>
      booster({ ...more, generation }, { observedGeneration, conditions: list }),
    ),
  servings: fc.array(
    fc
      .tuple(
        deleting,
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom(available(), progressing(), progressing(1, "UpdateInProgress")),
      )
      .map(([metadata, replicas, serve]) =>
        serving([{ name: "server" }], { metadata, replicas, status: serve }),
      ),
    { maxLength: 2 },
  ),
  servers: fc.array(
    deleting.map((metadata) => server(metadata)),
    { maxLength: 1 },
  ),
  routes: fc.array(
    deleting.map((metadata) => route(metadata)),
    { maxLength: 1 },
  ),
  pods: fc.array(
    fc
      .tuple(status, deleting, fc.integer({ min: 0, max: 3 }))
      .map(([state, metadata, index]) => pod("server", index, { status: state, metadata })),
    { maxLength: 3 },
  ),
  podGroups: fc.array(
    fc.constantFrom("", "Pending", "Inqueue", "Running").map((phase) => podGroup({ phase })),
    { maxLength: 1 },
  ),
});

const stored = ({ booster }: Objects) => readBooster(booster).conditions;

test("Active and Failed are never both true, and reasons are from the closed list", () => {
  fc.assert(
    fc.property(objects, (world) => {
      const found = new Map(judged(world).findings.map((finding) => [finding.type, finding]));
      expect([...found.keys()]).toEqual(["Initialized", "Active", "Failed"]);
      expect(found.get("Active")?.status === "True" && found.get("Failed")?.status === "True").toBe(false);
      for (const { reason, message } of found.values()) {
        expect(REASONS).toContain(reason);
        expect(message).not.toBe("");
      }
    }),
  );
});

test("equal facts change nothing: what was stored once is what is found again", () => {
  fc.assert(
    fc.property(objects, fc.integer({ min: 0, max: 5_000 }), (world, later) => {
      const once = settled(world);
      const twice = settled(once, NOW + later);
      expect(sameConditions(stored(once), stored(twice))).toBe(true);
    }),
  );
});

test("a transition time moves only when the status does, and conditions of others never change", () => {
  fc.assert(
    fc.property(objects, objects, (first, second) => {
      const before = settled(first);
      const after = settled({ ...second, booster: before.booster }, NOW + 60_000);
      for (const condition of stored(after)) {
        const old = stored(before).find(({ type }) => type === condition.type);
        if (!old) continue;
        const moved = old.lastTransitionTime !== condition.lastTransitionTime;
        expect(moved).toBe(old.status !== condition.status);
        if (condition.type === "Theirs") expect(condition).toEqual(old);
      }
      expect(stored(after).length).toBe(new Set(stored(after).map(({ type }) => type)).size);
    }),
  );
});

test("no JSON whatever makes it throw", () => {
  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
  const odd = fc.oneof(
    json.filter(isObject),
    fc.record({ metadata: json, spec: json, status: json }) as fc.Arbitrary<JsonObject>,
    // A sound object with one of its parts exchanged for anything.
    fc
      .tuple(
        fc.constantFrom(
          booster(),
          serving(),
          server(),
          route(),
          pod("server", 0, { status: engineStatus(waiting("x")) }),
          podGroup(),
        ),
        json,
        fc.nat(),
      )
      .map(([object, value, place]) => exchanged(object, value, place)),
  );
  fc.assert(
    fc.property(odd, fc.array(odd, { maxLength: 3 }), (object, others) => {
      const read = readBooster(object);
      const { findings } = evaluate(
        {
          booster: read,
          servings: others.map(readServing),
          servers: others.map(readServer),
          routes: others.map(readRoute),
          pods: others.map(readPodFact),
          podGroups: others.map(readPodGroup),
          report: reportIn(read.conditions),
        },
        NOW,
      );
      expect(mergeConditions(read.conditions, findings, NOW).length).toBeGreaterThanOrEqual(3);
    }),
    { numRuns: 500 },
  );
});

/** Puts a value in the place of the nth part of an object. */
function exchanged(object: JsonObject, value: Json, place: number): JsonObject {
  const copy = structuredClone(object);
  const parts: [JsonObject | Json[], string][] = [];
  const walk = (part: Json | undefined) => {
    if (!isObject(part) && !Array.isArray(part)) return;
    for (const key of Object.keys(part)) {
      parts.push([part as JsonObject, key]);
      walk((part as JsonObject)[key]);
    }
  };
  walk(copy);
  const [parent, key] = parts[place % parts.length] ?? [];
  if (parent && key !== undefined) (parent as JsonObject)[key] = value;
  return copy;
}
