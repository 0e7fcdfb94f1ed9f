import type { Finding } from "../api/finding.ts";

/** Slips in the arguments, for which the number of NPUs cannot be read either. */
const SLIPS: ReadonlySet<string> = new Set([
  "engine/joined-arguments",
  "engine/unknown-flag",
  "engine/supervised-ranks",
]);

/**
 * Leaves out that the number of NPUs cannot be told where the slip that hides it is refused beside it: it is mended
 * with it. Findings as they are decided, so a slip that is allowed or only warned of takes nothing with it.
 */
export function withoutConsequences(findings: readonly Finding[]): Finding[] {
  const slips = findings.flatMap(({ rule, severity, path }) =>
    severity === "deny" && SLIPS.has(rule) ? [path] : [],
  );
  if (slips.length === 0) return [...findings];
  return findings.filter(({ rule, path }) => {
    const container = path.endsWith(".resources") ? path.slice(0, -"resources".length) : undefined;
    return (
      rule !== "npu/unknown-count" ||
      container === undefined ||
      !slips.some((slip) => slip.startsWith(container))
    );
  });
}
