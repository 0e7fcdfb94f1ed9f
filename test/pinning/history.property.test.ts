import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeFinal } from "../../src/admission/index.ts";
import { type Json, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED, SETTINGS, WORKLOAD_GROUP } from "../../src/api/names.ts";
import { parsePinned } from "../../src/defaults/pinned.ts";
import { type Layer, resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { injectors, POD_INJECTORS } from "../../src/injectors/index.ts";
import type { PodInjector } from "../../src/injectors/pod-injector.ts";
import { shapeOf, type WorkloadKind } from "../../src/kinds/index.ts";
import { unitsOf } from "../../src/kinds/units.ts";
import { annotationsOf } from "../../src/pinning/annotations.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { named } from "../../src/pinning/path.ts";
import { parseRecord } from "../../src/pinning/record.ts";
import { completeWorkload } from "../../src/pinning/workload.ts";
import { defaultsLayer, modelBooster, modelServing } from "../generate/workloads.ts";

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** A later version of this software: it adds a variable and adds no startup probe any more. */
const novelty: PodInjector = {
  id: "novelty",
  inject: (pod) =>
    pod.engines.map(({ name }) => ({
      path: ["spec", "containers", named(name), "env", named("NEW_IN_V2")],
      value: { name: "NEW_IN_V2", value: "1" },
      injector: "novelty",
      reason: "a later version adds it",
      source: "test",
    })),
};
const VERSIONS = {
  one: injectors(),
  two: injectors([...POD_INJECTORS.filter(({ id }) => id !== "startup-probe"), novelty]),
};

type Step =
  | { do: "apply-lean"; dropsAnnotations: boolean }
  | { do: "apply-complete" }
  | { do: "export-and-recreate" }
  | { do: "patch-image"; role: number; image: string; inManifest: boolean }
  | { do: "set-env"; role: number; value: string }
  | { do: "scale"; role: number; replicas: number }
  | { do: "annotate"; key: string; value: string }
  | { do: "remove-annotation"; key: string }
  | { do: "refresh"; value: string }
  | { do: "refresh-role"; role: number; value: string }
  | { do: "new-defaults"; layer: Layer }
  | { do: "drop-annotations" }
  | { do: "garble-annotations" }
  | { do: "switch-version"; version: keyof typeof VERSIONS };

const role = fc.constantFrom(0, 1);
const key = fc.constantFrom(
  "kthena-ascend.io/inject",
  "kthena-ascend.io/npus",
  "kthena-ascend.io/socket-ifname",
  "team",
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("apply-lean" as const), dropsAnnotations: fc.boolean() }),
  fc.record({ do: fc.constant("apply-complete" as const) }),
  fc.record({ do: fc.constant("export-and-recreate" as const) }),
  fc.record({
    do: fc.constant("patch-image" as const),
    role,
    image: fc.constantFrom("quay.io/ascend/vllm-ascend:v0.12.0", "quay.io/ascend/vllm-ascend:v0.13.0"),
    inManifest: fc.boolean(),
  }),
  fc.record({ do: fc.constant("set-env" as const), role, value: fc.constantFrom("eth7", "x") }),
  fc.record({ do: fc.constant("scale" as const), role, replicas: fc.integer({ min: 0, max: 9 }) }),
  fc.record({
    do: fc.constant("annotate" as const),
    key,
    value: fc.constantFrom("true", "false", "2", "eth5"),
  }),
  fc.record({ do: fc.constant("remove-annotation" as const), key }),
  fc.record({ do: fc.constant("refresh" as const), value: fc.constantFrom("1", "2", "3") }),
  fc.record({ do: fc.constant("refresh-role" as const), role, value: fc.constantFrom("1", "2", "3") }),
  fc.record({ do: fc.constant("new-defaults" as const), layer: defaultsLayer }),
  fc.record({ do: fc.constant("drop-annotations" as const) }),
  fc.record({ do: fc.constant("garble-annotations" as const) }),
  fc.record({
    do: fc.constant("switch-version" as const),
    version: fc.constantFrom("one" as const, "two" as const),
  }),
);

/** A cluster with one object: what is stored, what its user wants, the manifest that the user keeps. */
class World {
  stored: JsonObject;
  wanted: JsonObject;
  manifest: JsonObject;
  today: ResolvedDefaults;
  version: keyof typeof VERSIONS = "one";
  readonly kind: WorkloadKind;

