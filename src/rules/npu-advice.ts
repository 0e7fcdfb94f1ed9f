import type { EngineCommand } from "../engines/command-line.ts";
import { KTHENA_VARIABLES } from "../engines/known-variables.ts";
import { NODE_ARGUMENTS } from "./node-arguments.ts";
import { npus } from "./quote.ts";
import type { Holder } from "./subject.ts";

type Needed = Extract<NonNullable<Holder["need"]>, { known: true }>;
type EngineName = EngineCommand["engine"] | undefined;

/** What makes an engine use more of its NPUs: tensor parallel first, which serves a model of any size. */
export function useMore({ perPod, worldSize }: Needed, count: number, engine: EngineName): string {
  const flag = engine === "lmdeploy" ? "--tp" : "--tensor-parallel-size";
  const replicas = perPod / worldSize;
  const tensor = count / replicas;
  const fits = Number.isInteger(tensor) && Number.isInteger(tensor / worldSize);
  if (fits && worldSize === 1) return `add ${flag}=${tensor}, or give it ${perPod}`;
  return fits
    ? `make ${flag} ${tensor / worldSize} times as large, or give it ${perPod}`
    : `give it ${perPod}`;
}

/** What makes an engine fit that needs more NPUs than it has; `most`: of one pod on its hardware. */
export function useLess(needed: number, most: number, engine: EngineName): string {
  if (needed <= most) return `give it ${npus(needed)}, or make the parallel sizes smaller`;
  return `make the parallel sizes smaller${spread(needed, most, engine)}`;
}

/** Worker pods where one pod can never have as many. */
export function spread(needed: number, most: number, engine: EngineName): string {
  const pods = needed / most;
  if (!Number.isInteger(pods) || (engine !== "vllm" && engine !== "sglang"))
    return ", or spread it over several pods with workerReplicas";
  const { all, workers } = NODE_ARGUMENTS[engine];
  const only = workers === undefined ? "" : ` (${workers} on the workers)`;
  return `, or spread it over ${pods} pods of ${most}: workerReplicas: ${pods - 1}, and ${all(KTHENA_VARIABLES)}${only}`;
}
