import { closest } from "../../api/closest.ts";
import { type JsonObject, stringOf } from "../../api/json.ts";
import { NETWORKING_GROUP } from "../../api/names.ts";
import { shapeOf, WORKLOAD_KINDS } from "../../kinds/index.ts";

/** Group and version of each kind. */
const GROUPS = new Map<string, { group: string; version: string }>([
  ...WORKLOAD_KINDS.map((kind) => [kind, shapeOf(kind)] as const),
  ["ModelServer", { group: NETWORKING_GROUP, version: "v1alpha1" }],
  ["ModelRoute", { group: NETWORKING_GROUP, version: "v1alpha1" }],
]);
/** Kthena's other kinds (its CRDs), which nothing is said about. */
const OTHERS = ["AutoscalingPolicy", "AutoscalingPolicyBinding", "ExternalModelProvider"];

/**
 * Why an object is none that a cluster takes, as far as it may be meant for us: it says of no kind, or a kind of ours is
 * mistyped. Undefined where it is of one of our kinds, or clearly of another.
 */
export function kindProblem(object: JsonObject): string | undefined {
  const kind = stringOf(object.kind) ?? "";
  const apiVersion = stringOf(object.apiVersion) ?? "";
  if (kind === "") return "has no kind";
  if (apiVersion === "") return `${kind} has no apiVersion`;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const right = GROUPS.get(kind);
  if (right?.group === group) return undefined;
  const groups = Array.from(GROUPS.values(), (known) => known.group);
  // Other software has kinds of these names too: only a group close to ours is a mistake.
  const near = closest(group, groups) !== undefined || (right !== undefined && group === "");
  if (!near || (OTHERS.includes(kind) && group.endsWith("serving.volcano.sh"))) return undefined;
  if (right !== undefined)
    return `apiVersion ${apiVersion} has no kind ${kind}; did you mean ${right.group}/${right.version}?`;
  const guess = closest(kind, [...GROUPS.keys()]);
  const known = [...GROUPS.keys()].join(", ");
  return `kind ${kind} is not known in ${group}; ${guess === undefined ? `known are ${known}` : `did you mean ${guess}?`}`;
}
