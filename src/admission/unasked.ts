import type { Finding } from "../api/finding.ts";
import { type JsonObject, listOf, objectOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { askProblems, asksOfNamespace } from "../defaults/asks.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { templatesOf, unitsOf } from "../kinds/units.ts";
import type { RuleSettings } from "../rules/rule.ts";
import { isOff } from "../rules/severity.ts";

/** Images, node labels and values that name Ascend's hardware or software. */
const ASCEND = /ascend|mindie|huawei|(?:^|[^a-z])cann(?:[^a-z]|$)/i;
/** Variables and arguments of an engine that are of no use elsewhere. */
const ENGINE = /^(?:ASCEND_|HCCL_)|^--(?:device|attention-backend)[= ](?:npu|ascend)$/;

/**
 * A lean object with templates that shows Ascend and that nobody asked to complete: what it lacks would be told by the API
 * server's schema, or at the start of its pods, and not by us.
 */
export function unaskedFinding(kind: WorkloadKind, object: JsonObject): Finding | undefined {
  const unit = unitsOf(kind, object).find(({ value }) => showsAscend(kind, value));
  if (!unit) return undefined;
  return {
    rule: "injection/not-asked",
    severity: "warn",
    path: "metadata.annotations",
    cause: "FieldValueRequired",
    message: `${shapeOf(kind).units.called} ${unit.key} looks like an Ascend engine, but asks for no NPU, so nothing is added`,
    fix: `annotate it with ${ASK.inject}: "true", or "false" to silence this`,
  };
}

function showsAscend(kind: WorkloadKind, unit: JsonObject): boolean {
  return templatesOf(kind, unit).some(({ template }) => {
    const spec = objectOf(template.spec);
    const selector = Object.entries(objectOf(spec.nodeSelector)).flat().map(String);
    if (selector.some((text) => ASCEND.test(text.slice(0, 256)))) return true;
    return listOf(spec.containers).map(objectOf).some(containerShowsAscend);
  });
}

function containerShowsAscend({ image, env, args, resources }: JsonObject): boolean {
  if (typeof image === "string" && ASCEND.test(image.slice(0, 512))) return true;
  const names = [
    ...listOf(env).map((item) => objectOf(item).name),
    ...listOf(args),
    ...pairsOf(listOf(args)),
  ];
  if (names.some((name) => typeof name === "string" && name.length < 256 && ENGINE.test(name))) return true;
  const { limits, requests } = objectOf(resources);
  return [limits, requests].some((side) =>
    Object.keys(objectOf(side)).some((name) => name.startsWith("huawei.com/")),
  );
}

/** `--device npu`, which may stand in two items. */
function pairsOf(args: readonly unknown[]): string[] {
  return args.flatMap((flag, index) => {
    const value = args[index + 1];
    return typeof flag === "string" && typeof value === "string" && flag.length + value.length < 256
      ? [`${flag} ${value}`]
      : [];
  });
}

/** What is wrong with the annotations of the Namespace: they would be ignored without a word. */
export function namespaceFindings(
  { settings, nearAsks }: ResolvedDefaults,
  severities: RuleSettings,
): Finding[] {
  return findingsOn({ ...settings.asks, ...nearAsks }, severities, (key) => ({
    path: "metadata.namespace",
    what: `annotation ${key} of the Namespace`,
  }));
}

/** The same of a manifest of the Namespace itself, which no webhook is called for. */
export function namespaceManifestFindings(namespace: JsonObject, severities: RuleSettings): Finding[] {
  return findingsOn(asksOfNamespace(objectOf(namespace.metadata).annotations), severities, (key) => ({
    path: `metadata.annotations[${key}]`,
    what: key,
  }));
}

function findingsOn(
  annotations: JsonObject,
  severities: RuleSettings,
  placeOf: (key: string) => { path: string; what: string },
): Finding[] {
  const problems = askProblems({ annotations });
  return problems.flatMap(({ key, value, unknown, message, fix }): Finding[] => {
    const rule = unknown ? "annotations/name" : "annotations/value";
    if (unknown && isOff(rule, severities)) return [];
    const { path, what } = placeOf(key);
    const text = `${what}: ${JSON.stringify(value.slice(0, 60))} ${message}`;
    return [{ rule, severity: "warn", path, cause: "FieldValueInvalid", message: text, fix }];
  });
}