  constructor(kind: WorkloadKind, object: JsonObject, layer: Layer) {
    this.kind = kind;
    this.today = resolveDefaults([layer]);
    this.wanted = copy(object);
    this.manifest = copy(object);
    this.stored = this.admit(object, undefined);
  }

  admit(object: JsonObject, oldObject: JsonObject | undefined): JsonObject {
    const injectorsNow = VERSIONS[this.version];
    return copy(
      completeWorkload({ kind: this.kind, object, oldObject, today: this.today, injectors: injectorsNow })
        .object,
    );
  }

  /** What came of the last request, with what it replaced. */
  last: { submitted: JsonObject; oldObject: JsonObject | undefined } = {
    submitted: {},
    oldObject: undefined,
  };

  /** Carries out one step; says whether a request was sent, and whether it created the object anew. */
  take(step: Step): { sent: boolean; created: boolean } {
    if (step.do === "new-defaults") this.today = resolveDefaults([step.layer]);
    if (step.do === "switch-version") this.version = step.version;
    if (step.do === "new-defaults" || step.do === "switch-version") return { sent: false, created: false };
    const wanted = copy(this.wanted);
    const submitted = this.submission(step);
    const created = step.do === "export-and-recreate";
    const last = { submitted, oldObject: created ? undefined : this.stored };
    const admitted = this.admit(submitted, last.oldObject);
    if (this.refuses(admitted)) {
      this.wanted = wanted;
      return { sent: false, created: false };
    }
    this.last = last;
    this.stored = admitted;
    return { sent: true, created };
  }

  /** The API server does, where injection ended and a manifest then leaves out what the CRD requires and was there. */
  private refuses(admitted: JsonObject): boolean {
    const stored = new Map(unitsOf(this.kind, this.stored).map(({ key, value }) => [key, value]));
    return unitsOf(this.kind, admitted).some(({ key, value }) =>
      shapeOf(this.kind).required.some(
        ({ field }) => value[field] === undefined && stored.get(key)?.[field] !== undefined,
      ),
    );
  }

  private submission(step: Step): JsonObject {
    const next = copy(this.stored);
    const both = (edit: (object: JsonObject) => void): JsonObject => {
      edit(next);
      edit(this.wanted);
      return next;
    };
    switch (step.do) {
      case "apply-lean":
        return this.applied(step.dropsAnnotations);
      case "patch-image":
        if (step.inManifest) setImage(this.kind, this.manifest, step.role, step.image);
        return both((object) => setImage(this.kind, object, step.role, step.image));
      case "set-env":
        return both((object) => setEnv(this.kind, object, step.role, step.value));
      case "scale":
        return both((object) => setReplicas(this.kind, object, step.role, step.replicas));
      case "annotate":
        return both((object) => annotate(object, step.key, step.value));
      case "remove-annotation":
        return both((object) => annotate(object, step.key, undefined));
      case "refresh":
        return both((object) => annotate(object, "kthena-ascend.io/refresh", step.value));
      case "refresh-role":
        return both((object) => refreshRole(this.kind, object, step.role, step.value));
      case "drop-annotations":
        annotate(next, INJECTED, undefined);
        annotate(next, SETTINGS, undefined);
        return next;
      case "garble-annotations":
        annotate(next, INJECTED, "{}");
        annotate(next, SETTINGS, "nonsense");
        return next;
      default:
        return next;
    }
  }

  /** `kubectl apply` replaces what the manifest has and leaves other annotations; `kubectl replace` drops them. */
  private applied(dropsAnnotations: boolean): JsonObject {
    this.wanted = copy(this.manifest);
    const submitted = copy(this.manifest);
    if (dropsAnnotations) return submitted;
    const stored = annotationsOf(this.stored);
    const annotations = { ...stored, ...annotationsOf(this.manifest) };
    const { [INJECTED]: _i, [SETTINGS]: _s, ...users } = annotations;
    this.wanted.metadata = { ...objectOf(this.wanted.metadata), annotations: users };
    submitted.metadata = { ...objectOf(submitted.metadata), annotations };
    return submitted;
  }
}

function unitAt(kind: WorkloadKind, object: JsonObject, index: number): JsonObject {
  const units = unitsOf(kind, object);
  return units[index % units.length]?.value ?? {};
}

