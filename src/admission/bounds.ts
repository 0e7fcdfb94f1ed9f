import type { AdmissionRequest } from "../api/admission-review.ts";
import type { CauseType, Finding } from "../api/finding.ts";
import { at, isObject, type Json, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { OBJECT_LIMITS as LIMITS } from "../api/limits.ts";
import { ASK } from "../api/names.ts";
import { asksForInjection } from "../defaults/asks.ts";
import { isNpuResource } from "../engines/accelerators.ts";
import { isWorkloadKind, shapeOf } from "../kinds/index.ts";
import { type Judgement, untouched } from "./judgement.ts";
import { findPlaces } from "./places.ts";
import { type KnownKind, kindOf } from "./shape.ts";

/** What the pass before any reading says of a request. */
export interface Measured {
  /** About how many characters the objects of the request have, without managed fields, which nobody reads. */
  length: number;
  /** What is beyond the bounds; empty for every real object. */
  findings: Finding[];
  /** Whether the stored object is beyond them already. */
  stored: boolean;
}

/**
 * Looks once over the objects of a request, before anything of them is read: how much there is, and whether depth,
 * numbers and lengths are within `OBJECT_LIMITS`. Costs a fraction of parsing the text, and never nests deeper than
 * the limit itself.
 */
export function measure(request: AdmissionRequest): Measured {
  const kind = kindOf(request);
  const update = request.operation === "UPDATE";
  const old = update ? measureObject(kind, request.oldObject ?? {}) : NOTHING;
  const own = measureObject(kind, request.object ?? {});
  return {
    length: own.length + old.length,
    findings: old.findings.length > 0 ? old.findings : own.findings,
    stored: old.findings.length > 0,
  };
}

interface Measures {
  length: number;
  findings: Finding[];
}

const NOTHING: Measures = { length: 0, findings: [] };

function measureObject(kind: KnownKind | undefined, object: JsonObject): Measures {
  const walk: Walk = { length: 0, path: [] };
  if (!isWithinDepth(object, LIMITS.depth, walk)) {
    const path = walk.path.reverse().slice(0, 6).join("").replace(/^\./, "");
    const message = `must not nest deeper than ${LIMITS.depth} levels`;
    return { length: walk.length, findings: [finding("depth", path, "FieldValueInvalid", message, FLATTER)] };
  }
  const findings: Finding[] = [];
  // What a ConfigMap holds is bounded where its document is read.
  if (kind !== undefined && kind !== "ConfigMap") lookOver(kind, object, findings);
  return { length: walk.length, findings };
}

interface Walk {
  length: number;
  /** Where it was too deep, innermost first. */
  path: string[];
}

function isWithinDepth(value: Json | undefined, levels: number, walk: Walk): boolean {
  if (typeof value === "string") {
    walk.length += value.length + 3;
    return true;
  }
  if (typeof value !== "object" || value === null) {
    walk.length += 4;
    return true;
  }
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (isWithinDepth(value[index], levels - 1, walk)) continue;
      walk.path.push(`[${index}]`);
      return false;
    }
    return true;
  }
  for (const key in value) {
    walk.length += key.length + 4;
    const before = walk.length;
    if (!isWithinDepth(value[key], levels - 1, walk)) {
      walk.path.push(`.${key.slice(0, 63)}`);
      return false;
    }
    if (key === "managedFields") walk.length = before;
  }
  return true;
}

const FLATTER = "write the value as a text, or with fewer levels";

/** What was found so far. */
interface Look {
  findings: Finding[];
}

