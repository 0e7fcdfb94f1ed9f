import type { AdmissionRequest, Operation } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { ASK, KTHENA_NAME_LABEL, STAMP } from "../api/names.ts";
import { asksIn } from "../defaults/asks.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { injectors as todaysInjectors } from "../injectors/index.ts";
import { modelServerConnector } from "../injectors/kv/model-server.ts";
import type { WorkloadKind } from "../kinds/index.ts";
import type { Addition } from "../pinning/addition.ts";
import { annotationsOf } from "../pinning/annotations.ts";
import { patchOf } from "../pinning/patch.ts";
import { encodePath } from "../pinning/path.ts";
import { completePlain } from "../pinning/plain.ts";
import {
  type CompletedWorkload,
  type CompletionInput,
  completeWorkload,
  type Injectors,
  type Owner,
} from "../pinning/workload.ts";
import type { RoutedWorkload, RoutingServer } from "../readings/routing.ts";
import { enginesOfUnit } from "../rules/engines.ts";
import { judge, RULES, sortedByPath } from "../rules/index.ts";
import type { Rule, RuleSettings } from "../rules/rule.ts";
import { holdersOf, type RuleSubject, rulePods, workloadSubject } from "../rules/subject.ts";
import { type Audited, audited } from "./audit.ts";
import { withOrigin } from "./origin.ts";
import { ratcheted } from "./ratchet.ts";
import { type KnownKind, kindOf, shapeFindings } from "./shape.ts";
import type { PodContext, Surroundings } from "./surroundings.ts";
import { namespaceFindings, unaskedFinding } from "./unasked.ts";

/** An addition with its whole path as text, for people. */
export interface ShownAddition extends Omit<Addition, "path"> {
  path: string;
}

/** All that was decided on one request. */
export interface Judgement {
  kind: KnownKind | undefined;
  /** The object as it should be; the submitted one where nothing is added. */
  object: JsonObject;
  operations: Operation[];
  /** What was added and why: made on demand, the webhook has no use for it. */
  additions: () => ShownAddition[];
  findings: Finding[];
  /** Whether the submitted workload is complete by its own record, whichever version of this software wrote it. */
  asRecorded?: () => boolean;
  /** What audit mode kept from happening. */
  audited?: Audited;
  /** Why nothing was injected, where that is so. */
  skip?: string | undefined;
  /** Units that are left alone although they were asked for, and why. */
  leftAlone?: readonly { field: string; because: string }[];
}

/** What was looked up for one request before it is judged. */
export interface LookedUp {
  defaults: ResolvedDefaults;
  /** Those of units that were refreshed on their own. */
  defaultsOfUnits?: Readonly<Record<string, ResolvedDefaults>>;
  owner?: Owner | undefined;
  pod?: PodContext | undefined;
  /** Where the defaults are pinned ones: what holds for rules today. */
  policy?: Policy | undefined;
  /** What whoever is completed with these defaults has to be told. */
  notices?: readonly Finding[];
  /** For a ModelServer: the ModelServings of its namespace. */
  workloads?: readonly RoutedWorkload[] | undefined;
  /** For a ModelServing: the ModelServers of its namespace. */
  servers?: readonly RoutingServer[] | undefined;
}

/** What decides about the rules: never pinned, so that the platform team can change it for all objects at once. */
export interface Policy {
  severities: RuleSettings;
  /** What the namespace and the owner say in `allow`. */
  allow: readonly string[];
  mode: "enforce" | "audit";
}

/** What holds for the rules, from what was looked up for a request. */
export function policyOf({ policy, defaults, owner }: LookedUp): Policy {
  if (policy) return policy;
  const allow = [defaults.settings.asks[ASK.allow], owner?.asks[ASK.allow]];
  const { rules: severities, mode } = defaults.settings;
  return { severities, mode, allow: allow.filter((text) => text !== undefined) };
}

/** Why a request passes without a look, or undefined where it is to be judged. */
export function passReason(request: AdmissionRequest): string | undefined {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return "operation";
  if (request.subResource !== undefined && request.subResource !== "") return "subresource";
  if (!kindOf(request)) return "unknown-kind";
  if (!request.object) return "no-object";
  return objectOf(request.object.metadata).deletionTimestamp === undefined ? undefined : "deleting";
}

/**
 * Judges one request: synchronous and without side effects. `final`: the object is to be stored as it stands, so what
 * its record is true of is not injected again.
 */
