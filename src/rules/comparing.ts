import { type ServerFacts, serverFacts, type WorkloadFacts, workloadFacts } from "../readings/neighbours.ts";
import { namespaceOf, servingsOf, within } from "./across.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import { type Meant, meaning } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

/** What a ModelServer and a ModelServing that it selects do not agree in, as a remark on the ModelServer. */
export type Compare = (server: ServerFacts, serving: WorkloadFacts, meant: Meant) => Remark[];

/** So many remarks of one rule: nobody reads more, and the next look tells what is left. */
const MOST_REMARKS = 100;
/** So many roles are looked at for one object, each for every ModelServer that may select it: far above real ones. */
export const MOST_LOOKS = 100_000;

/**
 * Compares one with many, as far as that is bounded. `looks`: roles that are looked at for each; nothing is said of what
 * comes behind the bound: these rules warn only.
 */
function compared<T>(
  many: readonly T[],
  looks: (one: T) => number,
  compare: (one: T) => readonly Remark[],
): Remark[] {
  const remarks: Remark[] = [];
  let left = MOST_LOOKS;
  for (const one of many) {
    left -= 1 + looks(one);
    if (left < 0 || remarks.length >= MOST_REMARKS) break;
    remarks.push(...compare(one).slice(0, MOST_REMARKS - remarks.length));
  }
  return remarks;
}

/** A rule on a ModelServer and on the ModelServing behind it: whichever comes second is told. */
export function comparing(compare: Compare): Rule["check"] {
  return (subject) => {
    const { kind, object, cluster } = subject;
    if (!cluster) return [];
    const namespace = namespaceOf(object, cluster);
    const meant = meaning();
    if (kind === "ModelServer") {
      const server = serverFacts(object, namespace);
      return compared(
        servingsOf(cluster, namespace) ?? [],
        ({ roles = [] }) => roles.length,
        (serving) => compare(server, serving, meant),
      );
    }
    if (kind !== "ModelServing" || subject.units.length === 0) return [];
    const serving = workloadFacts(object, namespace);
    return compared(
      standingServers(cluster, namespace),
      () => serving.roles?.length ?? 0,
      (server) => compare(server, serving, meant).map((remark) => onServing(server, remark)),
    );
  };
}

/** ModelServers that are not reviewed themselves, and are therefore not told. */
function standingServers({ modelServers = [] }: ClusterFacts, namespace: string): ServerFacts[] {
  return within(modelServers, namespace).filter(({ order }) => order === undefined);
}

function onServing({ name }: ServerFacts, { path, value, message, fix }: Remark): Remark {
  const place = `${path} of ModelServer ${name}`;
  return {
    path: "spec.template.roles",
    value: `${name} ${path}`,
    against: value,
    message: `${message} (${place})`,
    fix: `on the ModelServer: ${fix}`,
  };
}
