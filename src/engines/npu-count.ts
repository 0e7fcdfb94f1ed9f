import type { Json } from "../api/json.ts";

/** A number of NPUs as it stands in requests or limits, or why it is none. */
export type NpuCount =
  | { ok: true; count: number }
  | { ok: false; why: "fractional" | "negative" | "unreadable" };

/** Powers of ten of the decimal suffixes, and powers of two of the binary ones (quantity.go, suffixer.go). */
const DECIMAL: Record<string, number> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const PLAIN = /^\d{1,6}$/;
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3})|([KMGTPE]i|[numkMGTPE]))?$/;

/**
 * Reads a number of NPUs as Kubernetes reads a quantity of an integer extended resource
 * (apimachinery pkg/api/resource/quantity.go; validation.go ValidateResourceQuantityValue asks for whole numbers):
 * `"8"`, 8, `"8000m"`, `"1e1"` and `"1k"` are whole, `"0.5"` is not. Exact: digits are moved, nothing is multiplied.
 */
export function parseNpuCount(value: Json | undefined): NpuCount {
  const text = typeof value === "number" ? String(value) : value;
  // Nearly every count is a few plain digits.
  if (typeof text === "string" && PLAIN.test(text)) return { ok: true, count: Number(text) };
  if (typeof text !== "string" || text.length > 64) return { ok: false, why: "unreadable" };
  const match = SHAPE.exec(text);
  const whole = match?.[2] ?? "";
  const fraction = match?.[3] ?? "";
  if (!match || whole + fraction === "") return { ok: false, why: "unreadable" };
  const suffix = match[5] ?? "";
  const digits = BigInt(whole + fraction) * 2n ** BigInt(BINARY[suffix] ?? 0);
  const exponent = Number(match[4] ?? 0) + (DECIMAL[suffix] ?? 0) - fraction.length;
  if (digits === 0n) return { ok: true, count: 0 };
  if (match[1] === "-") return { ok: false, why: "negative" };
  return countOf(digits, exponent);
}

function countOf(digits: bigint, exponent: number): NpuCount {
  const power = 10n ** BigInt(Math.abs(exponent));
  if (exponent < 0 && digits % power !== 0n) return { ok: false, why: "fractional" };
  const count = Number(exponent < 0 ? digits / power : digits * power);
  return Number.isSafeInteger(count) ? { ok: true, count } : { ok: false, why: "unreadable" };
}
