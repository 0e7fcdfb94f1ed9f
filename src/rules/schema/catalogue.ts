import type { Rule } from "../rule.ts";

const WHY = "The API server refuses it by Kthena's CRD; `review` says so without a cluster.";

/** What Kthena's CRDs refuse, for the catalogue: found by `review`, in a cluster by the API server itself. */
export const SCHEMA_RULES: readonly Rule[] = [
  schemaRule("unknown-field", "Every field is one that the kind has", {
    refused: "spec: {replica: 2}",
    admitted: "spec: {replicas: 2}",
  }),
  schemaRule("required", "Fields that have to be there are there", {
    refused: "roles: [{name: server, workerReplicas: 0}]",
    admitted: "roles: [{name: server, workerReplicas: 0, entryTemplate: {}}]",
  }),
  schemaRule("enum", "A field that takes certain words has one of them", {
    refused: "recoveryPolicy: Never",
    admitted: "recoveryPolicy: None",
  }),
  schemaRule("bounds", "Numbers, texts and lists are neither too small nor too large", {
    refused: "workloadPort: {port: 70000}",
    admitted: "workloadPort: {port: 7000}",
  }),
  schemaRule("pattern", "Texts and quantities have the form that they must have", {
    refused: "modelURI: Qwen/Qwen3-8B",
    admitted: "modelURI: hf://Qwen/Qwen3-8B",
  }),
  schemaRule("duplicate", "In lists that are maps no key stands twice", {
    refused: "volumeMounts: [{name: a, mountPath: /m}, {name: b, mountPath: /m}]",
    admitted: "volumeMounts: [{name: a, mountPath: /m}, {name: b, mountPath: /n}]",
  }),
  schemaRule("rule", "What the CRDs ask across fields holds: names of roles, targets of routes", {
    refused: "targetModels: [{modelServerName: a, externalModelProviderName: b}]",
    admitted: "targetModels: [{modelServerName: a}]",
  }),
  schemaRule("metadata", "Names, labels, annotations, finalizers and owners are ones that objects can have", {
    refused: "metadata: {name: My_Model}",
    admitted: "metadata: {name: my-model}",
  }),
  schemaRule("version", "The version is one that Kthena serves", {
    refused: "apiVersion: workload.serving.volcano.sh/v1",
    admitted: "apiVersion: workload.serving.volcano.sh/v1alpha1",
  }),
];

function schemaRule(name: string, summary: string, example: Rule["example"]): Rule {
  return {
    id: `schema/${name}`,
    severity: "deny",
    guards: true,
    ratchets: false,
    summary: `(\`review\`) ${summary}`,
    why: WHY,
    example,
    check: () => [],
  };
}
