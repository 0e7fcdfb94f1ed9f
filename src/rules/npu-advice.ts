import { npus } from "./quote.ts";
import type { Holder } from "./subject.ts";

type Needed = Extract<NonNullable<Holder["need"]>, { known: true }>;

/** What a pod of an engine that spans several needs to know, as Kthena gives it. */
const NODE_ARGUMENTS =
  "--nnodes $(GROUP_SIZE) --node-rank $(WORKER_INDEX) --master-addr $(ENTRY_ADDRESS) (--headless on the workers)";

/** What makes an engine use more of its NPUs: tensor parallel first, which serves a model of any size. */
export function useMore({ perPod, worldSize }: Needed, count: number): string {
  const replicas = perPod / worldSize;
  const tensor = count / replicas;
  const fits = Number.isInteger(tensor) && Number.isInteger(tensor / worldSize);
  if (fits && worldSize === 1) return `add --tensor-parallel-size=${tensor}, or give it ${perPod}`;
  return fits
    ? `make --tensor-parallel-size ${tensor / worldSize} times as large, or give it ${perPod}`
    : `give it ${perPod}`;
}

/** What makes an engine fit that needs more NPUs than it has; `most`: of one pod on its hardware. */
export function useLess(needed: number, most: number): string {
  if (needed <= most) return `give it ${npus(needed)}, or make the parallel sizes smaller`;
  return `make the parallel sizes smaller${spread(needed, most)}`;
}

/** Worker pods where one pod can never have as many. */
export function spread(needed: number, most: number): string {
  const pods = needed / most;
  if (!Number.isInteger(pods)) return ", or spread it over several pods with workerReplicas";
  return `, or spread it over ${pods} pods of ${most}: workerReplicas: ${pods - 1}, and ${NODE_ARGUMENTS}`;
}
