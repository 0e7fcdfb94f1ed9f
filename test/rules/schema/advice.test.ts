import { expect, it } from "vitest";
import { parse } from "yaml";
import { judgeManifest, requestFor } from "../../../src/admission/manifest.ts";
import type { JsonObject } from "../../../src/api/json.ts";
import { resolveDefaults } from "../../../src/defaults/resolve.ts";
import { remove, set } from "../advice/editing.ts";
import { copyOf, objectWith } from "../judging.ts";

const defaults = resolveDefaults([]);

const findingsOn = (object: JsonObject) =>
  judgeManifest(requestFor(object, "n"), { defaults }, { defaultsFor: () => defaults }).findings;

const SERVER = "kind: ModelServer\nspec: {inferenceEngine: vLLM, workloadSelector: {matchLabels: {a: b}}, ";

/** What is wrong, and what someone writes who follows the fix; undefined: takes it out. */
const CASES: [rule: string, object: JsonObject, fix: RegExp, edit: [path: string, value: unknown][]][] = [
  [
    "schema/unknown-field",
    objectWith("spec", "replcas: 2"),
    /did you mean replicas\?/,
    [
      ["spec.replcas", undefined],
      ["spec.replicas", 2],
    ],
  ],
  [
    "schema/required",
    objectWith("spec", "template: {roles: [{name: server, workerReplicas: 0}]}"),
    /write it/,
    [["spec.template.roles[0].entryTemplate", {}]],
  ],
  ["schema/enum", objectWith("spec", "recoveryPolicy: Never"), /None/, [["spec.recoveryPolicy", "None"]]],
  [
    "schema/bounds",
    objectWith("object", `${SERVER}workloadPort: {port: 70000}}`),
    /65535/,
    [["spec.workloadPort.port", 65_535]],
  ],
  [
    "schema/pattern",
    objectWith("backend", "modelURI: Qwen/Qwen3-8B\nworkers: [{type: server, replicas: 1}]"),
    /hf:/,
    [["spec.backend.modelURI", "hf://Qwen/Qwen3-8B"]],
  ],
  [
    "schema/duplicate",
    objectWith("container", "volumeMounts: [{name: a, mountPath: /m}, {name: b, mountPath: /m}]"),
    /./,
    [["spec.template.roles[0].entryTemplate.spec.containers[0].volumeMounts[1]", undefined]],
  ],
  [
    "schema/rule",
    objectWith(
      "object",
      "kind: ModelRoute\nspec: {modelName: m, rules: [{targetModels: [{modelServerName: a, externalModelProviderName: b}]}]}",
    ),
    /./,
    [["spec.rules[0].targetModels[0].externalModelProviderName", undefined]],
  ],
  [
    "schema/metadata",
    objectWith("object", "metadata: {name: My_Model}"),
    /./,
    [["metadata.name", "my-model"]],
  ],
  [
    "schema/version",
    objectWith("object", "apiVersion: workload.serving.volcano.sh/v1"),
    /v1alpha1/,
    [["apiVersion", "workload.serving.volcano.sh/v1alpha1"]],
  ],
];

it.each(CASES)("the advice of %s works when it is followed", (rule, object, fix, edit) => {
  const [finding] = findingsOn(object).filter((one) => one.rule === rule);
  expect(finding?.fix).toMatch(fix);
  const edited = copyOf(object);
  for (const [path, value] of edit) {
    if (value === undefined) remove(edited, path);
    else set(edited, path, parse(JSON.stringify(value)));
  }
  expect(findingsOn(edited).filter((one) => one.rule.startsWith("schema/"))).toEqual([]);
});
