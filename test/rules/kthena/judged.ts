import { parse } from "yaml";
import { isObject, type JsonObject } from "../../../src/api/json.ts";
import { KTHENA_RULES } from "../../../src/rules/kthena/index.ts";
import { KTHENA_1_0, type KthenaFacts } from "../../../src/rules/kthena/version.ts";
import { merged } from "../judging.ts";

/** Ids, without their family, of the rules that find fault with an object. */
export function faultsOf(object: JsonObject, kthena: KthenaFacts = KTHENA_1_0): string[] {
  const kind = String(object.kind);
  const subject = { kind, submitted: object, object, units: [], cluster: { kthena } };
  return KTHENA_RULES.filter(({ check }) => check(subject).length > 0)
    .map(({ id }) => id.replace(/^kthena\//, ""))
    .toSorted();
}

/** A case in a line: what is different from an object without fault, and the rules that it falls foul of. */
export type Case = readonly [yaml: string, ...faults: string[]];

/** An object with one part of it replaced by YAML. */
export function variant(basis: JsonObject, path: readonly string[], yaml: string): JsonObject {
  const part: unknown = parse(yaml);
  if (!isObject(part)) throw new Error(`no object: ${yaml}`);
  return merged(
    basis,
    path.reduceRight<JsonObject>((value, key) => ({ [key]: value }), part),
  );
}

/** The same with a part of one item of a list. */
export function variantOfItem(
  basis: JsonObject,
  path: readonly string[],
  item: JsonObject,
  yaml: string,
): JsonObject {
  const part: unknown = parse(yaml);
  if (!isObject(part)) throw new Error(`no object: ${yaml}`);
  const list = [merged(item, part)];
  return merged(
    basis,
    path.reduceRight<JsonObject>(
      (value, key, index) => ({ [key]: index === path.length - 1 ? list : value }),
      {},
    ),
  );
}