export function judgeRequest(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
  final = false,
): Judgement {
  const judgement = judged(request, world, surroundings, final);
  return policyOf(world).mode === "audit" ? audited(request, judgement, world) : judgement;
}

function judged(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
  final: boolean,
): Judgement {
  const kind = kindOf(request);
  const object = request.object ?? {};
  const pass = passReason(request);
  if (pass !== undefined || !kind) return untouched(kind, object, pass);
  const broken = shapeFindings(kind, object);
  if (broken.length > 0) return { ...untouched(kind, object), findings: sortedByPath(broken) };
  if (kind === "ModelServing" || kind === "ModelBooster")
    return workload(kind, object, request, world, surroundings, final);
  if (kind === "Pod") return pod(object, request, world, surroundings);
  return routing(kind, object, request, world, surroundings);
}

/** ModelServers, which get the connector of their workload at their creation, and ModelRoutes, which get nothing. */
function routing(
  kind: KnownKind,
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
): Judgement {
  const { severities, allow } = policyOf(world);
  const catalogue = surroundings.rules ?? RULES;
  const { workloads } = world;
  const cluster = surroundings.clusterFacts?.();
  const findingsOf = (one: JsonObject, rules: readonly Rule[]): Finding[] =>
    judge({ kind, submitted: one, object: one, units: [], allow, workloads, cluster }, severities, rules);
  const oldObject = oldObjectOf(request);
  const completed = kind === "ModelServer" ? modelServer(object, oldObject, world) : untouched(kind, object);
  const findings = findingsOf(completed.object, catalogue);
  if (!oldObject) return { ...completed, findings };
  const versions = { object: completed.object, oldObject };
  const kept = ratcheted(findings, versions, catalogue, (rules) => findingsOf(oldObject, rules));
  return { ...completed, findings: kept };
}

function modelServer(object: JsonObject, oldObject: JsonObject | undefined, world: LookedUp): Judgement {
  const asks = { ...world.defaults.settings.asks, ...asksIn(annotationsOf(object)) };
  if (asks[ASK.inject] === "false") return untouched("ModelServer", object, "opted-out");
  const completed = completePlain(object, oldObject, (lean) =>
    modelServerConnector(lean, world.workloads ?? []),
  );
  return {
    kind: "ModelServer",
    object: completed.object,
    operations: patchOf(object, completed.object),
    additions: () => completed.additions.map((item) => shown(item, "")),
    findings: [],
  };
}

function oldObjectOf(request: AdmissionRequest): JsonObject | undefined {
  return request.operation === "UPDATE" ? (request.oldObject ?? undefined) : undefined;
}

function injectorsOf(surroundings: Surroundings): Injectors {
  return surroundings.injectors ?? todaysInjectors();
}

/** The judgement that nothing is to be added. `skip`: why, where the object was not looked at. */
export function untouched(kind: KnownKind | undefined, object: JsonObject, skip?: string): Judgement {
  return { kind, object, operations: [], additions: () => [], findings: [], skip };
}

function workload(
  kind: WorkloadKind,
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
  final: boolean,
): Judgement {
  const oldObject = oldObjectOf(request);
  const completion = {
    kind,
    final,
    today: world.defaults,
    todayOfUnits: world.defaultsOfUnits,
    owner: world.owner,
    injectors: injectorsOf(surroundings),
  };
  const completed = completeWorkload({ ...completion, object, oldObject });
  const findings = workloadFindings({ completion, completed, object, oldObject, world, surroundings });
  const skip = skipOf(completed);
  return {
    kind,
    object: completed.object,
    operations: patchOf(object, completed.object),
    additions: () => [
      ...completed.units.flatMap(unitAdditions),
      ...completed.additions.map((item) => shown(item, "")),
    ],
    findings: [...findings, ...besideFindings(kind, object, skip, world)],
    asRecorded: () =>
      completed.units.every(({ record, value, unit, asRecorded }) =>
        record === undefined ? value === unit.value : asRecorded(),
      ),
    skip,
    leftAlone: completed.units.flatMap(({ unit, because }) =>
      because === undefined ? [] : [{ field: unit.field, because }],
    ),
  };
}