function lookOver(kind: KnownKind, object: JsonObject, findings: Finding[]): void {
  const look: Look = { findings };
  lookAtMetadata(look, "metadata", object.metadata);
  const { units, templates } = findPlaces(kind, object);
  number(look, units.path, units.items, LIMITS.roles);
  const beside = isWorkloadKind(kind) ? shapeOf(kind).beside : undefined;
  if (beside) {
    const path = beside.join(".");
    const value = objectOf(at(object, ...beside));
    lookAtWords(look, path, value);
    lookAtVariables(look, `${path}.env`, value.env);
  }
  for (const { path, value } of units.items) {
    const { name, type, image, env, config, resources } = objectOf(value);
    length(look, `${path}.name`, name, LIMITS.name);
    length(look, `${path}.type`, type, LIMITS.name);
    length(look, `${path}.image`, image, LIMITS.word);
    lookAtVariables(look, `${path}.env`, env);
    lookAtResources(look, `${path}.resources`, resources);
    if (isObject(config)) lookAtConfig(look, `${path}.config`, config);
  }
  for (const { path, value } of templates) {
    const { metadata, spec } = objectOf(value);
    if (path !== "") lookAtMetadata(look, `${path}.metadata`, metadata);
    lookAtPod(look, path === "" ? "spec" : `${path}.spec`, objectOf(spec));
  }
}

function lookAtMetadata(look: Look, path: string, metadata: Json | undefined): void {
  const { name, labels, annotations } = objectOf(metadata);
  length(look, `${path}.name`, name, LIMITS.name);
  for (const [field, map] of [
    ["labels", labels],
    ["annotations", annotations],
  ] as const) {
    if (!isObject(map)) continue;
    let count = 0;
    let total = 0;
    for (const key in map) {
      const value = map[key];
      count++;
      total += key.length + (typeof value === "string" ? value.length : 0);
    }
    if (count > LIMITS.annotations) tooMany(look, `${path}.${field}`, LIMITS.annotations);
    if (total > LIMITS.annotationBytes) tooLong(look, `${path}.${field}`, LIMITS.annotationBytes);
  }
}

function lookAtPod(look: Look, path: string, spec: JsonObject): void {
  for (const key of ["containers", "initContainers", "ephemeralContainers"]) {
    const containers = listOf(spec[key]);
    number(look, `${path}.${key}`, containers, LIMITS.containers);
    for (const [index, container] of containers.entries())
      lookAtContainer(look, `${path}.${key}[${index}]`, objectOf(container));
  }
  for (const key of ["volumes", "tolerations", "hostAliases", "imagePullSecrets"]) {
    const items = listOf(spec[key]);
    number(look, `${path}.${key}`, items, LIMITS.items);
    for (const [index, item] of items.entries()) {
      if (isObject(item)) lookAtWords(look, `${path}.${key}[${index}]`, item);
    }
  }
}

function lookAtContainer(look: Look, path: string, container: JsonObject): void {
  lookAtWords(look, path, container);
  for (const key of ["command", "args"]) {
    const texts = listOf(container[key]);
    number(look, `${path}.${key}`, texts, LIMITS.arguments);
    for (const [index, text] of texts.entries())
      length(look, `${path}.${key}[${index}]`, text, LIMITS.argument);
  }
  lookAtVariables(look, `${path}.env`, container.env);
  for (const key of ["volumeMounts", "ports", "envFrom", "volumeDevices"]) {
    const items = listOf(container[key]);
    number(look, `${path}.${key}`, items, LIMITS.items);
    for (const [index, item] of items.entries()) {
      if (isObject(item)) lookAtWords(look, `${path}.${key}[${index}]`, item);
    }
  }
  lookAtResources(look, `${path}.resources`, container.resources);
}

function lookAtResources(look: Look, path: string, resources: Json | undefined): void {
  const { limits, requests } = objectOf(resources);
  lookAtWords(look, `${path}.limits`, objectOf(limits), LIMITS.resources);
  lookAtWords(look, `${path}.requests`, objectOf(requests), LIMITS.resources);
}

function lookAtVariables(look: Look, path: string, env: Json | undefined): void {
  const variables = listOf(env);
  number(look, path, variables, LIMITS.variables);
  for (const [index, variable] of variables.entries()) {
    if (!isObject(variable)) continue;
    length(look, `${path}[${index}].name`, variable.name, LIMITS.word);
    length(look, `${path}[${index}].value`, variable.value, LIMITS.argument);
  }
}

