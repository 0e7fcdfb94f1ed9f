import type { Addition } from "../additions/addition.ts";
import { patchOf } from "../additions/patch.ts";
import { encodePath } from "../additions/path.ts";
import { type CompletedWorkload, completeWorkload, type Owner } from "../additions/workload.ts";
import type { AdmissionRequest, Operation } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { KTHENA_NAME_LABEL, STAMP } from "../api/names.ts";
import type { WorkloadKind } from "../api/units.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { injectPod, injectors as todaysInjectors } from "../injectors/index.ts";
import { readPod } from "../injectors/role.ts";
import { judge, sortedByPath } from "../rules/index.ts";
import type { RuleSettings } from "../rules/rule.ts";
import { holdersOf, type RuleSubject, rulePods, workloadSubject } from "../rules/subject.ts";
import { type KnownKind, kindOf, shapeFindings } from "./shape.ts";
import type { PodContext, Surroundings } from "./surroundings.ts";

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
  /** Why nothing was injected, where that is so. */
  skip?: string | undefined;
}

/** What was looked up for one request before it is judged. */
export interface LookedUp {
  defaults: ResolvedDefaults;
  owner?: Owner | undefined;
  pod?: PodContext | undefined;
  /** Severities in force, where they are not those of `defaults`: what is pinned on an object are its values only. */
  rules?: RuleSettings;
  /** What whoever is completed with these defaults has to be told. */
  notices?: readonly Finding[];
}

/** Why a request passes without a look, or undefined where it is to be judged. */
export function passReason(request: AdmissionRequest): string | undefined {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return "operation";
  if (request.subResource !== undefined && request.subResource !== "") return "subresource";
  if (!kindOf(request)) return "unknown-kind";
  if (!request.object) return "no-object";
  return objectOf(request.object.metadata).deletionTimestamp === undefined ? undefined : "deleting";
}

/** Judges one request: synchronous and without side effects. */
export function judgeRequest(
  request: AdmissionRequest,
  world: LookedUp,
  surroundings: Surroundings,
): Judgement {
  const kind = kindOf(request);
  const object = request.object ?? {};
  const pass = passReason(request);
  if (pass !== undefined || !kind) return untouched(kind, object, pass);
  const broken = shapeFindings(kind, object);
  if (broken.length > 0) return { ...untouched(kind, object), findings: sortedByPath(broken) };
  if (kind === "ModelServing" || kind === "ModelBooster")
    return workload(kind, object, request, world, surroundings);
  if (kind === "Pod") return pod(object, request, world, surroundings);
  const subject: RuleSubject = { kind, submitted: object, object, units: [] };
  const findings = judge(subject, rulesOf(world), surroundings.rules);
  return { ...untouched(kind, object), findings };
}

function rulesOf(world: LookedUp): RuleSettings {
  return world.rules ?? world.defaults.settings.rules;
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
): Judgement {
  const oldObject = request.operation === "UPDATE" ? (request.oldObject ?? undefined) : undefined;
  const common = {
    kind,
    today: world.defaults,
    owner: world.owner,
    injectors: surroundings.injectors ?? todaysInjectors(),
  };
  const completed = completeWorkload({ ...common, object, oldObject });
  const rules = rulesOf(world);
  const found = judge(workloadSubject(kind, object, completed), rules, surroundings.rules);
  const before =
    oldObject && found.some(({ severity }) => severity === "deny")
      ? oldFindings(kind, oldObject, common, rules, surroundings)
      : [];
  const skip = skipOf(completed);
  return {
    kind,
    object: completed.object,
    operations: patchOf(object, completed.object),
    additions: () => [
      ...completed.units.flatMap(unitAdditions),
      ...completed.additions.map((item) => shown(item, "")),
    ],
    findings:
      skip === undefined ? [...ratcheted(found, before), ...(world.notices ?? [])] : ratcheted(found, before),
    skip,
  };
}

/** What the stored object would be found to have: it is looked at as it stands. */
function oldFindings(
  kind: WorkloadKind,
  oldObject: JsonObject,
  common: Omit<Parameters<typeof completeWorkload>[0], "object" | "oldObject">,
  rules: Parameters<typeof judge>[1],
  surroundings: Surroundings,
): Finding[] {
  const completed = completeWorkload({ ...common, object: oldObject, oldObject });
  return judge(workloadSubject(kind, oldObject, completed), rules, surroundings.rules);
}

/** An update is not refused for what the stored object has too: such a finding is a warning then. */
export function ratcheted(findings: readonly Finding[], before: readonly Finding[]): Finding[] {
  const known = new Set(before.map(({ rule, message }) => `${rule} ${message}`));
  return findings.map((finding) =>
    known.has(`${finding.rule} ${finding.message}`) ? { ...finding, severity: "warn" } : finding,
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
  const { injection } = injectPod(
    object,
    { ...context.defaults.settings.asks, ...context.asks },
    context.defaults,
    context.pods,
  );
  if ("skip" in injection) return untouched("Pod", object, injection.skip);
  const completed = injection.value;
  const reading = readPod(
    completed,
    { ...context.defaults.settings.asks, ...context.asks },
    context.defaults.settings,
    context.pods,
  );
  const pods = rulePods(completed, reading, context.defaults, "", "the pod");
  const unit = { key: "", field: "", value: completed, pods, holders: pods.flatMap(holdersOf) };
  const subject: RuleSubject = { kind: "Pod", submitted: object, object: completed, units: [unit] };
  return {
    kind: "Pod",
    object: completed,
    operations: patchOf(object, completed),
    additions: () => injection.additions.map((item) => shown(item, "")),
    findings: judge(subject, rulesOf(world), surroundings.rules),
  };
}