/** What has to be told beside the rules: of defaults that do not hold, and of asking that was not understood. */
function besideFindings(
  kind: WorkloadKind,
  object: JsonObject,
  skip: string | undefined,
  world: LookedUp,
): Finding[] {
  if (skip === undefined)
    return [...(world.notices ?? []), ...namespaceFindings(world.defaults.settings.asks)];
  const setting = policyOf(world).severities["injection/not-asked"];
  const unasked =
    skip === "no-npu" && kind === "ModelServing" && setting !== "off" ? unaskedFinding(object) : undefined;
  return [...namespaceFindings(world.defaults.settings.asks), ...(unasked ? [unasked] : [])];
}

interface WorkloadCase {
  completion: Omit<CompletionInput, "object" | "oldObject">;
  completed: CompletedWorkload;
  object: JsonObject;
  oldObject: JsonObject | undefined;
  world: LookedUp;
  surroundings: Surroundings;
}

function workloadFindings(about: WorkloadCase): Finding[] {
  const { completion, completed, object, oldObject, world, surroundings } = about;
  const { severities, allow } = policyOf(world);
  const catalogue = surroundings.rules ?? RULES;
  const { kind } = completion;
  const beside = { allow, servers: world.servers, cluster: surroundings.clusterFacts?.() };
  const found = judge(
    { ...workloadSubject(kind, object, completed), ...beside, oldObject },
    severities,
    catalogue,
  );
  if (found.length === 0) return found;
  // The stored object is looked at as it stands.
  const judgeOld = (rules: readonly Rule[]): Finding[] => {
    if (!oldObject) return [];
    const old = completeWorkload({ ...completion, object: oldObject, oldObject });
    return judge({ ...workloadSubject(kind, oldObject, old), ...beside }, severities, rules);
  };
  const versions = oldObject && { object: completed.object, oldObject };
  const kept = versions ? ratcheted(found, versions, catalogue, judgeOld) : found;
  return withOrigin(kept, completed, () =>
    completeWorkload({ ...completion, object, oldObject, final: false }),
  );
}

function unitAdditions(unit: CompletedWorkload["units"][number]): ShownAddition[] {
  return unit.additions.map((addition) =>
    shown(addition, `${unit.unit.field.replace(/\[\d+\]$/, "")}[${unit.unit.key}]`),
  );
}

function shown({ path, ...rest }: Addition, prefix: string): ShownAddition {
  const text = encodePath(path);
  return { ...rest, path: prefix === "" ? text : `${prefix}${text.startsWith("[") ? "" : "."}${text}` };
}

function skipOf(completed: CompletedWorkload): string | undefined {
  if (completed.units.length === 0) return "no-units";
  if (completed.units.some((unit) => unit.skip === undefined && unit.record !== undefined)) return undefined;
  const reasons = completed.units.flatMap((unit) => unit.skip ?? []);
  return reasons.find((reason) => reason !== "no-npu") ?? reasons[0];
}

/** Why a pod is not looked at: only Kthena's are, at their creation, and none that its template completed. */
export function podPassReason({ operation, object }: AdmissionRequest): string | undefined {
  if (operation !== "CREATE") return "operation";
  const metadata = objectOf(object?.metadata);
  if (objectOf(metadata.labels)[KTHENA_NAME_LABEL] === undefined) return "not-kthena";
  return objectOf(metadata.annotations)[STAMP] === undefined ? undefined : "stamped";
}

/** The second line behind the templates. */
function pod(
  object: JsonObject,
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
): Judgement {
  const pass = podPassReason(request);
  if (pass !== undefined) return untouched("Pod", object, pass);
  const context = world.pod ?? { complete: true as const, asks: {}, defaults: world.defaults };
  if (!context.complete) return untouched("Pod", object, context.skip);
  const asks = { ...context.defaults.settings.asks, ...context.asks };
  const injection = injectorsOf(surroundings).pod(object, asks, context.defaults, context.pods);
  if ("skip" in injection) return untouched("Pod", object, injection.skip);
  const completed = injection.value;
  const { reading } = injection;
  if (!reading) return untouched("Pod", object);
  const pods = rulePods(completed, reading, context.defaults, "", "the pod");
  const unit = {
    key: "",
    field: "",
    value: completed,
    pods,
    holders: pods.flatMap((place) => holdersOf(place)),
  };
  const { severities, allow } = policyOf(world);
  const subject: RuleSubject = {
    kind: "Pod",
    submitted: object,
    object: completed,
    units: [unit],
    engines: enginesOfUnit(unit),
    allow,
  };
  return {
    kind: "Pod",
    object: completed,
    operations: patchOf(object, completed),
    additions: () => injection.additions.map((item) => shown(item, "")),
    findings: judge(subject, severities, surroundings.rules),
  };
}
