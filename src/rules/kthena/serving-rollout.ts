import { at, isObject, type JsonObject } from "../../api/json.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { INT_OR_PERCENT, isIntOrPercent, scaled, scaledUp } from "./int-or-percent.ts";
import { type Role, replicasOf, rolesOf, rollsRoles } from "./role.ts";
import type { Check } from "./rule.ts";
import { type KthenaFacts, MAX_SURGE } from "./version.ts";

const CONFIGURATION = "spec.rolloutStrategy.rollingUpdateConfiguration";

/** Checks of how a ModelServing is rolled out as a whole. */
export const ROLLOUT_CHECKS: readonly Check[] = [
  {
    name: "rollout-config",
    summary: "rollingUpdateConfiguration stands under ServingGroupRollingUpdate only",
    why: "Under RoleRollingUpdate each role has its own maxUnavailable and partition",
    example: {
      in: "spec",
      refused: "rolloutStrategy: {type: RoleRollingUpdate, rollingUpdateConfiguration: {}}",
      admitted: "rolloutStrategy: {type: ServingGroupRollingUpdate, rollingUpdateConfiguration: {}}",
    },
    check: (object) =>
      rollsRoles(object) && configurationOf(object)
        ? [
            {
              path: CONFIGURATION,
              cause: "FieldValueForbidden",
              message: "it may not be set under RoleRollingUpdate",
              fix: "remove it and set maxUnavailable and partition in the roles",
            },
          ]
        : [],
  },
  {
    name: "rollout-max-unavailable",
    summary: "maxUnavailable of the roll-out is a number from 0 up or a percentage up to 100%",
    why: "The CRD takes any string",
    example: {
      in: "spec",
      refused: 'rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: "1"}}',
      admitted: "rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: 1}}",
    },
    check: (object) => {
      const value = wholeConfigurationOf(object)?.maxUnavailable;
      if (value === undefined || value === null || isIntOrPercent(value)) return [];
      return [notIntOrPercent(`${CONFIGURATION}.maxUnavailable`, value, "")];
    },
  },
  {
    name: "rollout-partition",
    summary: "partition of the roll-out is a number from 0 up or a percentage up to 100%",
    why: "The CRD takes any string",
    example: {
      in: "spec",
      refused: "rolloutStrategy: {rollingUpdateConfiguration: {partition: 101%}}",
      admitted: "rolloutStrategy: {rollingUpdateConfiguration: {partition: 100%}}",
    },
    check: (object) => {
      const value = wholeConfigurationOf(object)?.partition;
      if (value === undefined || value === null || isIntOrPercent(value)) return [];
      return [notIntOrPercent(`${CONFIGURATION}.partition`, value, "")];
    },
  },
  {
    name: "rollout-max-unavailable-zero",
    summary: "maxUnavailable of the roll-out comes to at least 1 of the replicas, or maxSurge does",
    why: "With 0 of both nothing could ever be rolled out; a percentage of maxUnavailable is rounded down. Kthena up to 1.0 has no maxSurge",
    example: {
      in: "spec",
      refused: "rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: 30%}}",
      admitted: "rolloutStrategy: {rollingUpdateConfiguration: {maxUnavailable: 1}}",
    },
    check: noneUnavailable,
  },
  {
    name: "rollout-max-surge",
    summary: "maxSurge of the roll-out is a number from 0 up or a percentage up to 100%",
    why: "Kthena that has the field checks it as it checks maxUnavailable (#1626)",
    example: {
      in: "spec",
      refused: "rolloutStrategy: {rollingUpdateConfiguration: {maxSurge: -1}}",
      admitted: "rolloutStrategy: {rollingUpdateConfiguration: {maxSurge: 1, maxUnavailable: 0}}",
    },
    check: (object, kthena) => {
      const value = kthena.fields.has(MAX_SURGE.rollout) ? wholeConfigurationOf(object)?.maxSurge : undefined;
      if (value === undefined || value === null || isIntOrPercent(value)) return [];
      return [notIntOrPercent(`${CONFIGURATION}.maxSurge`, value, "")];
    },
  },
  {
    name: "recovery-rollout",
    summary: "ServingGroupRecreate and RoleRollingUpdate do not stand together",
    why: "Whole groups would be made anew while single roles are rolled out",
    example: {
      in: "spec",
      refused: "{recoveryPolicy: ServingGroupRecreate, rolloutStrategy: {type: RoleRollingUpdate}}",
      admitted: "{recoveryPolicy: RoleRecreate, rolloutStrategy: {type: RoleRollingUpdate}}",
    },
    check: (object) =>
      rollsRoles(object) && at(object, "spec", "recoveryPolicy") === "ServingGroupRecreate"
        ? [
            {
              path: "spec.rolloutStrategy.type",
              value: "RoleRollingUpdate",
              message: "RoleRollingUpdate does not go with recoveryPolicy ServingGroupRecreate",
              fix: "write recoveryPolicy: RoleRecreate, or type: ServingGroupRollingUpdate",
            },
          ]
        : [],
  },
];

