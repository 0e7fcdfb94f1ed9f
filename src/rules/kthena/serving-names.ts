import { type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { isDns1035, MOST_LABEL, nameFrom } from "./labels.ts";
import { replicasOf, rolesOf } from "./role.ts";
import type { Check } from "./rule.ts";

/** Checks of the names of a ModelServing. */
export const NAME_CHECKS: readonly Check[] = [
  {
    name: "generated-name",
    summary:
      "The names that Kthena makes of a ModelServing's and a role's name are DNS labels of at most 63 characters",
    why: "Kthena joins name, replicas, role, role replicas and workerReplicas by dashes and refuses what is no DNS-1035 label; more replicas can have a digit more",
    example: { in: "object", refused: 'metadata: {name: "9b"}', admitted: "metadata: {name: qwen}" },
    check: generatedNames,
  },
  {
    name: "role-name",
    summary: "A role's name is a DNS-1035 label: lower-case letters, digits and dashes, a letter first",
    why: "The CRD lets capitals and a leading digit through, Kthena's webhook does not",
    example: { in: "role", refused: "name: Decode", admitted: "name: decode" },
    check: (object) =>
      rolesOf(object)
        .filter(({ name }) => !isDns1035(name))
        .map(({ field, name }) => ({
          path: `${field}.name`,
          value: name,
          message: `${quoted(name)} is no name for a role`,
          fix: "use lower-case letters, digits and dashes, a letter first, no dash at the end",
        })),
  },
];

function generatedNames(object: JsonObject): Remark[] {
  const metadata = objectOf(object.metadata);
  const given = stringOf(metadata.name) ?? "";
  const base = stringOf(metadata.generateName) ?? "";
  if (given === "" && base === "") return [];
  const name = given === "" ? nameFrom(base) : given;
  const path = given === "" ? "metadata.generateName" : "metadata.name";
  return rolesOf(object).flatMap((role): Remark[] => {
    const counts = `-${role.replicas}-${role.workerReplicas}`;
    const made = `${name}-${replicasOf(object) ?? 1}-${role.name}${counts}`;
    const value = given === "" ? base : given;
    if (made.length > MOST_LABEL) {
      const over = made.length - MOST_LABEL;
      const message = `with role ${role.name} it makes the name ${quoted(made)} of ${made.length} characters, ${MOST_LABEL} at most are allowed`;
      return [{ path, value, message, fix: `shorten it or the role's name by ${over}` }];
    }
    if (isDns1035(made)) return [];
    const message = `with role ${role.name} it makes the name ${quoted(made)}, which is no DNS label`;
    return [
      { path, value, message, fix: "use lower-case letters, digits and dashes, a letter first, no dot" },
    ];
  });
}
