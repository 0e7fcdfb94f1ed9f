import { escaped } from "../api/escaped.ts";
import { equal, type Json, type JsonObject, stringOf } from "../api/json.ts";
import { maskFor } from "../rules/secrets.ts";
import { OWN_TYPES, type OwnType, type Reason } from "./reasons.ts";

/** What is true of one type, without when it became so. */
export interface ConditionFinding {
  type: OwnType;
  status: "True" | "False";
  reason: Reason;
  message: string;
  /** The generation of the ModelBooster that this was found for. */
  observedGeneration: number;
}

/** A condition's message is limited to 32768 characters; nobody reads so much. */
const MOST_MESSAGE = 2_000;

/**
 * Puts what was found into a list of conditions, by type: those of others stay as they are and where they are. The
 * transition time moves only when the status does (metav1.Condition; apimachinery's meta.SetStatusCondition).
 * @param before what is stored, from which transition times are taken
 * @param list the list to put them into, where it is another one
 */
export function mergeConditions(
  before: readonly JsonObject[],
  found: readonly ConditionFinding[],
  nowMs: number,
  list: readonly JsonObject[] = before,
): JsonObject[] {
  const ours = new Map<string, JsonObject>(
    found.map((finding) => [finding.type, conditionOf(finding, before, nowMs)]),
  );
  const merged = list.map((condition) => {
    const type = stringOf(condition.type) ?? "";
    const own = ours.get(type);
    ours.delete(type);
    return own ?? condition;
  });
  return [...merged, ...ours.values()];
}

/** Whether two lists say the same; only then nothing has to be written. */
export function sameConditions(left: readonly JsonObject[], right: readonly JsonObject[]): boolean {
  return equal([...left] as Json, [...right] as Json);
}

/** The stored condition of one of our types. */
export function stored(conditions: readonly JsonObject[], type: string): JsonObject | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Whether a type is one of ours. */
export function isOwnType(type: unknown): type is OwnType {
  return OWN_TYPES.some((own) => own === type);
}

/** Whatever is quoted: answers of the API server, of Volcano, of what was stored before. Events repeat it. */
const masked = maskFor({});

function conditionOf(finding: ConditionFinding, before: readonly JsonObject[], nowMs: number): JsonObject {
  const old = stored(before, finding.type);
  const since = stringOf(old?.lastTransitionTime);
  const same = old?.status === finding.status && since !== undefined && !Number.isNaN(Date.parse(since));
  return {
    type: finding.type,
    status: finding.status,
    reason: finding.reason,
    message: cut(escaped(masked(finding.message))),
    observedGeneration: finding.observedGeneration,
    lastTransitionTime: same ? since : `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  };
}

function cut(message: string): string {
  return message.length <= MOST_MESSAGE ? message : `${message.slice(0, MOST_MESSAGE - 1)}…`;
}
