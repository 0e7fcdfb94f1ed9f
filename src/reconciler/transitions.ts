import { type JsonObject, stringOf } from "../api/json.ts";
import { WORKLOAD_VERSION } from "../cluster/held.ts";
import { isOwnType, stored } from "../conditions/condition.ts";
import type { BoosterFact } from "../conditions/facts.ts";
import { CAUSES, OWN_TYPES, REASONS } from "../conditions/reasons.ts";
import type { Happening } from "../kube/events.ts";

/** What was last told of each type: status and reason. */
export type Told = Readonly<Record<string, string>>;

/** What is to be remembered of conditions to tell the next transition. Those with reasons of others are left out. */
export function toldOf(conditions: readonly JsonObject[]): Told {
  const entries = conditions.flatMap(({ type, status, reason }) =>
    isOwnType(type) && REASONS.some((known) => known === reason)
      ? [[type, `${status} ${reason}`] as const]
      : [],
  );
  return Object.fromEntries(entries);
}

/** The events that a ModelBooster's stored conditions are worth, against what was told before. */
export function happenings(booster: BoosterFact, before: Told): Happening[] {
  const now = toldOf(booster.conditions);
  return OWN_TYPES.flatMap((type) => {
    const [status, reason = ""] = (now[type] ?? "").split(" ");
    if (reason === "" || now[type] === before[type]) return [];
    const was = before[type]?.split(" ", 1)[0];
    const note = stringOf(stored(booster.conditions, type)?.message) ?? "";
    const event = eventOf(type, status === "True", reason, was);
    return event ? [{ regarding: referenceTo(booster), action: "Observe", note, ...event }] : [];
  });
}

function eventOf(
  type: string,
  holds: boolean,
  reason: string,
  was: string | undefined,
): Pick<Happening, "type" | "reason"> | undefined {
  if (type === "Failed") {
    if (holds) return { type: "Warning", reason };
    return was === "True" ? { type: "Normal", reason: "Recovered" } : undefined;
  }
  if (holds) return { type: "Normal", reason };
  // The cause is told as Failed's; that something has not begun yet is no news.
  if (was !== "True" || CAUSES.some((cause) => cause === reason)) return undefined;
  const wanted = ["RollingOut", "ScaledToZero", "Deleting", "WaitingForKthena"].includes(reason);
  return { type: wanted ? "Normal" : "Warning", reason };
}

function referenceTo({ namespace, name, uid }: BoosterFact): Happening["regarding"] {
  return { apiVersion: WORKLOAD_VERSION, kind: "ModelBooster", namespace, name, uid };
}
