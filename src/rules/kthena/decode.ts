import { at, isObject, type Json, type JsonObject, listOf, objectOf } from "../../api/json.ts";
import { atoi } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { workersOf } from "./booster-backend.ts";
import { rolesOf } from "./role.ts";
import type { Check } from "./rule.ts";

/** A value that Go's types cannot hold, below the place that was looked at. */
interface Misfit {
  path: string;
  value: Json;
}

const HIGHEST = 2 ** 31 - 1;
const LOWEST = -(2 ** 31);

const SUMMARY = "Numbers and quantities that the CRD lets through fit into Kthena's own types";
const WHY =
  "The CRD bounds no number that can be a string too, and its pattern takes quantities such as 1e1.5; Kthena's webhook cannot read them and answers with an error";

/** The check of a ModelServing's numbers and quantities. */
export const SERVING_DECODE: Check = {
  name: "decode",
  summary: SUMMARY,
  why: WHY,
  example: {
    in: "spec",
    refused: "rolloutStrategy: {rollingUpdateConfiguration: {partition: 3000000000}}",
    admitted: "rolloutStrategy: {rollingUpdateConfiguration: {partition: 3}}",
  },
  check: (object) => [
    ...remarks("spec.rolloutStrategy.rollingUpdateConfiguration", [
      ...numbers(at(object, "spec", "rolloutStrategy", "rollingUpdateConfiguration"), ROLLOUT),
    ]),
    ...rolesOf(object).flatMap(({ field, value }) =>
      remarks(field, [
        ...numbers(value, ROLLOUT),
        ...below("entryTemplate.spec", podSpec(at(value, "entryTemplate", "spec"))),
        ...below("workerTemplate.spec", podSpec(at(value, "workerTemplate", "spec"))),
      ]),
    ),
  ],
};

/** The check of a ModelBooster's quantities. */
export const BOOSTER_DECODE: Check = {
  name: "booster-decode",
  summary: "Quantities that the CRD lets through can be read by Kthena",
  why: WHY,
  example: {
    in: "worker",
    refused: "resources: {limits: {cpu: 1e1.5}}",
    admitted: "resources: {limits: {cpu: 15}}",
  },
  check: (object) => [
    ...remarks("spec.backend", divisors(at(object, "spec", "backend", "env"))),
    ...workersOf(object).flatMap(({ field, value }) => remarks(field, resources(value.resources))),
  ],
};

function remarks(field: string, misfits: readonly Misfit[]): Remark[] {
  return misfits.map(({ path, value }) => ({
    path: `${field}.${path}`,
    value,
    message: `${quoted(value)} cannot be read by Kthena`,
    fix:
      typeof value === "number"
        ? `write a number of at most ${HIGHEST}`
        : "write a quantity with a whole exponent or a suffix, such as 16Gi or 15",
  }));
}

function below(place: string, misfits: readonly Misfit[]): Misfit[] {
  return misfits.map(({ path, value }) => ({ path: `${place}.${path}`, value }));
}

const ROLLOUT = ["maxUnavailable", "partition"];

/** Numbers that can be strings too and are beyond 32 bits. */
function numbers(holder: Json | undefined, keys: readonly string[]): Misfit[] {
  if (!isObject(holder)) return [];
  return keys.flatMap((key): Misfit[] => {
    const value = holder[key];
    return typeof value === "number" && (value > HIGHEST || value < LOWEST) ? [{ path: key, value }] : [];
  });
}

/** The exponent of a quantity: whole, and of 64 bits (apimachinery, pkg/api/resource). */
function isUnreadable(value: Json | undefined): value is string {
  const exponent = typeof value === "string" ? /[eE]([+-]?[0-9.]+)$/.exec(value)?.[1] : undefined;
  return exponent !== undefined && atoi(exponent) === undefined;
}

function quantities(holder: Json | undefined, place: string): Misfit[] {
  if (!isObject(holder)) return [];
  return Object.entries(holder).flatMap(([key, value]): Misfit[] =>
    isUnreadable(value) ? [{ path: `${place}[${key}]`, value }] : [],
  );
}

function resources(value: Json | undefined): Misfit[] {
  if (!isObject(value)) return [];
  return [
    ...quantities(value.limits, "resources.limits"),
    ...quantities(value.requests, "resources.requests"),
  ];
}

function divisors(list: Json | undefined, place = "env", keys = ["valueFrom"]): Misfit[] {
  const found: Misfit[] = [];
  for (const [index, item] of listOf(list).entries()) {
    const value = at(item, ...keys, "resourceFieldRef", "divisor");
    if (!isUnreadable(value)) continue;
    found.push({ path: [`${place}[${index}]`, ...keys, "resourceFieldRef.divisor"].join("."), value });
  }
  return found;
}

function podSpec(value: Json | undefined): Misfit[] {
  if (!isObject(value)) return [];
  return [
    ...["containers", "initContainers", "ephemeralContainers"].flatMap((list) =>
      listOf(value[list]).flatMap((item, index) => below(`${list}[${index}]`, container(objectOf(item)))),
    ),
    ...listOf(value.volumes).flatMap((item, index) => below(`volumes[${index}]`, volume(objectOf(item)))),
    ...quantities(value.overhead, "overhead"),
    ...resources(value.resources),
  ];
}

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS = ["postStart", "preStop"];

function container(value: JsonObject): Misfit[] {
  return [
    ...resources(value.resources),
    ...divisors(value.env),
    ...PROBES.flatMap((probe) => ports(value[probe], probe)),
    ...HOOKS.flatMap((hook) => ports(at(value, "lifecycle", hook), `lifecycle.${hook}`)),
  ];
}

function ports(handler: Json | undefined, place: string): Misfit[] {
  if (!isObject(handler)) return [];
  return ["httpGet", "tcpSocket"].flatMap((kind) =>
    below(`${place}.${kind}`, numbers(handler[kind], ["port"])),
  );
}

function volume(value: JsonObject): Misfit[] {
  const { emptyDir, ephemeral, downwardAPI, projected } = value;
  const sizeLimit = at(emptyDir, "sizeLimit");
  return [
    ...(isUnreadable(sizeLimit) ? [{ path: "emptyDir.sizeLimit", value: sizeLimit }] : []),
    ...below(
      "ephemeral.volumeClaimTemplate.spec",
      resources(at(ephemeral, "volumeClaimTemplate", "spec", "resources")),
    ),
    ...divisors(at(downwardAPI, "items"), "downwardAPI.items", []),
    ...listOf(at(projected, "sources")).flatMap((source, index) =>
      divisors(at(source, "downwardAPI", "items"), `projected.sources[${index}].downwardAPI.items`, []),
    ),
  ];
}
