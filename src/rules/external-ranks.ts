import { isFrom } from "../engines/connector-classes.ts";
import { externalRanks } from "../engines/external-ranks.ts";
import { modelFamily } from "../engines/model-families.ts";
import { withNpus } from "./engines.ts";
import { ascendVersion } from "./kv-subject.ts";
import type { Remark, Rule } from "./rule.ts";

const IMAGE = "image: quay.io/ascend/vllm-ascend:v0.23.0";

const dense: Rule = {
  id: "serving/external-ranks",
  severity: "deny",
  summary: "Only mixtures of experts run data parallel ranks as engines of their own",
  why: "vLLM ends at start for other models (arg_utils.py: non-MoE models do not support external data parallel mode; seen with vllm-ascend 0.21, its issue 11863). Ranks of a dense model share nothing.",
  example: {
    in: "container",
    refused: `${IMAGE}\ncommand: [vllm, serve, Qwen/Qwen3-32B]\nargs: [--data-parallel-size, "2", --data-parallel-rank, "0"]`,
    admitted: `${IMAGE}\ncommand: [vllm, serve, Qwen/Qwen3-30B-A3B]\nargs: [--data-parallel-size, "2", --data-parallel-rank, "0"]`,
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { model } = engine.command;
      const ranks = externalRanks(engine.command);
      if (!ranks || modelFamily(model).moe !== false) return [];
      const version = ascendVersion(engine);
      if (version && !isFrom(version, "0.21")) return [];
      return [
        {
          path: `${engine.field}.${Array.isArray(engine.container.args) ? "args" : "command"}`,
          value: model,
          against: ranks.by,
          message: `${engine.label} runs ${model}, a dense model, with ${ranks.by}${version ? ": it ends at start" : ", which from vllm-ascend 0.21 on ends at start"}`,
          fix: "start independent engines: leave the --data-parallel-* arguments out and set replicas of the role",
          // A folder can be called anything.
          uncertain: version === undefined || model?.startsWith("/") === true,
        },
      ];
    }),
};

/** The rule about data parallel ranks that are engines of their own. */
export const EXTERNAL_RANK_RULES: readonly Rule[] = [dense];
