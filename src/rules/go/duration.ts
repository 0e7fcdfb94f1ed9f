/** Nanoseconds of Go's units, micro with both of its signs (time/format.go). */
const UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const LIMIT = 1n << 63n;
const PART = /([0-9]*)(?:\.([0-9]*))?([^.0-9]+)/y;

/** Whether Go's `time.ParseDuration` reads a text: `1h30m`, `-1.5s`, `0`; not `5`, `1d` or nothing. */
export function isGoDuration(text: string): boolean {
  const negative = text.startsWith("-");
  const rest = text.replace(/^[-+]/, "");
  if (rest === "0") return true;
  if (rest === "") return false;
  let total = 0n;
  PART.lastIndex = 0;
  for (let at = 0; at < rest.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const part = partOf(PART.exec(rest));
    if (part === undefined || part > LIMIT) return false;
    total += part;
    if (total > LIMIT) return false;
  }
  return negative || total < LIMIT;
}

/** Nanoseconds of one number with its unit; undefined where it is none. */
function partOf(match: RegExpExecArray | null): bigint | undefined {
  const [, whole = "", fraction = "", unit = ""] = match ?? [];
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (factor === undefined || (whole === "" && fraction === "")) return undefined;
  // Twenty digits are more than any duration has; without the cut a long number would be slow to read.
  if (whole.replace(/^0+/, "").length > 20) return undefined;
  return BigInt(whole || "0") * factor + BigInt(Math.trunc(Number(`0.${fraction || "0"}`) * Number(factor)));
}
