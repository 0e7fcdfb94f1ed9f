import { at, isObject, type Json, type JsonObject, listOf } from "../../api/json.ts";
import { templatesOf } from "../../kinds/units.ts";
import { atoi } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { workersOf } from "./booster-backend.ts";
import { rolesOf } from "./role.ts";
import type { Check } from "./rule.ts";

/** Takes a value that Go's types cannot hold, with the fields that lead to it: text is made only where there is one. */
type Report = (value: Json, ...fields: string[]) => void;

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
  check: (object) => {
    const remarks: Remark[] = [];
    const rollout = "spec.rolloutStrategy.rollingUpdateConfiguration";
    numbers(
      at(object, "spec", "rolloutStrategy", "rollingUpdateConfiguration"),
      ROLLOUT,
      into(remarks, rollout),
    );
    for (const { field, value } of rolesOf(object)) {
      numbers(value, ROLLOUT, into(remarks, field));
      for (const { key, template } of templatesOf("ModelServing", value))
        podSpec(template.spec, into(remarks, `${field}.${key}.spec`));
    }
    return remarks;
  },
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
  check: (object) => {
    const remarks: Remark[] = [];
    divisors(at(object, "spec", "backend", "env"), "env", into(remarks, "spec.backend"));
    for (const { field, value } of workersOf(object)) resources(value.resources, into(remarks, field));
    return remarks;
  },
};

function into(remarks: Remark[], field: string): Report {
  return (value, ...fields) => {
    remarks.push({
      path: [field, ...fields].join("."),
      value,
      message: `${quoted(value)} cannot be read by Kthena`,
      fix:
        typeof value === "number"
          ? `write a number of at most ${HIGHEST}`
          : "write a quantity with a whole exponent or a suffix, such as 16Gi or 15",
    });
  };
}

function below(report: Report, ...place: string[]): Report {
  return (value, ...fields) => report(value, ...place, ...fields);
}

const ROLLOUT = ["maxUnavailable", "partition"];
const PORT = ["port"];

/** Numbers that can be strings too and are beyond 32 bits. */
function numbers(holder: Json | undefined, keys: readonly string[], report: Report): void {
  if (!isObject(holder)) return;
  for (const key of keys) {
    const value = holder[key];
    if (typeof value === "number" && (value > HIGHEST || value < LOWEST)) report(value, key);
  }
}

/** The exponent of a quantity: whole, and of 64 bits (apimachinery, pkg/api/resource). */
function isUnreadable(value: Json | undefined): value is string {
  const exponent = typeof value === "string" ? /[eE]([+-]?[0-9.]+)$/.exec(value)?.[1] : undefined;
  return exponent !== undefined && atoi(exponent) === undefined;
}

function quantities(holder: Json | undefined, place: string, report: Report): void {
  if (!isObject(holder)) return;
  for (const key in holder) {
    const value = holder[key];
    if (isUnreadable(value)) report(value, `${place}[${key}]`);
  }
}

function resources(value: Json | undefined, report: Report): void {
  if (!isObject(value)) return;
  quantities(value.limits, "resources.limits", report);
  quantities(value.requests, "resources.requests", report);
}

/** Of the variables of a container, or of the files of a volume, that show a resource. */
function divisors(list: Json | undefined, place: "env" | "items", report: Report): void {
  const items = listOf(list);
  // Hundreds of variables, hardly one of them with a valueFrom: a plain loop.
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const holder = place === "env" && isObject(item) ? item.valueFrom : item;
    if (!isObject(holder) || !isObject(holder.resourceFieldRef)) continue;
    const { divisor } = holder.resourceFieldRef;
    const from = place === "env" ? ["valueFrom"] : [];
    if (isUnreadable(divisor)) report(divisor, `${place}[${index}]`, ...from, "resourceFieldRef.divisor");
  }
}

const LISTS = ["containers", "initContainers", "ephemeralContainers"];

function podSpec(value: Json | undefined, report: Report): void {
  if (!isObject(value)) return;
  for (const list of LISTS) {
    for (const [index, item] of listOf(value[list]).entries())
      if (isObject(item)) container(item, below(report, `${list}[${index}]`));
  }
  for (const [index, item] of listOf(value.volumes).entries())
    if (isObject(item)) volume(item, below(report, `volumes[${index}]`));
  quantities(value.overhead, "overhead", report);
  resources(value.resources, report);
}

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS = ["postStart", "preStop"];

function container(value: JsonObject, report: Report): void {
  resources(value.resources, report);
  divisors(value.env, "env", report);
  for (const probe of PROBES) ports(value[probe], below(report, probe));
  const { lifecycle } = value;
  if (isObject(lifecycle)) for (const hook of HOOKS) ports(lifecycle[hook], below(report, "lifecycle", hook));
}

function ports(handler: Json | undefined, report: Report): void {
  if (!isObject(handler)) return;
  numbers(handler.httpGet, PORT, below(report, "httpGet"));
  numbers(handler.tcpSocket, PORT, below(report, "tcpSocket"));
}

function volume(value: JsonObject, report: Report): void {
  const { emptyDir, ephemeral, downwardAPI, projected } = value;
  const sizeLimit = at(emptyDir, "sizeLimit");
  if (isUnreadable(sizeLimit)) report(sizeLimit, "emptyDir.sizeLimit");
  const claim = at(ephemeral, "volumeClaimTemplate", "spec", "resources");
  resources(claim, below(report, "ephemeral.volumeClaimTemplate.spec"));
  divisors(at(downwardAPI, "items"), "items", below(report, "downwardAPI"));
  for (const [index, source] of listOf(at(projected, "sources")).entries())
    divisors(
      at(source, "downwardAPI", "items"),
      "items",
      below(report, `projected.sources[${index}].downwardAPI`),
    );
}
