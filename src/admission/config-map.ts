import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding, Severity } from "../api/finding.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { DEFAULTS_KEY, DEFAULTS_LABEL, DEFAULTS_NAME } from "../api/names.ts";
import type { Problem } from "../defaults/problem.ts";
import { type Layer, resolveDefaults } from "../defaults/resolve.ts";
import { defaultsProblems } from "../rules/defaults-problems.ts";
import {
  type CheckedDocument,
  clusterDocument,
  documentText,
  namespaceDocument,
} from "./defaults-document.ts";

/** Where the documents of the defaults are, and what is in force for the cluster. */
export interface DefaultsPlaces {
  /** The namespace of the release: the ConfigMap there is the cluster's. */
  releaseNamespace: string;
  /** Whether other namespaces may have documents of their own. */
  namespaced: boolean;
  /** The cluster's documents in force. */
  cluster: readonly Layer[];
}

const FIELD = `data[${DEFAULTS_KEY}]`;

/**
 * Judges a ConfigMap by the name of the defaults: everything that is wrong with its document, at once. What an update
 * does not touch is warned about only, so that a label or a finalizer can be changed whatever is stored.
 */
export function configMapFindings(request: AdmissionRequest, places: DefaultsPlaces): Finding[] {
  const { namespace = "", object } = request;
  const configMap = object ?? {};
  if (objectOf(configMap.metadata).name !== DEFAULTS_NAME) return [];
  const changed = isChanged(request);
  // Under deletion it is read until it is gone, so its text counts; what is no change lets its finalizers go.
  if (!changed && objectOf(configMap.metadata).deletionTimestamp !== undefined) return [];
  const severity = changed ? "deny" : "warn";
  const source = `ConfigMap ${namespace}/${DEFAULTS_NAME}`;
  if (namespace === places.releaseNamespace) {
    const checked = clusterDocument(configMap, source);
    const problems = checked.ok ? ruleProblems(checked) : checked.problems;
    return problems.map((problem) => finding(problem, severity));
  }
  const unread = whyUnread(configMap, places);
  if (unread) return [unread];
  const checked = namespaceDocument(configMap, source, places.cluster);
  const problems = checked.ok
    ? [
        ...checked.located(
          resolveDefaults(places.cluster, { name: namespace, document: checked.layer }).problems,
        ),
        ...ruleProblems(checked),
      ]
    : checked.problems;
  return problems.map((problem) => finding(problem, severity));
}

/** Whether what is read of a ConfigMap, or whether it is read, differs from what is stored. */
function isChanged({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== "UPDATE" || !oldObject) return true;
  const read = (configMap: JsonObject): unknown[] => [
    documentText(configMap),
    objectOf(objectOf(configMap.metadata).labels)[DEFAULTS_LABEL],
  ];
  const before = read(oldObject);
  return read(object ?? {}).some((value, index) => value !== before[index]);
}

/** Ids are checked where a document is applied only: one from before a rollback stays in force. */
function ruleProblems({ layer: { document, source }, located }: CheckedDocument & { ok: true }): Problem[] {
  return located(defaultsProblems(document, source));
}

function whyUnread(
  configMap: JsonObject,
  { namespaced, releaseNamespace }: DefaultsPlaces,
): Finding | undefined {
  const warning = (path: string, message: string, fix: string): Finding => ({
    rule: "defaults/not-read",
    severity: "warn",
    path,
    cause: "FieldValueInvalid",
    message,
    fix,
  });
  if (!namespaced) {
    const fix = `set them in namespace ${releaseNamespace}, or turn namespaces' defaults on`;
    return warning("metadata.name", "defaults of a namespace are turned off here, so this is not read", fix);
  }
  if (objectOf(objectOf(configMap.metadata).labels)[DEFAULTS_LABEL] === "true") return undefined;
  const fix = `add the label ${DEFAULTS_LABEL}: "true"`;
  return warning(`metadata.labels[${DEFAULTS_LABEL}]`, "without this label the document is not read", fix);
}

/** A problem of a document as a finding about the ConfigMap that holds it. */
function finding({ path, message, fix, line }: Problem, severity: Severity): Finding {
  const what = path === "" ? "the document" : path;
  return {
    rule: "defaults/document",
    severity,
    path: FIELD,
    cause: "FieldValueInvalid",
    message: `${line === undefined ? "" : `line ${line}: `}${what} ${message}`,
    fix,
  };
}
