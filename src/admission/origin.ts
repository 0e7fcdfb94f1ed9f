import type { Finding } from "../api/finding.ts";
import type { JsonObject } from "../api/json.ts";
import type { Addition } from "../pinning/addition.ts";
import { encodePath } from "../pinning/path.ts";
import type { CompletedWorkload } from "../pinning/workload.ts";
import { keyedPathOf } from "../rules/identity.ts";

/** Says of a finding that is about something that was injected where that came from: the user wrote nothing there. */
export function withOrigin(
  findings: Finding[],
  object: JsonObject,
  additions: ReadonlyMap<string, Addition>,
): Finding[] {
  return findings.map((finding) => {
    const path = encodePath(keyedPathOf(finding.path, object));
    const addition = additions.get(path) ?? parentIn(additions, path);
    if (!addition) return finding;
    return { ...finding, message: `${finding.message} (injected: ${addition.source})` };
  });
}

/** Everything that was added to a workload, by its path in the object. */
export function additionsByPath({ units, additions }: CompletedWorkload): Map<string, Addition> {
  const byPath = new Map<string, Addition>();
  for (const addition of additions) byPath.set(encodePath(addition.path), addition);
  for (const { unit, additions: own, value } of units) {
    const prefix = unit.field.replace(/\[\d+\]$/, "");
    const by = "name" in value ? "name" : "type";
    for (const addition of own) {
      const path = encodePath([{ by, is: unit.key }, ...addition.path]);
      byPath.set(`${prefix}${path}`, addition);
    }
  }
  return byPath;
}

/** An addition that holds the path: a whole variable whose value is at fault. */
function parentIn(additions: ReadonlyMap<string, Addition>, path: string): Addition | undefined {
  for (let end = path.length - 1; end > 0; end--) {
    const found = path[end] === "." || path[end] === "[" ? additions.get(path.slice(0, end)) : undefined;
    if (found) return found;
  }
  return undefined;
}
