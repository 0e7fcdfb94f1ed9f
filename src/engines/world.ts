import type { EngineCommand } from "./command-line.ts";
import type { ParallelSizes, Size } from "./parallel.ts";

/** How many NPUs an engine container needs, or why that cannot be told. */
export type NeededNpus =
  | {
      known: true;
      /** In this pod; 0 where it runs no replica of its own. */
      perPod: number;
      /** How it was counted, for people: `tensor-parallel-size 4 × data-parallel-size 2`. */
      explanation: string;
      /** NPUs of one replica of the model. */
      worldSize: number;
    }
  | { known: false; reason: string };

/** NPUs of one replica, with the factors that make them. */
export interface World {
  command: EngineCommand;
  sizes: ParallelSizes;
  size: number;
  factors: string[];
}

/** The answer where it cannot be told. */
export function unknownNpus(reason: string): NeededNpus & { known: false } {
  return { known: false, reason };
}

/** NPUs of one replica: tensor × pipeline × prefill-context parallel; expert and decode-context parallel add none. */
export function worldOf(
  command: EngineCommand,
  sizes: ParallelSizes,
): World | (NeededNpus & { known: false }) {
  const named: [string, Size][] = [
    ["tensor-parallel-size", sizes.tensor],
    ["pipeline-parallel-size", sizes.pipeline],
    ["prefill-context-parallel-size", sizes.prefillContext],
  ];
  let size = 1;
  const factors: string[] = [];
  for (const [name, part] of named) {
    if (!part.known) return { known: false, reason: part.reason };
    size *= part.value;
    if (part.given && (part.value > 1 || name === "tensor-parallel-size"))
      factors.push(`${name} ${part.value}`);
  }
  return { command, sizes, size, factors };
}

/** The answer where it is a whole number; `by` says among what it is divided. */
export function needed(
  world: World,
  perPod: number,
  factors: string[],
  by?: { what: string; count: number },
): NeededNpus {
  const product = factors.length > 0 ? factors.join(" × ") : "tensor-parallel-size 1, the engine's default";
  const divided = by === undefined || by.count === 1 ? product : `${product} / ${by.count} ${by.what}`;
  if (!Number.isSafeInteger(perPod)) {
    return Number.isInteger(perPod)
      ? unknownNpus(`${divided} is no size that exists`)
      : unknownNpus(`${divided} is no whole number of NPUs for each pod`);
  }
  return { known: true, perPod, explanation: divided, worldSize: world.size };
}

/** The factors with a data parallel size, where it was given and counts. */
export function withData(world: World, name: string, value: number, given: boolean): string[] {
  return given && value !== 1 ? [...world.factors, `${name} ${value}`] : world.factors;
}