/** Checks of how single roles are rolled out. */
export const ROLE_ROLLOUT_CHECKS: readonly Check[] = [
  {
    name: "role-partition",
    summary: "partition of a role is a number from 0 up or a percentage up to 100%",
    why: "The CRD takes any string",
    example: { in: "role", refused: 'partition: "5"', admitted: "{}" },
    check: (object) =>
      rolesOf(object).flatMap(({ field, name, partition }) =>
        partition === undefined || isIntOrPercent(partition)
          ? []
          : [notIntOrPercent(`${field}.partition`, partition, ` of role ${name}`)],
      ),
  },
  {
    name: "role-partition-strategy",
    summary: "A role has a partition under RoleRollingUpdate only",
    why: "Otherwise whole ServingGroups are rolled out",
    example: { in: "role", refused: "partition: 1", admitted: "{}" },
    check: (object) =>
      rollsRoles(object)
        ? []
        : rolesOf(object)
            .filter(({ partition }) => partition !== undefined)
            .map(({ field, name, partition }) => ({
              path: `${field}.partition`,
              value: partition,
              cause: "FieldValueForbidden",
              message: `role ${name} has a partition, and rolloutStrategy.type is not RoleRollingUpdate`,
              fix: "remove it, or write rolloutStrategy.type: RoleRollingUpdate",
            })),
  },
  {
    name: "role-max-unavailable",
    summary: "Under RoleRollingUpdate maxUnavailable of a role comes to at least 1 and at most its replicas",
    why: "A percentage is rounded down; the CRD's default is 1, so in Kthena up to 1.0 a role with 0 replicas never passes",
    example: {
      in: "spec",
      refused:
        "rolloutStrategy: {type: RoleRollingUpdate}\ntemplate: {roles: [{name: server, replicas: 1, maxUnavailable: 2, workerReplicas: 0, entryTemplate: {}}]}",
      admitted:
        "rolloutStrategy: {type: RoleRollingUpdate}\ntemplate: {roles: [{name: server, replicas: 1, workerReplicas: 0, entryTemplate: {}}]}",
    },
    check: (object, kthena) =>
      rollsRoles(object) ? rolesOf(object).flatMap((role) => roleUnavailable(role, kthena)) : [],
  },
  {
    name: "role-max-surge",
    summary: "Under RoleRollingUpdate maxSurge of a role is a number from 0 up or a percentage up to 100%",
    why: "Kthena that has the field checks it as it checks maxUnavailable (#1626)",
    example: {
      in: "spec",
      refused:
        'rolloutStrategy: {type: RoleRollingUpdate}\ntemplate: {roles: [{name: server, maxSurge: "1", workerReplicas: 0, entryTemplate: {}}]}',
      admitted:
        "rolloutStrategy: {type: RoleRollingUpdate}\ntemplate: {roles: [{name: server, maxSurge: 1, maxUnavailable: 0, workerReplicas: 0, entryTemplate: {}}]}",
    },
    check: (object, kthena) =>
      rollsRoles(object) && kthena.fields.has(MAX_SURGE.role)
        ? rolesOf(object).flatMap(({ field, name, value: { maxSurge } }) =>
            maxSurge === undefined || maxSurge === null || isIntOrPercent(maxSurge)
              ? []
              : [notIntOrPercent(`${field}.maxSurge`, maxSurge, ` of role ${name}`)],
          )
        : [],
  },
];

function configurationOf(object: JsonObject): JsonObject | undefined {
  const value = at(object, "spec", "rolloutStrategy", "rollingUpdateConfiguration");
  return isObject(value) ? value : undefined;
}

/** The configuration where it counts: not under RoleRollingUpdate, where it may not be there at all. */
function wholeConfigurationOf(object: JsonObject): JsonObject | undefined {
  return rollsRoles(object) ? undefined : configurationOf(object);
}

function noneUnavailable(object: JsonObject, kthena: KthenaFacts): Remark[] {
  const configuration = wholeConfigurationOf(object);
  const replicas = replicasOf(object);
  if (!configuration || replicas === undefined) return [];
  const value = configuration.maxUnavailable ?? 1;
  if (scaled(value, replicas) !== 0 || surges(configuration, kthena, MAX_SURGE.rollout, replicas)) return [];
  return [
    {
      path: CONFIGURATION,
      message: `maxUnavailable ${quoted(value)} of ${replicas} replicas comes to 0`,
      fix: "write a number of at least 1 or a higher percentage",
    },
  ];
}

/** Whether a roll-out may make more than there are, so that none need be unavailable. */
function surges({ maxSurge }: JsonObject, { fields }: KthenaFacts, field: string, replicas: number): boolean {
  return fields.has(field) && (scaledUp(maxSurge ?? 0, replicas) ?? 0) > 0;
}

function roleUnavailable(role: Role, kthena: KthenaFacts): Remark[] {
  const { field, name, replicas, maxUnavailable: value } = role;
  const path = `${field}.maxUnavailable`;
  if (!isIntOrPercent(value)) return [notIntOrPercent(path, value, ` of role ${name}`)];
  const count = scaled(value, replicas);
  if (count === undefined || (count !== 0 && count <= replicas)) return [];
  if (replicas === 0 && kthena.emptyRoles === true) return [];
  if (count === 0 && surges(role.value, kthena, MAX_SURGE.role, replicas)) return [];
  const fix =
    replicas < 1
      ? "give the role a replica, or write rolloutStrategy.type: ServingGroupRollingUpdate"
      : replicas === 1
        ? "write 1"
        : `write a number from 1 to ${replicas} or a percentage that comes to one`;
  const message = `maxUnavailable ${quoted(value)} of role ${name} comes to ${count} of ${replicas} replicas`;
  // Where nothing tells whether this Kthena takes roles without replicas, it is asked.
  const uncertain = replicas === 0 && kthena.emptyRoles === undefined;
  return [{ path, value, message, fix, uncertain }];
}

function notIntOrPercent(path: string, value: Remark["value"], whose: string): Remark {
  const field = path.slice(path.lastIndexOf(".") + 1);
  return { path, value, message: `${field} ${quoted(value)}${whose} is no such number`, fix: INT_OR_PERCENT };
}
