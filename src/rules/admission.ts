import type { Rule } from "./rule.ts";

/** What the webhooks themselves refuse, beside the rules: here for the catalogue, found where the request is handled. */
export const ADMISSION_RULES: readonly Rule[] = [
  {
    id: "schema/type",
    severity: "deny",
    guards: true,
    ratchets: false,
    summary: "The fields that are read have the right types",
    why: "Mutating webhooks run before the API server's schema check, so anything can come here.",
    example: { in: "role", refused: 'workerReplicas: "one"', admitted: "workerReplicas: 0" },
    check: () => [],
  },
  {
    id: "injection/incomplete",
    severity: "deny",
    guards: true,
    ratchets: false,
    summary: "(`/validate`) Nothing is left to inject into an object that is to be stored",
    why: "The mutating webhook was not called, or another webhook took away what it had added.",
    example: {
      refused: "a lean manifest that reaches /validate as the user wrote it",
      admitted: "the same object as /mutate completed it",
    },
    check: () => [],
  },
  {
    id: "defaults/document",
    severity: "deny",
    guards: true,
    ratchets: false,
    summary: "A ConfigMap of defaults holds a document that can be used",
    why: "A wrong document would leave the last good one in force without a word to whoever applied it.",
    example: { refused: "hccl: {socketIfName: eth1}", admitted: "hccl: {socketIfname: eth1}" },
    check: () => [],
  },
  {
    id: "defaults/not-read",
    severity: "warn",
    guards: true,
    summary: "A ConfigMap with the name of the defaults is read",
    why: "Without the label, or where namespaces have no defaults of their own, it does nothing.",
    example: {
      refused: "a ConfigMap kthena-ascend-defaults without labels",
      admitted: 'one with the label kthena-ascend.io/defaults: "true"',
    },
    check: () => [],
  },
  {
    id: "defaults/last-good",
    severity: "warn",
    guards: true,
    summary: "The defaults that an object is completed with are those that were applied last",
    why: "A document that slipped in and cannot be used leaves the last good one in force.",
    example: {
      refused: "an object completed while the ConfigMap cannot be used",
      admitted: "one completed after it was corrected",
    },
    check: () => [],
  },
];