function firstContainer(kind: WorkloadKind, object: JsonObject, index: number): JsonObject | undefined {
  const unit = unitAt(kind, object, index);
  if (kind === "ModelBooster") return unit;
  return listOf(objectOf(objectOf(unit.entryTemplate).spec).containers)[0] as JsonObject | undefined;
}

function setImage(kind: WorkloadKind, object: JsonObject, index: number, image: string): void {
  const container = firstContainer(kind, object, index);
  if (container) container.image = image;
}

function setEnv(kind: WorkloadKind, object: JsonObject, index: number, value: string): void {
  const container = firstContainer(kind, object, index);
  if (!container || kind === "ModelBooster") return;
  const env = listOf(container.env).filter((item) => objectOf(item).name !== "HCCL_SOCKET_IFNAME");
  container.env = [...env, { name: "HCCL_SOCKET_IFNAME", value }];
}

/** By an annotation on the template: this role alone takes today's settings. */
function refreshRole(kind: WorkloadKind, object: JsonObject, index: number, value: string): void {
  const template = unitAt(kind, object, index).entryTemplate;
  if (kind === "ModelServing" && template !== undefined)
    annotate(objectOf(template), "kthena-ascend.io/refresh", value);
}

function setReplicas(kind: WorkloadKind, object: JsonObject, index: number, replicas: number): void {
  unitAt(kind, object, index).replicas = replicas;
}

function annotate(object: JsonObject, key: string, value: string | undefined): void {
  const { [key]: _old, ...others } = annotationsOf(object);
  const annotations = value === undefined ? others : { ...others, [key]: value };
  object.metadata = { ...objectOf(object.metadata), annotations };
}

const SCALING = ["replicas", "maxUnavailable", "partition"];
function templateOf(unit: JsonObject | undefined): Json {
  return Object.fromEntries(
    Object.entries(unit ?? {}).filter(([name]) => !SCALING.includes(name)),
  ) as JsonObject;
}

function asksThatCount(object: JsonObject): Record<string, string> {
  const kept = Object.entries(annotationsOf(object)).filter(
    ([name]) => name.startsWith("kthena-ascend.io/") && ![INJECTED, SETTINGS].includes(name),
  );
  return Object.fromEntries(kept.sort());
}

/** Taking a `refresh` away asks for nothing. */
function inputs(object: JsonObject): Record<string, string> {
  const { "kthena-ascend.io/refresh": _refresh, ...others } = asksThatCount(object);
  return others;
}

function recordOf(object: JsonObject): Record<string, unknown> {
  return parseRecord(annotationsOf(object)[INJECTED])?.units ?? {};
}

function checkUserValues(world: World): void {
  for (const wanted of unitsOf(world.kind, world.wanted)) {
    const stored = unitsOf(world.kind, world.stored).find(({ key }) => key === wanted.key);
    expectWithin(wanted.value, stored?.value);
  }
  expectWithin(asksThatCount(world.wanted), asksThatCount(world.stored));
}

/** Everything in `part` is in `whole`: list items by name, the first of a name. */
function expectWithin(part: Json | undefined, whole: Json | undefined): void {
  if (Array.isArray(part)) {
    const seen = new Set<Json | undefined>();
    for (const item of part) {
      const id = objectOf(item).mountPath ?? objectOf(item).name ?? JSON.stringify(item);
      if (seen.has(id)) continue;
      seen.add(id);
      const match = listOf(whole).find(
        (other) => (objectOf(other).mountPath ?? objectOf(other).name ?? JSON.stringify(other)) === id,
      );
      expectWithin(item, match);
    }
  } else if (typeof part === "object" && part !== null) {
    for (const [name, value] of Object.entries(part)) {
      const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
      if (!empty) expectWithin(value, objectOf(whole)[name]);
    }
  } else expect(whole).toEqual(part);
}

function checkTemplates(
  world: World,
  before: { stored: JsonObject; wanted: JsonObject },
  created: boolean,
): void {
  const asksSame = JSON.stringify(inputs(before.wanted)) === JSON.stringify(inputs(world.wanted));
  const record = annotationsOf(before.stored)[INJECTED] !== undefined;
  for (const unit of unitsOf(world.kind, world.wanted)) {
    const byKey = (object: JsonObject): JsonObject | undefined =>
      unitsOf(world.kind, object).find(({ key }) => key === unit.key)?.value;
    const same = JSON.stringify(templateOf(unit.value)) === JSON.stringify(templateOf(byKey(before.wanted)));
    if (!created && same && asksSame) {
      const exactly = recordOf(world.stored)[unit.key] === undefined ? withoutStubs : (value: Json) => value;
      expect(exactly(templateOf(byKey(world.stored)))).toEqual(exactly(templateOf(byKey(before.stored))));
    } else if (created || record) {
      const stored = withoutStubs(templateOf(byKey(world.stored)));
      expect(stored).toEqual(withRequired(withoutStubs(templateOf(byKey(freshly(world, unit.key)))), stored));
    }
  }
}

