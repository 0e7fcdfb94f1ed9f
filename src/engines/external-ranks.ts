import type { EngineCommand } from "./engine-command.ts";
import { isOn, sizeOf } from "./flags.ts";
import { modelFamily } from "./model-families.ts";
import { isGiven } from "./parallel.ts";

/** Data parallel ranks that are engines of their own, each started for itself. */
export interface ExternalRanks {
  /** `--data-parallel-size`. */
  size: number;
  /** Whether a rank is named, or a balancer outside. */
  by: string;
}

/** The external ranks that a vLLM command line starts one of; undefined where there are none for certain. */
export function externalRanks(command: EngineCommand): ExternalRanks | undefined {
  if (command.engine !== "vllm") return undefined;
  const size = sizeOf(command.flags, "data-parallel-size");
  if (size.state !== "known" || size.value < 2) return undefined;
  if (isGiven(command, "data-parallel-rank") === true)
    return { size: size.value, by: "--data-parallel-rank" };
  const balanced = isOn(command.flags, "data-parallel-external-lb") === true;
  return balanced ? { size: size.value, by: "--data-parallel-external-lb" } : undefined;
}

/**
 * Why Mooncake cannot be configured for external ranks of a dense model: the engine counts each as data parallel 1
 * (vLLM PR 30739) while its arguments say more, and vllm-ascend compares both (issues 8344 and 8345).
 */
export function denseRanks(command: EngineCommand): string | undefined {
  const ranks = externalRanks(command);
  if (!ranks || modelFamily(command.model).moe !== false) return undefined;
  return `${command.model} is a dense model, whose external data parallel ranks no dp_size fits`;
}
