import type { AdmissionRequest } from "../api/admission-review.ts";
import type { Finding, Severity } from "../api/finding.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { DEFAULTS_KEY, DEFAULTS_LABEL, DEFAULTS_NAME } from "../api/names.ts";
import { withLines } from "../defaults/parse.ts";
import type { Problem } from "../defaults/problem.ts";
import { type Layer, resolveDefaults } from "../defaults/resolve.ts";
import { defaultsProblems } from "../rules/defaults-problems.ts";
import { clusterDocument, documentText, namespaceDocument } from "./defaults-document.ts";

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

/** Judges a ConfigMap by the name of the defaults: everything that is wrong with its document, at once. */
export function configMapFindings(
  { namespace = "", object }: AdmissionRequest,
  places: DefaultsPlaces,
): Finding[] {
  const configMap = object ?? {};
  if (objectOf(configMap.metadata).name !== DEFAULTS_NAME) return [];
  const source = `ConfigMap ${namespace}/${DEFAULTS_NAME}`;
  if (namespace === places.releaseNamespace) {
    const checked = clusterDocument(configMap, source);
    const problems = checked.ok ? ruleProblems(configMap, checked.layer) : checked.problems;
    return problems.map((problem) => finding(problem, "deny"));
  }
  const unread = whyUnread(configMap, places);
  if (unread) return [unread];
  const checked = namespaceDocument(configMap, source, places.cluster);
  const problems = checked.ok
    ? [
        ...resolveDefaults(places.cluster, { name: namespace, document: checked.layer }).problems,
        ...ruleProblems(configMap, checked.layer),
      ]
    : checked.problems;
  return problems.map((problem) => finding(problem, "deny"));
}

/** Ids are checked where a document is applied only: one from before a rollback stays in force. */
function ruleProblems(configMap: JsonObject, { document, source }: Layer): Problem[] {
  return withLines(defaultsProblems(document, source), documentText(configMap) ?? "");
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
