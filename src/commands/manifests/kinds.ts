import { closest } from "../../api/closest.ts";
import { type JsonObject, stringOf } from "../../api/json.ts";
import { NETWORKING_GROUP, WORKLOAD_GROUP } from "../../api/names.ts";

const GROUPS: Readonly<Record<string, string>> = {
  ModelServing: WORKLOAD_GROUP,
  ModelBooster: WORKLOAD_GROUP,
  ModelServer: NETWORKING_GROUP,
  ModelRoute: NETWORKING_GROUP,
};
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
  const right = Object.hasOwn(GROUPS, kind) ? GROUPS[kind] : undefined;
  if (right === group) return undefined;
  // Other software has kinds of these names too: only a group close to ours is a mistake.
  const near = closest(group, Object.values(GROUPS)) !== undefined || (right !== undefined && group === "");
  if (!near || (OTHERS.includes(kind) && group.endsWith("serving.volcano.sh"))) return undefined;
  if (right !== undefined)
    return `apiVersion ${apiVersion} has no kind ${kind}; did you mean ${right}/v1alpha1?`;
  const guess = closest(kind, Object.keys(GROUPS));
  const known = Object.keys(GROUPS).join(", ");
  return `kind ${kind} is not known in ${group}; ${guess === undefined ? `known are ${known}` : `did you mean ${guess}?`}`;
}
