import { type FlagState, flagOf, sizeOf } from "../engines/flags.ts";
import { wordField } from "./engine-arguments.ts";
import type { RuleEngine } from "./engines.ts";
import { NODE_ARGUMENTS } from "./node-arguments.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

const nodes: Rule = {
  id: "engine/nodes",
  severity: "deny",
  summary:
    "The pods of an engine that spans several know their number, their rank and the first pod's address",
  why: "A rank that two pods have, or an address that is each pod's own (the default 127.0.0.1), leaves them waiting for each other (vllm/config/parallel.py; sglang server_arguments.md). Kthena gives every pod GROUP_SIZE, WORKER_INDEX and ENTRY_ADDRESS.",
  example: {
    in: "role",
    refused:
      'workerReplicas: 1\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -tp, "16", --nnodes, "2"]}]}}\nworkerTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -tp, "16", --nnodes, "2", --node-rank, "1", --headless]}]}}',
    admitted:
      'workerReplicas: 1\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -tp, "16", --nnodes, $(GROUP_SIZE), --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS)]}]}}\nworkerTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -tp, "16", --nnodes, $(GROUP_SIZE), --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS), --headless]}]}}',
  },
  check: (subject) =>
    (subject.engines ?? []).flatMap((engine): Remark[] => {
      const { command, pods } = engine;
      if (pods < 2 || (command.engine !== "vllm" && command.engine !== "sglang")) return [];
      const count = sizeOf(command.flags, "nnodes");
      if (count.state !== "known" || count.value < 2) return [];
      const { address, all, workers } = NODE_ARGUMENTS[command.engine];
      const everywhere = all(engine.variables);
      const fix = workers === undefined ? everywhere : `${everywhere}, and ${workers} on the workers`;
      const problems = [addressProblem(flagOf(command.flags, address), address), rankProblem(engine)];
      const told = problems.filter((problem) => problem !== undefined);
      const path = wordField(engine, count.flag.at);
      if (told.length > 0) {
        const message = `${engine.label} is one of ${count.value} nodes, but ${told.join(", and ")}`;
        return [{ path, value: told.join(", "), message, fix: `write ${fix}` }];
      }
      if (count.value === pods) return [];
      const message = `${count.flag.written} ${count.value} of ${engine.label} waits for ${count.value} pods; its role has ${pods}`;
      return [{ path, value: count.value, against: pods, message, fix: `write ${fix}`, uncertain: true }];
    }),
};

function addressProblem(found: FlagState, name: string): string | undefined {
  if (found.state === "absent") return `--${name} is left out`;
  const text = found.state === "given" && found.value?.known ? found.value.text : "";
  return /^(?:127\.|localhost|\[?::1)/.test(text) ? `--${name} ${text} is each pod's own address` : undefined;
}

function rankProblem({ command, pod, pods }: RuleEngine): string | undefined {
  const rank = sizeOf(command.flags, "node-rank", 0);
  if (pod?.pod.part !== "worker") {
    return rank.state === "known" && rank.value !== 0
      ? `the entry's --node-rank is ${rank.value}, not 0`
      : undefined;
  }
  if (rank.state === "absent") return "--node-rank is left out, which is 0, the entry's";
  if (rank.state !== "known") return undefined;
  if (pods > 2) return `all ${pods - 1} workers have --node-rank ${rank.value}`;
  return rank.value === 1 ? undefined : `the worker's --node-rank is ${rank.value}, not 1`;
}

const EXECUTORS: readonly string[] = ["mp", "uni", "external_launcher"];

const executor: Rule = {
  id: "engine/executor",
  severity: "deny",
  summary: "An engine of several nodes has an executor that can span them by --nnodes",
  why: "vLLM ends with `nnodes > 1 can only be set when distributed executor backend is mp, uni or external_launcher` (vllm/config/parallel.py).",
  example: {
    in: "container",
    refused:
      'args: [-tp, "16", --nnodes, "2", --distributed-executor-backend, ray]\nresources: {limits: {huawei.com/ascend-1980: "8"}}',
    admitted:
      'args: [-tp, "16", --nnodes, "2", --distributed-executor-backend, mp]\nresources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) =>
    (subject.engines ?? []).flatMap((engine): Remark[] => {
      const { flags, engine: name } = engine.command;
      const count = name === "vllm" ? sizeOf(flags, "nnodes") : undefined;
      const backend = flagOf(flags, "distributed-executor-backend");
      if (count?.state !== "known" || count.value < 2 || backend.state !== "given") return [];
      const { value, flag } = backend;
      // A dotted name is a class of one's own.
      if (!value?.known || EXECUTORS.includes(value.text) || value.text.includes(".")) return [];
      return [
        {
          path: wordField(engine, value.at ?? flag.at),
          value: value.text,
          message: `the executor ${quoted(value.text)} of ${engine.label} cannot span ${count.value} nodes by ${count.flag.written}`,
          fix: `use mp, or leave ${count.flag.written} out and let Ray span the pods`,
        },
      ];
    }),
};

const RANKS: readonly string[] = ["data-parallel-rank", "data-parallel-start-rank"];

const dataRanks: Rule = {
  id: "engine/data-ranks",
  severity: "warn",
  summary: "Every worker pod has a data parallel rank of its own",
  why: "All workers of a role are made of one template: a rank that is written there as a number is the rank of each of them (vllm, data_parallel_deployment.md).",
  example: {
    in: "role",
    refused:
      'workerReplicas: 2\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -dp, "3", -dpl, "1", -dpa, $(ENTRY_ADDRESS)]}]}}\nworkerTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -dp, "3", -dpl, "1", -dpr, "1", -dpa, $(ENTRY_ADDRESS), --headless]}]}}',
    admitted:
      'workerReplicas: 2\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -dp, "3", -dpl, "1", -dpa, $(ENTRY_ADDRESS)]}]}}\nworkerTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, -dp, "3", -dpl, "1", -dpr, $(WORKER_INDEX), -dpa, $(ENTRY_ADDRESS), --headless]}]}}',
  },
  check: (subject) =>
    (subject.engines ?? []).flatMap((engine): Remark[] => {
      if (engine.command.engine !== "vllm" || engine.pod?.pod.part !== "worker" || engine.pods < 3) return [];
      return RANKS.flatMap((name): Remark[] => {
        const rank = sizeOf(engine.command.flags, name, 0);
        if (rank.state !== "known") return [];
        return [
          {
            path: wordField(engine, rank.flag.value?.at ?? rank.flag.at),
            value: rank.value,
            message: `all ${engine.pods - 1} pods of ${engine.label} have ${rank.flag.written} ${rank.value}`,
            fix: `use $(${engine.variables.index}), where each pod runs one rank`,
          },
        ];
      });
    }),
};

/** Rules of the family engine about engines of several pods. */
export const ENGINE_NODE_RULES: readonly Rule[] = [nodes, executor, dataRanks];
