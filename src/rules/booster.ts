import { exactNumber } from "../api/exact-numbers.ts";
import { isObject, type Json, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { configText } from "../engines/booster.ts";
import { imageFacts } from "../engines/images.ts";
import { judgedBoosterOf } from "./booster-backend.ts";
import { BOOSTER_CACHE_RULES } from "./booster-cache.ts";
import { BOOSTER_GANG_RULES } from "./booster-gang.ts";
import { BOOSTER_NAME_RULES } from "./booster-names.ts";
import { writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";

const configValue: Rule = {
  id: "booster/config-value",
  severity: "deny",
  summary: "A worker's config comes out as the flags that are meant",
  why: "Kthena writes `--key value` with Go's %v: true gives `--flag true`, 1048576 gives 1.048576e+06, an object map[…]; an empty string gives a bare flag (Kthena, pkg/model-booster-controller/utils/template.go).",
  example: {
    in: "worker",
    refused: 'config: {max-model-len: 1048576, enforce-eager: ""}',
    admitted: 'config: {max-model-len: "1048576", enforce-eager: ""}',
  },
  check: (subject) =>
    judgedBoosterOf(subject)?.workers.flatMap(({ field, type, worker }) =>
      Object.entries(isObject(worker.config) ? worker.config : {}).flatMap(([key, value]): Remark[] => {
        const problem = value === undefined ? undefined : configProblem(objectOf(worker.config), key, value);
        if (!problem) return [];
        const { message, fix, uncertain } = problem;
        return [
          { path: `${field}.config[${key}]`, value, message: `${message} (worker ${type})`, fix, uncertain },
        ];
      }),
    ) ?? [],
};

/** Flags of vLLM that take a whole number (vllm/engine/arg_utils.py): an exponent ends the engine. */
const WHOLE = new Set(
  "max-model-len max-num-batched-tokens max-num-seqs block-size seed port max-logprobs max-seq-len-to-capture".split(
    " ",
  ),
);

function configProblem(
  config: JsonObject,
  key: string,
  value: Json,
): { message: string; fix: string; uncertain: boolean } | undefined {
  const flag = `--${key.replaceAll("_", "-")}`;
  if (typeof value === "boolean") {
    const fix = value ? 'write "" for a bare flag' : `remove it, or use --no-${flag.slice(2)}: ""`;
    return {
      message: `${key}: ${value} becomes \`${flag} ${value}\`, which a switch does not take`,
      fix,
      uncertain: true,
    };
  }
  if (value === null)
    return { message: `${key}: null becomes \`${flag} <nil>\``, fix: "remove it", uncertain: false };
  if (Array.isArray(value))
    return {
      message: `the list of ${key} becomes one argument in brackets`,
      fix: "write a string",
      uncertain: true,
    };
  if (isObject(value)) {
    const fix = "write the JSON as a string";
    return { message: `the object of ${key} becomes \`${flag} map[…]\``, fix, uncertain: false };
  }
  if (typeof value !== "number") return undefined;
  const text = configText(value);
  if (!text.includes("e")) return undefined;
  const whole = Number.isInteger(value) && WHOLE.has(flag.slice(2));
  const written = exactNumber(config, key, value);
  const message = `${key}: ${written} becomes \`${flag} ${text}\``;
  return { message, fix: `write it as a string: "${written}"`, uncertain: !whole };
}

const pods: Rule = {
  id: "booster/pods",
  severity: "deny",
  summary: "An engine on NPUs has one pod in a ModelBooster",
  why: "With more, Kthena runs a script of vLLM's that is not in vllm-ascend's working directory and starts Ray with GPUs, while vllm-ascend asks Ray for NPUs (vllm-ascend issue 3114; Kthena, convert/model_serving.go buildCommands).",
  example: {
    in: "worker",
    refused:
      'pods: 2\nimage: quay.io/ascend/vllm-ascend:v0.18.0\nconfig: {tensor-parallel-size: "16"}\nresources: {limits: {huawei.com/ascend-1980: "8"}}',
    admitted: 'pods: 1\nimage: quay.io/ascend/vllm-ascend:v0.18.0\nconfig: {tensor-parallel-size: "8"}',
  },
  check: (subject) =>
    subject.kind !== "ModelBooster"
      ? []
      : (subject.engines ?? []).flatMap((engine): Remark[] => {
          if (engine.npus === undefined || engine.pods < 2) return [];
          const image = stringOf(engine.container.image);
          const build = image === undefined ? undefined : imageFacts(image).build;
          return [
            {
              path: `${engine.field}.pods`,
              value: engine.pods,
              message: `${engine.label} is to have ${engine.pods} pods, which Kthena starts in a way that fails on NPUs`,
              fix: "use a ModelServing with --nnodes, $(GROUP_SIZE), $(WORKER_INDEX) and $(ENTRY_ADDRESS)",
              uncertain: build !== "vllm-ascend" && build !== "kthena-engine",
            },
          ];
        }),
};

const roles: Rule = {
  id: "booster/both-roles",
  severity: "deny",
  summary: "A disaggregated backend has workers for prefill and for decode",
  why: "Kthena's webhook takes one alone, its controller makes no ModelServing of it (convert/model_serving.go).",
  example: {
    in: "backend",
    refused: "type: vLLMDisaggregated\nworkers: [{type: prefill}]",
    admitted: "type: vLLMDisaggregated\nworkers: [{type: prefill}, {type: decode}]",
  },
  check: (subject) => {
    const booster = judgedBoosterOf(subject);
    if (booster?.backend.type !== "vLLMDisaggregated" || booster.workers.length === 0) return [];
    const missing = ["prefill", "decode"].filter((role) =>
      booster.workers.every(({ type }) => type !== role),
    );
    return missing.map((role) => ({
      path: "spec.backend.workers",
      value: booster.workers.map(({ type }) => type).sort(),
      against: role,
      cause: "FieldValueRequired" as const,
      message: `there is no worker for ${role}, so Kthena makes nothing of it`,
      fix: `add a worker of type ${role}, or use type vLLM with one worker`,
    }));
  },
};

const replicas: Rule = {
  id: "booster/replicas",
  severity: "warn",
  summary: "Workers say how many replicas they have",
  why: "The CRD has no default, so a worker without replicas counts as 0 and gets no pod.",
  example: {
    in: "backend",
    refused: "workers: [{type: server}]",
    admitted: "workers: [{type: server, replicas: 1}]",
  },
  check: (subject) =>
    judgedBoosterOf(subject)?.workers.flatMap(({ field, type, worker }): Remark[] =>
      worker.replicas !== undefined && worker.replicas !== null
        ? []
        : [
            {
              path: `${field}.replicas`,
              cause: "FieldValueRequired",
              message: `replicas of worker ${type} is left out, which counts as 0: it gets no pod`,
              fix: "write replicas: 1",
              remedy: writing(`${field}.replicas`, 1),
            },
          ],
    ) ?? [],
};

const empty: Rule = {
  id: "booster/empty",
  severity: "warn",
  summary: "A ModelBooster has a spec",
  why: "The CRD and Kthena's webhook take one without, of which nothing is made.",
  example: {
    in: "object",
    refused: "kind: ModelBooster\napiVersion: workload.serving.volcano.sh/v1alpha1",
    admitted:
      "kind: ModelBooster\napiVersion: workload.serving.volcano.sh/v1alpha1\nspec: {backend: {name: b, type: vLLM, modelURI: hf://a/b, cacheURI: hostpath:///mnt/cache, replicas: 1, workers: [{type: server, replicas: 1}]}}",
  },
  check: ({ kind, object }) =>
    kind !== "ModelBooster" || isObject(object.spec)
      ? []
      : [
          {
            path: "spec",
            cause: "FieldValueRequired",
            message: "the ModelBooster has no spec, so Kthena makes nothing of it",
            fix: "add spec.backend",
          },
        ],
};

/** The family booster: what Kthena's expansion makes of a ModelBooster. */
export const BOOSTER_RULES: readonly Rule[] = [
  configValue,
  pods,
  roles,
  replicas,
  ...BOOSTER_GANG_RULES,
  empty,
  ...BOOSTER_NAME_RULES,
  ...BOOSTER_CACHE_RULES,
];
