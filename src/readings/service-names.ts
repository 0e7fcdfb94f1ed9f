import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";

/** `$(ENTRY_ADDRESS)`, `$ENTRY_ADDRESS`, `${ENTRY_ADDRESS…`: Kthena's name of a role's entry pod, a headless Service. */
const ENTRY = /\$[({]?ENTRY_ADDRESS\b/;
/** A name under a Service's domain. */
const SERVICE = /[a-z0-9]\.svc(?=[.:/"'\s]|$)/;

/**
 * Why a pod needs the cluster's DNS, as far as its manifest shows; undefined where nothing does.
 * @param pods of one instance of its role: Kthena gives workers the entry pod's address as a name only
 * @param addresses that settings bring, such as a store's master
 */
export function serviceNameIn(
  spec: JsonObject,
  pods: number,
  addresses: readonly string[] = [],
): string | undefined {
  const texts = ["containers", "initContainers"].flatMap((list) =>
    listOf(spec[list]).map(objectOf).flatMap(textsOf),
  );
  if (texts.some((text) => ENTRY.test(text))) return "$(ENTRY_ADDRESS)";
  const service = texts.map((text) => SERVICE.exec(text)).find((match) => match !== null);
  if (service) return "a name under .svc";
  const named = addresses.find((address) => address !== "" && texts.some((text) => text.includes(address)));
  if (named !== undefined) return named;
  return pods > 1 ? "the name of the role's entry pod" : undefined;
}

function textsOf(container: JsonObject): string[] {
  const own = [...listOf(container.command), ...listOf(container.args)];
  const values = listOf(container.env).map((item): Json | undefined => objectOf(item).value);
  return [...own, ...values].flatMap((value) => stringOf(value) ?? []);
}
