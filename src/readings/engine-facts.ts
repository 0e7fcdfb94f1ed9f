import type { JsonObject } from "../api/json.ts";
import { neededNpusOfBoosterWorker } from "../engines/booster.ts";
import { type EngineCommand, readEngineCommand } from "../engines/command-line.ts";
import { type Disaggregation, disaggregationOf } from "../engines/disaggregation.ts";
import type { PodVariables } from "../engines/known-variables.ts";
import {
  allConnectors,
  configIn,
  type KvReading,
  readKvTransferConfig,
} from "../engines/kv-transfer-config.ts";
import { type NeededNpus, neededNpus } from "../engines/npus.ts";

/** What an engine needs, or why that cannot be told. */
export type Need = NeededNpus;

/** What the arguments of an engine container say. */
export interface EngineFacts {
  need: Need;
  ray: boolean;
  /** Classes that `--kv-transfer-config` names, those inside a MultiConnector included. */
  connectors: readonly string[];
  /** The engine's command line. */
  command: EngineCommand;
  /** What it says about KV transfer. */
  kv: KvReading;
  /** How SGLang hands over by its own flags; undefined where it does not. */
  disaggregation: Disaggregation | undefined;
}

/** An engine container with the others of its role. */
export interface EngineInput {
  container: JsonObject;
  part: "entry" | "worker" | "pod";
  /** Pods of one instance of the role. */
  pods: number;
  /** What the controller gives its containers. */
  variables: PodVariables;
  /** The engine container of the entry template, for a worker. */
  entry?: JsonObject | undefined;
  /** The engine container of the worker template, for the entry. */
  worker?: JsonObject | undefined;
}

/** Reads the arguments of an engine container. */
export function engineFacts({ container, part, pods, variables, entry, worker }: EngineInput): EngineFacts {
  const context = { groupSize: pods, variables };
  const own = readEngineCommand(container, context);
  const entryCommand = entry && readEngineCommand(entry, context);
  const workerCommand = worker && pods > 1 ? readEngineCommand(worker, context) : undefined;
  const need = neededNpus({
    part: part === "worker" ? "worker" : "entry",
    own,
    entry: entryCommand,
    worker: workerCommand,
    workerReplicas: pods - 1,
  });
  // What one pod of the role says of Ray holds for all of them.
  const ray = [own, entryCommand, workerCommand].some((command) => command?.ray === true);
  const kv = readKvTransferConfig(own.flags);
  const config = configIn(kv);
  const connectors = config ? allConnectors(config).flatMap(({ name }) => name ?? []) : [];
  return { need: someNpus(need), ray, connectors, command: own, kv, disaggregation: disaggregationOf(own) };
}

/** What a ModelBooster's worker needs by its `config`, `pods` and the backend's type. */
export function boosterNeed(worker: JsonObject, backendType: string | undefined): Need {
  const pods = typeof worker.pods === "number" ? Math.max(1, worker.pods) : 1;
  return someNpus(neededNpusOfBoosterWorker(worker.config, pods, backendType));
}

/** A pod that runs no replica of its own still may be no engine: nothing is inferred from 0. */
function someNpus(need: NeededNpus): Need {
  if (!need.known || need.perPod > 0) return need;
  return { known: false, reason: `${need.explanation} leaves no replica to this pod` };
}
