import { type ServerFacts, serverFacts, type WorkloadFacts, workloadFacts } from "../readings/neighbours.ts";
import { namespaceOf, servingsOf, within } from "./across.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import type { Remark, Rule } from "./rule.ts";

/** What a ModelServer and a ModelServing that it selects do not agree in, as a remark on the ModelServer. */
export type Compare = (server: ServerFacts, serving: WorkloadFacts) => Remark[];

/** A rule on a ModelServer and on the ModelServing behind it: whichever comes second is told. */
export function comparing(compare: Compare): Rule["check"] {
  return (subject) => {
    const { kind, object, cluster } = subject;
    if (!cluster) return [];
    const namespace = namespaceOf(object, cluster);
    if (kind === "ModelServer") {
      const server = serverFacts(object, namespace);
      return (servingsOf(cluster, namespace) ?? []).flatMap((serving) => compare(server, serving));
    }
    if (kind !== "ModelServing" || subject.units.length === 0) return [];
    const serving = workloadFacts(object, namespace);
    return standingServers(cluster, namespace).flatMap((server) =>
      compare(server, serving).map((remark) => onServing(server, remark)),
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
