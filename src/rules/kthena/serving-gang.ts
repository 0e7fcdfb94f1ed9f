import { at, isObject, type JsonObject } from "../../api/json.ts";
import type { Remark } from "../rule.ts";
import { type Role, rolesOf } from "./role.ts";
import type { Check } from "./rule.ts";

/** Checks of the gang that a ModelServing asks for. */
export const GANG_CHECKS: readonly Check[] = [
  {
    name: "gang-role",
    summary: "minRoleReplicas names roles that are there",
    why: "A gang could never be complete with a role that nobody makes",
    example: {
      in: "spec",
      refused: "template: {gangPolicy: {minRoleReplicas: {decode: 1}}}",
      admitted: "template: {gangPolicy: {minRoleReplicas: {server: 1}}}",
    },
    check: (object) =>
      minimaOf(object)
        .filter(({ role }) => role === undefined)
        .map(({ path, name }) => ({
          path,
          value: name,
          message: `there is no role ${name}`,
          fix: "name a role of spec.template.roles, or remove it",
        })),
  },
  {
    name: "gang-replicas",
    summary: "minRoleReplicas of a role is at most its replicas",
    why: "A gang could never be complete",
    example: {
      in: "spec",
      refused: "template: {gangPolicy: {minRoleReplicas: {server: 2}}}",
      admitted: "template: {gangPolicy: {minRoleReplicas: {server: 1}}}",
    },
    check: (object) =>
      minimaOf(object).flatMap(({ path, name, minimum, role }): Remark[] =>
        role && minimum > role.replicas
          ? [
              {
                path,
                value: minimum,
                message: `the gang needs ${minimum} of role ${name}, which has ${role.replicas} replicas`,
                fix: `write ${Math.max(0, role.replicas)} or less, or raise the replicas`,
              },
            ]
          : [],
      ),
  },
  {
    name: "gang-negative",
    summary: "minRoleReplicas of a role is not negative",
    why: "0 leaves a role out of the gang; less has no meaning",
    example: {
      in: "spec",
      refused: "template: {gangPolicy: {minRoleReplicas: {server: -1}}}",
      admitted: "template: {gangPolicy: {minRoleReplicas: {server: 0}}}",
    },
    check: (object) =>
      minimaOf(object)
        .filter(({ role, minimum }) => role !== undefined && minimum < 0)
        .map(({ path, name, minimum }) => ({
          path,
          value: minimum,
          message: `minRoleReplicas of role ${name} is ${minimum}`,
          fix: "write 0 or more",
        })),
  },
];

interface Minimum {
  path: string;
  name: string;
  minimum: number;
  role: Role | undefined;
}

function minimaOf(object: JsonObject): Minimum[] {
  const given = at(object, "spec", "template", "gangPolicy", "minRoleReplicas");
  if (!isObject(given)) return [];
  const roles = new Map(rolesOf(object).map((role) => [role.name, role]));
  return Object.entries(given).flatMap(([name, minimum]) =>
    typeof minimum === "number"
      ? [
          {
            path: `spec.template.gangPolicy.minRoleReplicas[${name}]`,
            name,
            minimum,
            role: roles.get(name),
          },
        ]
      : [],
  );
}
