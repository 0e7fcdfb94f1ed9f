/**
 * What the rules that mirror Kthena must know of the Kthena that they hold for. They were read at 3cc05728 (2026-08-21,
 * chart 1.0.0); later ones know more fields, and refuse less.
 */
export interface KthenaFacts {
  /** Paths of fields beyond those of 3cc05728, with their kind: `ModelServing.spec.template.roles[].maxSurge`. */
  fields: ReadonlySet<string>;
  /** Whether a role may have 0 replicas under RoleRollingUpdate (Kthena #1750); undefined: no field tells. */
  emptyRoles: boolean | undefined;
}

const CONFIGURATION = "ModelServing.spec.rolloutStrategy.rollingUpdateConfiguration";

/** Fields that tell what a validator takes. */
export const MAX_SURGE = {
  rollout: `${CONFIGURATION}.maxSurge`,
  role: "ModelServing.spec.template.roles[].maxSurge",
} as const;

/** The fields that are known to have come after 3cc05728 (Kthena #1626, #1643). */
const LATER_FIELDS: readonly string[] = [
  MAX_SURGE.rollout,
  MAX_SURGE.role,
  "ModelServing.spec.revisionHistoryLimit",
  "ModelServing.status.collisionCount",
];

/** The newest Kthena that is known: what holds where none is named. */
export const NEWEST_KTHENA: KthenaFacts = { fields: new Set(LATER_FIELDS), emptyRoles: true };

/** Kthena as it was read: up to chart 1.0.x. */
export const KTHENA_1_0: KthenaFacts = { fields: new Set(), emptyRoles: false };

/**
 * What a version of Kthena knows: `1.0`, `v1.0.0`, `0.4.0`, or `latest` for the newest known; undefined for a text
 * that is no version.
 */
export function kthenaFactsOf(version: string): KthenaFacts | undefined {
  if (version === "latest" || version === "main") return NEWEST_KTHENA;
  const match = /^v?(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d{1,4})?(?:[-+][0-9A-Za-z.-]{1,64})?$/.exec(version);
  if (!match) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return major > 1 || (major === 1 && minor > 0) ? NEWEST_KTHENA : KTHENA_1_0;
}
