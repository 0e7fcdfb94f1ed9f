import { workloadResource } from "../../cluster/kinds.ts";
import { describeFailure, isNotFound } from "../../kube/failure.ts";
import { sizeText } from "../audit/report.ts";
import { type ClusterAccess, type Connected, withCluster } from "../cluster/connect.ts";
import { type Console, EXIT } from "../console.ts";
import { type RefreshStep, refreshKeyOf, refreshPatch, runAt, wavesOf } from "./plan.ts";
import type { ModelReadiness } from "./readiness.ts";
import { readState, writeState } from "./state.ts";
import { FIELD_MANAGER, planOf, type Todo, undoPlan } from "./todo.ts";
import { type Changed, firstUnready, markOf } from "./waiting.ts";

/** What `refresh` is to do. */
export interface RefreshOptions {
  /** undefined: all namespaces. */
  namespace: string | undefined;
  selector: string | undefined;
  /** Models that restart at a time. */
  maxUnavailable: number;
  /** How long a wave may take. */
  timeoutSeconds: number;
  dryRun: boolean;
  /** Where is kept what stood before; undefined: a file named by the run. */
  stateFile: string | undefined;
  /** The file of a run that is to be taken back. */
  undo: string | undefined;
  access: ClusterAccess;
}

/** One run of the command. */
interface Run {
  /** Value of the annotation that it writes. */
  name: string;
  options: RefreshOptions;
  console: Console;
  now: () => number;
  /** Where is kept what stood before. */
  stateFile: string | undefined;
}

/**
 * Takes models to today's defaults in waves: the exit code, 1 where it stopped.
 * @throws UsageError where what is there cannot be read, or what stood before cannot be kept
 */
export function refresh(options: RefreshOptions, console: Console, now: () => number): Promise<number> {
  return withCluster(options.access, async (connected) => {
    const name = runAt(now());
    const { undo } = options;
    const todo =
      undo === undefined
        ? await planOf(connected, options, name)
        : await undoPlan(connected, await readState(undo), name);
    const waves = wavesOf(
      todo.models.map(({ step }) => step),
      options.maxUnavailable,
    );
    if (todo.unasked.length > 0)
      console.complain([`left out, as the webhook is not asked about them: ${todo.unasked.join(", ")}`]);
    console.print(planLines(waves, todo));
    if (options.dryRun) return EXIT.ok;
    const stateFile = undo === undefined ? (options.stateFile ?? `${name}.json`) : undefined;
    const run = { name, options, console, now, stateFile };
    const ended = await endOfUnderWay(connected, todo.underWay, run);
    if (ended !== undefined || waves.length === 0) return ended ?? EXIT.ok;
    if (stateFile !== undefined) await keep(stateFile, todo, run);
    return runWaves(connected, waves, run);
  });
}

async function keep(file: string, { models }: Todo, { name, console }: Run): Promise<void> {
  const all = models.flatMap(({ before }) => before);
  await writeState(file, name, all);
  console.print([`What stands now is kept in ${file}; refresh --undo ${file} takes the refresh back.`]);
}

function planLines(waves: readonly RefreshStep[][], { underWay }: Todo): string[] {
  if (waves.length === 0 && underWay.length > 0) return ["No further model has older defaults."];
  if (waves.length === 0) return ["No model has older defaults: nothing to do."];
  const all = waves.flat();
  const total = {
    pods: all.reduce((sum, { pods }) => sum + pods, 0),
    npus: all.reduce((sum, { npus }) => sum + npus, 0),
  };
  return [
    `${all.length} ${all.length === 1 ? "model" : "models"} in ${waves.length} ${waves.length === 1 ? "wave" : "waves"}: ${sizeText(total)} restart.`,
    ...waves.flatMap((wave, index) =>
      wave.map(
        (step) =>
          `  wave ${index + 1}: ${refreshKeyOf(step)}, ${step.pods === 0 ? "nothing restarts" : sizeText(step)}`,
      ),
    ),
  ];
}

/** Waits for what an earlier run refreshed: the exit code where it does not come up. */
async function endOfUnderWay(
  connected: Connected,
  steps: readonly RefreshStep[],
  { options, console, now }: Run,
): Promise<number | undefined> {
  if (steps.length === 0) return undefined;
  console.print([`Waiting for ${steps.map(refreshKeyOf).join(", ")}, which an earlier run refreshed.`]);
  const changed = steps.map((step) => ({ step, mark: {} }));
  const unready = await firstUnready(connected, changed, now() + options.timeoutSeconds * 1000, now);
  if (!unready) return undefined;
  console.complain([
    unreadyText(unready, options),
    "Mend it, or leave it out with --selector; nothing was changed.",
  ]);
  return EXIT.refused;
}

async function runWaves(connected: Connected, waves: readonly RefreshStep[][], run: Run): Promise<number> {
  const { options, console, now } = run;
  for (const [index, wave] of waves.entries()) {
    const changed: Changed[] = [];
    for (const step of wave) {
      changed.push({ step, mark: await markOf(connected, step) });
      const refused = await refreshStep(connected, step, run.name);
      if (refused) {
        console.complain([refused, ...stopped(run)]);
        return EXIT.refused;
      }
    }
    const restarting = changed.filter(({ step }) => step.pods > 0);
    const unready = await firstUnready(connected, restarting, now() + options.timeoutSeconds * 1000, now);
    if (unready) {
      console.complain([unreadyText(unready, options), ...stopped(run)]);
      return EXIT.refused;
    }
    console.print([`wave ${index + 1} of ${waves.length}: ${wave.map(refreshKeyOf).join(", ")} done`]);
  }
  return EXIT.ok;
}

/** Refreshes one model, and the ModelServing that does not follow it by itself; why it was refused. */
async function refreshStep(
  { client }: Connected,
  step: RefreshStep,
  name: string,
): Promise<string | undefined> {
  const { namespace, serving } = step;
  const objects: Pick<RefreshStep, "kind" | "namespace" | "name">[] = [step];
  if (serving !== undefined) objects.push({ kind: "ModelServing", namespace, name: serving });
  for (const object of objects) {
    const place = { namespace, name: object.name };
    const options = { fieldManager: FIELD_MANAGER };
    const written = await client.patch(workloadResource(object.kind), place, refreshPatch(name), options);
    if (!written.ok && !isNotFound(written.failure))
      return `${refreshKeyOf(object)} was refused: ${describeFailure(written.failure)}`;
  }
  return undefined;
}

function unreadyText(
  { step, state, why }: ModelReadiness & { step: RefreshStep },
  options: RefreshOptions,
): string {
  const after = state === "failed" ? "failed" : `is not ready after ${options.timeoutSeconds} seconds`;
  return `${refreshKeyOf(step)} ${after}: ${why}`;
}

function stopped({ options, stateFile }: Run): string[] {
  const { stateFile: given } = options;
  const again = given === undefined ? "The same command" : "The same command with another --state";
  const back = stateFile === undefined ? "" : `; refresh --undo ${stateFile} takes back what it did`;
  return [`Stopped; no further model was touched. ${again} goes on where it stopped${back}.`];
}
