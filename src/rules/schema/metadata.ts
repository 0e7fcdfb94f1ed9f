import type { Finding } from "../../api/finding.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { isDns1123Subdomain, isLabelKey, isLabelValue, nameFrom } from "../kthena/labels.ts";
import { quoted } from "../quote.ts";
import { finding } from "./check.ts";

const MOST_ANNOTATIONS = 256 * 1024;

/**
 * What the API server asks of the metadata of a new object (apimachinery, pkg/api/validation, ValidateObjectMeta):
 * names, labels, annotations, finalizers and owners.
 */
export function metadataFindings(metadata: JsonObject): Finding[] {
  return [
    ...nameFindings(metadata),
    ...labelFindings(objectOf(metadata.labels)),
    ...annotationFindings(objectOf(metadata.annotations)),
    ...listOf(metadata.finalizers).flatMap((name, index) =>
      typeof name === "string" && !isLabelKey(name)
        ? [invalid(`metadata.finalizers[${index}]`, name, "is no name of a finalizer", "write domain/name")]
        : [],
    ),
    ...ownerFindings(metadata),
  ];
}

function invalid(path: string, value: string, problem: string, fix: string): Finding {
  return finding("metadata", path, "FieldValueInvalid", `${quoted(value)} ${problem}`, fix, value);
}

function nameFindings(metadata: JsonObject): Finding[] {
  const name = stringOf(metadata.name) ?? "";
  const base = stringOf(metadata.generateName) ?? "";
  const namespace = stringOf(metadata.namespace) ?? "";
  const findings: Finding[] = [];
  const fix = "use lower-case letters, digits, dashes and dots, a letter or digit at both ends, at most 253";
  if (name === "" && base === "")
    findings.push(
      finding("metadata", "metadata.name", "FieldValueRequired", "there is no name", "write one"),
    );
  if (name !== "" && !isDns1123Subdomain(name))
    findings.push(invalid("metadata.name", name, "is no name of an object", fix));
  if (base !== "" && !isBase(base, name === ""))
    findings.push(invalid("metadata.generateName", base, "is no beginning of a name", fix));
  if (namespace !== "" && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    findings.push(
      invalid("metadata.namespace", namespace, "is no name of a namespace", "name one that is there"),
    );
  return findings;
}

/** A dash at its end is what the made-up characters follow; the name that is made of it must be one too. */
function isBase(base: string, isUsed: boolean): boolean {
  if (!isDns1123Subdomain(base.replace(/(.)-$/, "$1a"))) return false;
  return !isUsed || isDns1123Subdomain(nameFrom(base));
}

function labelFindings(labels: JsonObject): Finding[] {
  return Object.entries(labels).flatMap(([key, value]): Finding[] => {
    const path = `metadata.labels[${key}]`;
    if (!isLabelKey(key)) return [invalid(path, key, "is no key of a label", "write [domain/]name")];
    if (typeof value !== "string" || isLabelValue(value)) return [];
    return [
      invalid(
        path,
        value,
        "is no value of a label",
        "use letters, digits, -, _ and ., at most 63 characters",
      ),
    ];
  });
}

function annotationFindings(annotations: JsonObject): Finding[] {
  let size = 0;
  const findings = Object.entries(annotations).flatMap(([key, value]) => {
    size += Buffer.byteLength(key) + (typeof value === "string" ? Buffer.byteLength(value) : 0);
    return isLabelKey(key.toLowerCase())
      ? []
      : [invalid(`metadata.annotations[${key}]`, key, "is no key of an annotation", "write [domain/]name")];
  });
  if (size <= MOST_ANNOTATIONS) return findings;
  const message = `the annotations have ${size} bytes, at most ${MOST_ANNOTATIONS} are allowed`;
  return [
    ...findings,
    finding("metadata", "metadata.annotations", "FieldValueTooLong", message, "remove some of them"),
  ];
}

function ownerFindings(metadata: JsonObject): Finding[] {
  const owners = listOf(metadata.ownerReferences).map(objectOf);
  const findings = owners.flatMap((owner, index) =>
    ["apiVersion", "kind", "name", "uid"].flatMap((key) => {
      if ((stringOf(owner[key]) ?? "") !== "") return [];
      const path = `metadata.ownerReferences[${index}].${key}`;
      return [finding("metadata", path, "FieldValueInvalid", `the owner has no ${key}`, "write it")];
    }),
  );
  if (owners.filter(({ controller }) => controller === true).length < 2) return findings;
  const message = "more than one owner is the controller";
  const path = "metadata.ownerReferences";
  return [
    ...findings,
    finding("metadata", path, "FieldValueInvalid", message, "leave controller: true at one"),
  ];
}
