import type { JsonObject } from "../../api/json.ts";
import { boosterReference } from "../../cluster/cluster-view.ts";
import { readRoute, readServer, readServing } from "../../conditions/read.ts";

/** What an audit remembers of an object to tell who belongs to whom. */
interface Serving {
  namespace: string;
  name: string;
  /** Labels of the entry pods of each role. */
  labels: readonly Readonly<Record<string, string>>[];
  /** The uid of the ModelBooster that owns it. */
  booster: string | undefined;
}
interface Server {
  namespace: string;
  name: string;
  selector: Readonly<Record<string, string>>;
}
interface Route {
  namespace: string;
  name: string;
  targets: readonly string[];
}

/** Objects of all kinds by what ties them together. */
export interface Ties {
  servings: Serving[];
  servers: Server[];
  routes: Route[];
  /** uids of ModelBoosters. */
  boosters: Set<string>;
}

/** No objects yet. */
export function noTies(): Ties {
  return { servings: [], servers: [], routes: [], boosters: new Set() };
}

/** Remembers an object; only labels, selectors and names of it. */
export function remember(ties: Ties, object: JsonObject, namespace: string): void {
  if (object.kind === "ModelServing") {
    const { name, roles } = readServing(object);
    const labels = roles.map((role) => role.labels);
    ties.servings.push({ namespace, name, labels, booster: boosterReference(object)?.uid });
  } else if (object.kind === "ModelServer") {
    const { name, selector } = readServer(object);
    ties.servers.push({ namespace, name, selector });
  } else if (object.kind === "ModelRoute") {
    const { name, targets } = readRoute(object);
    ties.routes.push({ namespace, name, targets: [...new Set(targets)] });
  } else if (object.kind === "ModelBooster") {
    const { uid } = (object.metadata ?? {}) as JsonObject;
    if (typeof uid === "string") ties.boosters.add(uid);
  }
}

/** How an object is found in what `orphansIn` gives. */
export function tieKey({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}

/** What objects of other kinds are missing beside each: only those that lack something. About linear in all. */
export function orphansIn(ties: Ties): Map<string, string[]> {
  const told = new Map<string, Set<string>>();
  const tell = (
    kind: string,
    { namespace, name }: { namespace: string; name: string },
    text: string,
  ): void => {
    const key = tieKey({ kind, namespace, name });
    told.set(key, (told.get(key) ?? new Set<string>()).add(text));
  };
  const selected = new Set<Serving>();
  const byLabel = labelIndex(ties.servings);
  for (const server of ties.servers) {
    const found = servingsOf(server, byLabel);
    for (const serving of found) selected.add(serving);
    if (found.length === 0) tell("ModelServer", server, "it selects no ModelServing");
  }
  const sent = new Set(
    ties.routes.flatMap(({ namespace, targets }) => targets.map((name) => `${namespace}/${name}`)),
  );
  const known = new Set(ties.servers.map(({ namespace, name }) => `${namespace}/${name}`));
  for (const server of ties.servers)
    if (!sent.has(`${server.namespace}/${server.name}`))
      tell("ModelServer", server, "no ModelRoute sends to it");
  for (const route of ties.routes)
    for (const target of route.targets)
      if (!known.has(`${route.namespace}/${target}`))
        tell("ModelRoute", route, `ModelServer ${target} is not there`);
  for (const serving of ties.servings) {
    if (!selected.has(serving)) tell("ModelServing", serving, "no ModelServer selects it");
    if (serving.booster !== undefined && !ties.boosters.has(serving.booster))
      tell("ModelServing", serving, "its ModelBooster is gone");
  }
  return new Map([...told].map(([key, texts]) => [key, [...texts]]));
}

type LabelIndex = ReadonlyMap<string, readonly Serving[]>;

function labelIndex(servings: readonly Serving[]): LabelIndex {
  const index = new Map<string, Serving[]>();
  for (const serving of servings) {
    const pairs = new Set(
      serving.labels.flatMap((labels) =>
        Object.entries(labels).map(([key, value]) => labelKey(serving.namespace, key, value)),
      ),
    );
    for (const pair of pairs) {
      const same = index.get(pair);
      if (same) same.push(serving);
      else index.set(pair, [serving]);
    }
  }
  return index;
}

function labelKey(namespace: string, key: string, value: string): string {
  return JSON.stringify([namespace, key, value]);
}

/** The servings with a role that has all labels of a selector, found by the label that the fewest have. */
function servingsOf({ namespace, selector }: Server, byLabel: LabelIndex): Serving[] {
  const wanted = Object.entries(selector);
  const lists = wanted.map(([key, value]) => byLabel.get(labelKey(namespace, key, value)) ?? []);
  const [fewest = []] = lists.sort((left, right) => left.length - right.length);
  return fewest.filter(({ labels }) =>
    labels.some((own) => wanted.every(([key, value]) => Object.hasOwn(own, key) && own[key] === value)),
  );
}
