import { at, stringOf } from "../api/json.ts";
import {
  type BoosterFacts,
  boosterFacts,
  childName,
  type NamedFacts,
  namedFacts,
} from "../readings/neighbours.ts";
import { namespaceOf, within } from "./across.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** An object that Kthena makes of a ModelBooster (pkg/model-booster-controller/convert). */
interface Child {
  kind: string;
  name: string;
}

function childrenOf(booster: BoosterFacts): Child[] {
  const name = childName(booster);
  return [
    { kind: "ModelServing", name },
    { kind: "ModelServer", name },
    { kind: "ModelRoute", name: booster.name },
  ];
}

/** ModelBooster and manifest get in each other's way only by a name that both want. */
export const boosterChildren: Rule = {
  id: "cluster/booster-children",
  severity: "warn",
  summary: "Nothing else has a name that Kthena gives to what it makes of a ModelBooster",
  why: "Kthena's controller finds its ModelServing, ModelServer and ModelRoute by their names alone, and writes its own over what it finds (pkg/model-booster-controller/controller).",
  example: {
    refused: "a ModelServing qwen-ascend beside a ModelBooster qwen with the backend ascend",
    admitted: "a ModelServing of another name",
  },
  check: (subject) => {
    const { kind, object, cluster } = subject;
    if (!cluster || stringOf(at(object, "metadata", "name")) === undefined) return [];
    const namespace = namespaceOf(object, cluster);
    const path = "metadata.name";
    return messagesOf(subject, cluster, namespace).map((message): Remark => {
      const fix = kind === "ModelBooster" ? "use another name, or another backend.name" : "use another name";
      return { path, value: stringOf(at(object, "metadata", "name")), message, fix };
    });
  },
};

function messagesOf({ kind, object }: RuleSubject, cluster: ClusterFacts, namespace: string): string[] {
  const boosters = earlier(cluster.modelBoosters, cluster, namespace);
  if (kind === "ModelBooster") return ofBooster(boosterFacts(object, namespace), boosters, cluster);
  const own = namedFacts(object, namespace);
  return boosters
    .filter(({ name }) => name !== own.booster)
    .filter((booster) => childrenOf(booster).some((one) => one.kind === kind && one.name === own.name))
    .map(
      ({ name }) =>
        `ModelBooster ${name} has a ${kind} of this name made: Kthena would write it over this one`,
    );
}

function ofBooster(own: BoosterFacts, boosters: readonly BoosterFacts[], cluster: ClusterFacts): string[] {
  const there: Readonly<Record<string, readonly NamedFacts[] | undefined>> = {
    ModelServing: cluster.modelServings,
    ModelServer: cluster.modelServers,
    ModelRoute: cluster.modelRoutes,
  };
  const others = boosters.filter(({ name }) => name !== own.name);
  return childrenOf(own).flatMap(({ kind, name }) => {
    const standing = earlier(there[kind], cluster, own.namespace)
      .filter((one) => one.name === name && one.booster !== own.name)
      .map(
        () =>
          `there is a ${kind} ${name} that is not of this ModelBooster: Kthena would write its own over it`,
      );
    const twice = others
      .filter((other) => childrenOf(other).some((one) => one.kind === kind && one.name === name))
      .map(
        (other) => `ModelBooster ${other.name} has a ${kind} ${name} made too: each would undo the other's`,
      );
    return standing.length > 0 ? standing : twice;
  });
}

/** Those that stand in the namespace when the object is applied: of two the second is told. */
function earlier<T extends NamedFacts>(
  all: readonly T[] | undefined,
  { order }: ClusterFacts,
  namespace: string,
): T[] {
  const before = (one: T): boolean => one.order === undefined || (order !== undefined && one.order < order);
  return within(all ?? [], namespace).filter(before);
}
