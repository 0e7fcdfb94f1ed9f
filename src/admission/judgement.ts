import type { AdmissionRequest, Operation } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { injectors as todaysInjectors } from "../injectors/index.ts";
import type { Addition } from "../pinning/addition.ts";
import { encodePath } from "../pinning/path.ts";
import type { Injectors, Owner } from "../pinning/workload.ts";
import type { RoutedWorkload, RoutingServer } from "../readings/routing.ts";
import type { RuleSettings } from "../rules/rule.ts";
import type { Audited } from "./audit.ts";
import type { KnownKind } from "./shape.ts";
import type { PodContext, ReviewSurroundings } from "./surroundings.ts";

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

/** The stored object, on UPDATE. */
export function oldObjectOf(request: AdmissionRequest): JsonObject | undefined {
  return request.operation === "UPDATE" ? (request.oldObject ?? undefined) : undefined;
}

/** The injectors that are given, or today's. */
export function injectorsOf(surroundings: ReviewSurroundings): Injectors {
  return surroundings.injectors ?? todaysInjectors();
}

/** The judgement that nothing is to be added. `skip`: why, where the object was not looked at. */
export function untouched(kind: KnownKind | undefined, object: JsonObject, skip?: string): Judgement {
  return { kind, object, operations: [], additions: () => [], findings: [], skip };
}

/** An addition as people see it. `prefix`: path of the unit that it belongs to. */
export function shownAddition({ path, ...rest }: Addition, prefix: string): ShownAddition {
  const text = encodePath(path);
  return { ...rest, path: prefix === "" ? text : `${prefix}${text.startsWith("[") ? "" : "."}${text}` };
}