const STUBS = [
  "metadata",
  "annotations",
  "resources",
  "requests",
  "limits",
  "env",
  "volumeMounts",
  "volumes",
  "args",
  "config",
];

/** Without `env: []` and the like, which say the same as nothing, and with each variable once, as it is stored. */
function withoutStubs(value: Json | undefined): Json {
  if (Array.isArray(value)) {
    const isEnv = value.every((item) => "value" in objectOf(item) || "valueFrom" in objectOf(item));
    const first = (item: Json): number =>
      value.findIndex((other) => objectOf(other).name === objectOf(item).name);
    return (isEnv ? value.filter((item, index) => first(item) === index) : value).map(withoutStubs);
  }
  if (typeof value !== "object" || value === null) return value ?? null;
  const entries = Object.entries(value).map(([name, item]) => [name, withoutStubs(item)] as const);
  const kept = entries.filter(([name, item]) => {
    const empty = typeof item === "object" && item !== null && Object.keys(item).length === 0;
    return !(empty && STUBS.includes(name));
  });
  return Object.fromEntries(kept) as JsonObject;
}

/** Where injection ended, the field that the CRD requires stays. */
function withRequired(fresh: Json, stored: Json): Json {
  const { workerReplicas } = objectOf(stored);
  const missing = objectOf(fresh).workerReplicas === undefined && workerReplicas === 0;
  return missing ? { ...objectOf(fresh), workerReplicas: 0 } : fresh;
}

/** What a CREATE of what the user wants gives with the settings that are pinned on the stored object. */
function freshly(world: World, unit: string): JsonObject {
  const pinned = parsePinned(annotationsOf(world.stored)[SETTINGS], world.today);
  const today = pinned?.units[unit] ?? pinned?.base ?? world.today;
  const fresh = { kind: world.kind, object: copy(world.wanted), today, injectors: VERSIONS[world.version] };
  return copy(completeWorkload(fresh).object);
}

function checkQuiet(world: World): void {
  const again = world.admit(copy(world.stored), copy(world.stored));
  expect(patchOf(world.stored, again)).toEqual([]);
}

/** The API server may call again in the same request, with what the first call gave. */
function checkReinvocation(world: World): void {
  const again = world.admit(copy(world.stored), world.last.oldObject);
  expect(patchOf(world.stored, again)).toEqual([]);
  const request = {
    uid: "1",
    kind: { group: WORKLOAD_GROUP, version: "v1alpha1", kind: world.kind },
    operation: world.last.oldObject ? "UPDATE" : "CREATE",
    object: copy(world.stored),
    oldObject: world.last.oldObject,
  };
  const surroundings = { defaultsFor: () => world.today, injectors: VERSIONS[world.version], rules: [] };
  const { findings } = judgeFinal(request, { defaults: world.today }, surroundings);
  // What nobody asked for is told whenever it is seen.
  expect(findings.filter(({ rule }) => rule !== "injection/not-asked")).toEqual([]);
}

const kinds: [WorkloadKind, fc.Arbitrary<JsonObject>][] = [
  ["ModelServing", modelServing],
  ["ModelBooster", modelBooster],
];

describe.each(kinds)("any history of a %s", (kind, arbitrary) => {
  it("keeps what the user wrote, restarts nothing unasked and settles at once", () => {
    fc.assert(
      fc.property(arbitrary, defaultsLayer, fc.array(step, { maxLength: 12 }), (object, layer, steps) => {
        const world = new World(kind, object, layer);
        checkUserValues(world);
        for (const next of steps) {
          const before = { stored: copy(world.stored), wanted: copy(world.wanted) };
          const { sent, created } = world.take(next);
          if (!sent) continue;
          checkUserValues(world);
          if (next.do !== "refresh" && next.do !== "refresh-role") checkTemplates(world, before, created);
          checkReinvocation(world);
          checkQuiet(world);
        }
      }),
      { numRuns: 200 },
    );
  });
});
