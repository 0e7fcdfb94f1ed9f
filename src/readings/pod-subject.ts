import type { JsonObject } from "../api/json.ts";
import type { Asks } from "../defaults/asks.ts";
import type { HardwareName } from "../defaults/hardware.ts";
import type { HardwareFacts, Settings } from "../defaults/settings.ts";
import type { Disaggregation } from "../engines/disaggregation.ts";
import type { EngineCommand } from "../engines/engine-command.ts";
import type { PodVariables } from "../engines/known-variables.ts";
import type { KvReading } from "../engines/kv-transfer-config.ts";
import type { NeededNpus } from "../engines/npus.ts";
import { variableOf } from "./env.ts";
import type { HardwareReading } from "./hardware.ts";
import type { KvObstacle, KvPlan } from "./kv-plan.ts";
import type { SoftShare } from "./soft-share.ts";

/** A container that runs the model server, as an injector sees it. */
export interface Engine {
  name: string;
  container: JsonObject;
  /** NPUs that it has by now (limits or requests); undefined where it has none. */
  npus: number | undefined;
  /** Uses Ray, by its arguments. */
  ray: boolean;
  /** Class named by the engine's `--kv-transfer-config`, those inside a MultiConnector included. */
  connectors: readonly string[];
  command: EngineCommand;
  kv: KvReading;
  /** How SGLang hands over by its own flags; undefined where it does not. */
  disaggregation: Disaggregation | undefined;
  /** What its arguments need, or why that cannot be told. */
  need: NeededNpus;
}

/** One pod template (or pod) with the settings that hold for it. Later injectors see what earlier ones added. */
export interface PodSubject {
  part: "entry" | "worker" | "pod";
  /** Path of the template in its unit; empty for a pod. */
  place: readonly string[];
  template: JsonObject;
  spec: JsonObject;
  hostNetwork: boolean;
  /** Pods of one role instance: 1 + workerReplicas. */
  pods: number;
  /** What its controller gives every container of it. */
  variables: PodVariables;
  engines: readonly Engine[];
  /** NPUs of the entry pod's engine, for workers that take the same. */
  entryNpus: number | undefined;
  asks: Asks;
  settings: Settings;
  hardware: HardwareName;
  facts: HardwareFacts;
  /** Where the hardware was read, and what follows from it. */
  node: HardwareReading;
  /** Where its NPU is shared by software; counts are percentages then. */
  share?: SoftShare | undefined;
  /** What is decided about the role's KV connector; undefined where it has none. */
  kv?: KvPlan | undefined;
  /** Where a setting came from. */
  source: (settingPath: string) => string;
}

/** The connectors for which the device network's configuration is needed on the pod (vllm-ascend, kv_pool.md). */
export function usesDeviceNetworkConnector(engine: Engine): boolean {
  const named = engine.connectors.some((name) => /^(Mooncake|AscendStore|LMCacheAscend)/.test(name));
  return named || disaggregatesOverNetwork(engine);
}

/** SGLang's ascend backend goes over RDMA unless sdma is asked for (srt/disaggregation/ascend/transfer_engine.py). */
function disaggregatesOverNetwork({ disaggregation, container }: Engine): boolean {
  if (disaggregation === undefined || disaggregation.backend === "fake") return false;
  return variableOf(container, "ASCEND_MF_TRANSFER_PROTOCOL")?.value !== "sdma";
}

/** Whether an engine transfers its KV cache with Mooncake or a store, directly from NPU to NPU (kv_pool.md §5.1). */
export function transfersDirectly(pod: PodSubject, engine: Engine): boolean {
  return (
    askedConnector(pod) === "mooncake" ||
    engine.connectors.some((name) => /^(Mooncake|AscendStore)/.test(name))
  );
}

/** What an engine without a configuration of its own never gets: it has no connector then, whatever is asked for. */
const WITHHELD: ReadonlySet<KvObstacle> = new Set(["unequal", "dense", "others"]);

/** The connector that a pod's annotation asks for; undefined too where its engines are sure to run without it. */
export function askedConnector({ asks, kv }: Pick<PodSubject, "asks" | "kv">): string | undefined {
  const withheld = kv?.outcome.state === "blocked" && WITHHELD.has(kv.outcome.obstacle);
  return withheld || asks.kvConnector === "none" ? undefined : asks.kvConnector;
}
