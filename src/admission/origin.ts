import type { Finding } from "../api/finding.ts";
import { listFieldOf } from "../kinds/units.ts";
import type { Addition } from "../pinning/addition.ts";
import { encodePath } from "../pinning/path.ts";
import type { CompletedUnit, CompletedWorkload } from "../pinning/workload.ts";
import { keyedPathOf } from "../rules/identity.ts";

/**
 * Says of a finding that is about something that was injected where that came from: the user wrote nothing there.
 * `injected`: the same workload with its additions, for one whose record was trusted.
 */
export function withOrigin(
  findings: Finding[],
  completed: CompletedWorkload,
  injected: () => CompletedWorkload,
): Finding[] {
  const paths = findings.map(({ path }) => encodePath(keyedPathOf(path, completed.object)));
  const trusted = completed.units.some(({ how }) => how === "recorded");
  // A trusted record tells what was added by its path alone.
  const told = trusted && paths.some(finderIn(recordedPaths(completed))) ? injected() : completed;
  const additionAt = finderIn(additionsByPath(told));
  return findings.map((finding, index) => {
    const addition = additionAt(paths[index] ?? "");
    return addition ? { ...finding, message: `${finding.message} (injected: ${addition.source})` } : finding;
  });
}

/** Everything that was added to a workload, by its path in the object. */
function additionsByPath({ units, additions }: CompletedWorkload): Map<string, Addition> {
  const byPath = new Map<string, Addition>();
  for (const addition of additions) byPath.set(addition.key ?? encodePath(addition.path), addition);
  for (const unit of units) {
    const prefix = prefixOf(unit);
    for (const addition of unit.additions)
      byPath.set(joined(prefix, addition.key ?? encodePath(addition.path)), addition);
  }
  return byPath;
}

function recordedPaths({ units }: CompletedWorkload): Map<string, true> {
  const paths = new Map<string, true>();
  for (const unit of units) {
    const prefix = prefixOf(unit);
    for (const path of Object.keys(unit.record?.added ?? {})) paths.set(joined(prefix, path), true);
  }
  return paths;
}

/** Path of a unit by its name: `spec.template.roles[name=decode]`. */
function prefixOf({ unit, value }: CompletedUnit): string {
  const by = "name" in value ? "name" : "type";
  const list = listFieldOf(unit);
  return list === undefined ? unit.field : list + encodePath([{ by, is: unit.key }]);
}

function joined(prefix: string, path: string): string {
  return `${prefix}${path.startsWith("[") ? "" : "."}${path}`;
}

/**
 * Finds what is known of a path, or of what holds it: of a whole variable whose value is at fault. A path of a user's
 * own keys can be far longer than any that is known; of it only so much is looked at.
 */
function finderIn<T>(known: ReadonlyMap<string, T>): (path: string) => T | undefined {
  let longest = 0;
  for (const { length } of known.keys()) longest = Math.max(longest, length);
  return (path) => {
    for (let end = Math.min(path.length, longest); end > 0; end--) {
      const whole = end === path.length || path[end] === "." || path[end] === "[";
      const found = whole ? known.get(path.slice(0, end)) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