/** The engine's arguments of a ModelBooster's worker. */
function lookAtConfig(look: Look, path: string, config: JsonObject): void {
  const keys = Object.keys(config);
  number(look, path, keys, LIMITS.arguments);
  for (const key of keys) {
    if (key.length > LIMITS.argument) tooLong(look, `${path}[${key.slice(0, 63)}…]`, LIMITS.argument);
    length(look, `${path}[${key.slice(0, 63)}]`, config[key], LIMITS.argument);
  }
}

/** Fields that are one word each, of whatever name. */
function lookAtWords(look: Look, path: string, item: JsonObject, most: number = LIMITS.items): void {
  let count = 0;
  for (const key in item) {
    count++;
    if (key.length > LIMITS.word) tooLong(look, `${path}[${key.slice(0, 63)}…]`, LIMITS.word);
    length(look, `${path}.${key.slice(0, 63)}`, item[key], LIMITS.word);
  }
  if (count > most) tooMany(look, path, most);
}

function length(look: Look, path: string, value: Json | undefined, most: number): void {
  if (typeof value === "string" && value.length > most) tooLong(look, path, most);
}

function number(look: Look, path: string, list: readonly unknown[], most: number): void {
  if (list.length > most) tooMany(look, path, most);
}

function tooLong({ findings }: Look, path: string, most: number): void {
  const message = `must not be longer than ${most} characters`;
  findings.push(finding("length", path, "FieldValueTooLong", message, "write a shorter value"));
}

function tooMany({ findings }: Look, path: string, most: number): void {
  const message = `must have at most ${most} items`;
  findings.push(finding("number", path, "FieldValueTooMany", message, "write fewer"));
}

function finding(rule: string, path: string, cause: CauseType, message: string, fix: string): Finding {
  return { rule: `bounds/${rule}`, severity: "deny", path, cause, message, fix };
}

/**
 * The answer on a request that is beyond the bounds, or whose judgement was given up: a refusal where somebody asked
 * for injection, and else a warning. What the cluster holds already is never blocked by a limit of ours.
 */
export function unreadJudgement(
  request: AdmissionRequest,
  { findings, stored }: Pick<Measured, "findings" | "stored">,
  asks: readonly (Readonly<Record<string, string>> | undefined)[],
): Judgement {
  const refused = !stored && kindOf(request) !== "Pod" && isAskedFor(request.object ?? {}, asks);
  const judgement = untouched(kindOf(request), request.object ?? {}, refused ? undefined : "out-of-bounds");
  if (refused) return { ...judgement, findings };
  const warned = findings.map(
    ({ message, fix, ...rest }): Finding => ({
      ...rest,
      severity: "warn",
      message: `${message}${UNREAD}`,
      fix,
    }),
  );
  return { ...judgement, findings: warned };
}

const UNREAD = ", so nothing was read or injected";

/** The answer where a judgement was given up. Pods pass: their templates are the first line. */
export function givenUp(request: AdmissionRequest, problem: string): Judgement {
  const kind = kindOf(request);
  const passes = kind === "Pod";
  const message = `cannot be judged: ${problem}${passes ? UNREAD : ""}`;
  const fix = "write it smaller or plainer, and report it: every object that can exist should be read";
  const path = kind === "ConfigMap" ? "data" : "spec";
  const told = finding("time", path, "FieldValueInvalid", message, fix);
  const findings: Finding[] = [{ ...told, severity: passes ? "warn" : "deny" }];
  return { ...untouched(kind, request.object ?? {}, passes ? "given-up" : undefined), findings };
}

/** Whether anybody asks for injection: an annotation of the object, its templates, owner or namespace, or NPUs. */
function isAskedFor(
  object: JsonObject,
  asks: readonly (Readonly<Record<string, string>> | undefined)[],
): boolean {
  if (asks.some(asksForInjection)) return true;
  const open: Json[] = [object];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === "object" && item !== null) open.push(item);
    } else if (isObject(value)) {
      for (const key in value) {
        const child = value[key];
        if (key === ASK.npus || (key === ASK.inject && child === "true") || isNpuResource(key)) return true;
        if (typeof child === "object" && child !== null && key !== "managedFields") open.push(child);
      }
    }
  }
  return false;
}
