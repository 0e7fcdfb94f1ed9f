import type { Json } from "../../api/json.ts";
import { atoi } from "../go/text.ts";

/** What a maxUnavailable or partition can be, for fixes. */
export const INT_OR_PERCENT = "write a whole number such as 1, or a percentage from 0% to 100%";

/** Whether Kthena takes a value as a number or percentage: an integer from 0 up, or `0%` to `100%`. */
export function isIntOrPercent(value: Json): boolean {
  if (typeof value === "number") return value >= 0;
  if (typeof value !== "string") return true;
  if (!/^[0-9]+%$/.test(value)) return false;
  const percent = atoi(value.slice(0, -1));
  return percent !== undefined && percent <= 100;
}

/** The same rounded up, as Kthena scales maxSurge. */
export function scaledUp(value: Json, total: number): number | undefined {
  if (typeof value !== "string" || !value.endsWith("%")) return scaled(value, total);
  const percent = atoi(value.slice(0, -1));
  return percent === undefined ? undefined : Math.ceil((percent * total) / 100);
}

/**
 * The number that a value comes to of a total (apimachinery, pkg/util/intstr, GetScaledValueFromIntOrPercent, rounded
 * down); undefined where it is no number and no whole percentage.
 */
export function scaled(value: Json, total: number): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !value.endsWith("%")) return undefined;
  const percent = atoi(value.slice(0, -1));
  return percent === undefined ? undefined : Math.floor((percent * total) / 100);
}
