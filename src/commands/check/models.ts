import { objectOf, stringOf } from "../../api/json.ts";
import { ASK, INJECTED } from "../../api/names.ts";
import type { AnyObject, KubeObject } from "../../kube/resource.ts";
import { about, type CheckLine, fine, type Reading, warning } from "./line.ts";

const ROLLOUT = "src/injectors/README.md#what-is-injected-and-when";
const MOST_NAMES = 5;

/** A ModelServing or ModelBooster, as far as this check needs it. */
export interface ModelSeen {
  key: string;
  injected: boolean;
  /** Whether a container, or a worker, of it asks for NPUs. */
  asksForNpus: boolean;
  optedOut: boolean;
}

/** What is known of namespaces and models. */
export interface ModelsSeen {
  namespaces: Reading<KubeObject[]>;
  models: Reading<ModelSeen[]>;
  /** Whether the webhooks are called for a namespace with these labels. */
  selected: (labels: Readonly<Record<string, string>>) => boolean;
}

/** Checks which namespaces are left out, and which models have NPUs but were not injected. */
export function modelLines({ namespaces, models, selected }: ModelsSeen): CheckLine[] {
  return [
    ...about("namespaces", "Namespaces", namespaces, (all) => namespaceLines(all, selected)),
    ...about("models", "models", models, modelsLines),
  ];
}

function namespaceLines(all: readonly KubeObject[], selected: ModelsSeen["selected"]): CheckLine[] {
  const excluded = all.filter(({ metadata }) => {
    const labels = { "kubernetes.io/metadata.name": metadata.name, ...metadata.labels };
    return metadata.name !== "kube-system" && !selected(labels);
  });
  const optedOut = all.filter(({ metadata }) => metadata.annotations?.[ASK.inject] === "false");
  const lines: CheckLine[] = [];
  if (excluded.length > 0)
    lines.push(
      warning(
        "namespaces/excluded",
        `the webhooks are not called for models in ${named(excluded)}`,
        "change webhooks.excludedNamespaces or webhooks.namespaceSelector of the chart where that is not meant",
        ROLLOUT,
      ),
    );
  if (optedOut.length > 0)
    lines.push(
      warning(
        "namespaces/opted-out",
        `injection is off by annotation in ${named(optedOut)}`,
        `remove ${ASK.inject} from the Namespace where that is not meant`,
        ROLLOUT,
      ),
    );
  return lines.length > 0 ? lines : [fine("namespaces", `no namespace is left out, of ${all.length}`)];
}

function modelsLines(models: readonly ModelSeen[]): CheckLine[] {
  const without = models.filter(({ asksForNpus, injected }) => asksForNpus && !injected);
  const forgotten = without.filter(({ optedOut }) => !optedOut);
  if (forgotten.length === 0)
    return [fine("models", `${models.length} models, and none with NPUs that nobody completed`)];
  const names = forgotten.map(({ key }) => key);
  return [
    warning(
      "models/not-injected",
      `${forgotten.length} of ${models.length} models have NPUs but nothing was injected: ${shortList(names)}`,
      `annotate ${ASK.inject}=true (their pods restart), or "false" where that is meant`,
      ROLLOUT,
    ),
  ];
}

/** Reads a model as it is listed. `asks`: whether an object with resources asks for NPUs. */
export function modelSeen(object: AnyObject, asksForNpus: boolean): ModelSeen {
  const { name, namespace, annotations } = object.metadata;
  return {
    key: `${namespace ?? ""}/${name}`,
    injected: annotations?.[INJECTED] !== undefined,
    asksForNpus,
    optedOut: annotations?.[ASK.inject] === "false",
  };
}

/** Whether a label selector takes an object with these labels (metav1.LabelSelector). */
export function selectorMatches(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const own = new Map(Object.entries(labels));
  const { matchLabels, matchExpressions } = objectOf(selector);
  const equal = Object.entries(objectOf(matchLabels)).every(([key, value]) => own.get(key) === value);
  const expressions = Array.isArray(matchExpressions) ? matchExpressions.map(objectOf) : [];
  return (
    equal &&
    expressions.every(({ key, operator, values }) => {
      const value = own.get(stringOf(key) ?? "");
      const listed = Array.isArray(values) && value !== undefined && values.includes(value);
      if (operator === "In") return listed;
      if (operator === "NotIn") return !listed;
      return operator === "Exists" ? value !== undefined : value === undefined;
    })
  );
}

function named(objects: readonly KubeObject[]): string {
  return shortList(objects.map(({ metadata }) => metadata.name));
}

function shortList(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(", ")} and ${more} more` : names.join(", ");
}
