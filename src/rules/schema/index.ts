import type { Finding } from "../../api/finding.ts";
import { isObject, type Json, type JsonObject, objectOf, stringOf } from "../../api/json.ts";
import type { ValidatedKind } from "../kthena/rule.ts";
import { type KthenaFacts, NEWEST_KTHENA } from "../kthena/version.ts";
import { quoted } from "../quote.ts";
import { checked, finding } from "./check.ts";
import { hasField } from "./crd.ts";
import { crossFieldFindings } from "./cross-field.ts";
import { KIND_SHAPES } from "./kinds.ts";
import { metadataFindings } from "./metadata.ts";
import { METADATA } from "./metadata-shape.ts";
import { normalised } from "./normalise.ts";
import { type UnknownField, unknownFields } from "./unknown.ts";

/** The version that Kthena serves of all its kinds. */
const VERSION = "v1alpha1";

/** Whether the schema of a kind is known here, so that it is checked where there is no API server. */
export function isValidated(kind: string): kind is ValidatedKind {
  return Object.hasOwn(KIND_SHAPES, kind);
}

/** A new object as the API server shows it to the mutating webhooks: nulls dropped, defaults of the CRD filled in. */
export function asAdmitted(kind: ValidatedKind, object: JsonObject): JsonObject {
  const { spec } = KIND_SHAPES[kind];
  const parts = Object.entries(object).flatMap(([key, value]): [string, Json][] => {
    if (value === null || value === undefined || key === "status") return [];
    if (key === "metadata") return [[key, admittedMetadata(value)]];
    return [[key, key === "spec" ? normalised(value, spec) : value]];
  });
  return Object.fromEntries(parts);
}

/** In the labels and annotations of the object itself null is empty text, everywhere else it is nothing. */
function admittedMetadata(value: Json): Json {
  if (!isObject(value)) return value;
  const maps = ["labels", "annotations"].flatMap((key) => {
    const map = value[key];
    if (!isObject(map)) return [];
    return [[key, Object.fromEntries(Object.entries(map).map(([name, text]) => [name, text ?? ""]))]];
  });
  // The deletion of an object that is made anew has not begun.
  const { deletionTimestamp: _deletionTimestamp, ...rest } = value;
  return normalised({ ...rest, ...Object.fromEntries(maps) }, METADATA);
}

/**
 * What the API server refuses of an object as written, before any webhook: fields that nobody knows, another version.
 * @param kthena whose CRDs may have fields that are not known here
 */
export function writtenFindings(
  kind: ValidatedKind,
  object: JsonObject,
  kthena: KthenaFacts = NEWEST_KTHENA,
): Finding[] {
  const { spec, status } = KIND_SHAPES[kind];
  const unknown = Object.entries(object).flatMap(([key, value]): UnknownField[] => {
    if (key === "apiVersion" || key === "kind") return [];
    if (key === "metadata") return unknownFields(value, METADATA, key);
    if (key === "spec" || key === "status") return unknownFields(value, key === "spec" ? spec : status, key);
    return [{ path: key, key, guess: undefined }];
  });
  const unheard = unknown.filter(({ path }) => !hasField(kthena, kind, path));
  return [...versionFindings(object), ...unheard.map(unknownFinding)];
}

/** What the API server refuses of an object after the mutating webhooks: what its CRD does not allow. */
export function schemaFindings(kind: ValidatedKind, object: JsonObject): Finding[] {
  const { spec, requiresSpec } = KIND_SHAPES[kind];
  const findings = metadataPart(object.metadata);
  if (object.spec !== undefined) findings.push(...checked(object.spec, spec, "spec"));
  else if (requiresSpec)
    findings.push(finding("required", "spec", "FieldValueRequired", "there is no spec", "write one"));
  return [...findings, ...crossFieldFindings(kind, object)];
}

function metadataPart(metadata: Json | undefined): Finding[] {
  if (metadata === undefined) return metadataFindings({});
  const findings = checked(metadata, METADATA, "metadata");
  return findings.length > 0 ? findings : metadataFindings(objectOf(metadata));
}

function versionFindings(object: JsonObject): Finding[] {
  const written = stringOf(object.apiVersion) ?? "";
  const version = written.slice(written.indexOf("/") + 1);
  if (version === VERSION) return [];
  const message = `${quoted(version)} is no version that Kthena serves`;
  return [finding("version", "apiVersion", "FieldValueNotSupported", message, `write ${VERSION}`, written)];
}

function unknownFinding({ path, key, guess }: UnknownField): Finding {
  const message = `${quoted(key)} is not a field`;
  const fix = guess === undefined ? "remove it" : `did you mean ${guess}?`;
  return finding("unknown-field", path, "FieldValueInvalid", message, fix);
}
