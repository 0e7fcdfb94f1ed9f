import type { EngineVersion } from "./images.ts";

/** Roles of a `--kv-transfer-config` (vllm/config/kv_transfer.py). */
export const KV_TRANSFER_ROLES = ["kv_producer", "kv_consumer", "kv_both"] as const;

/** A class that an engine on Ascend can load by its name, and what it checks at start. */
export interface ConnectorClass {
  name: string;
  /** First release of vllm-ascend that registers it; undefined: vLLM has it, or its own package brings it. */
  since?: string;
  /** First release without it; undefined: the newest that is known has it. */
  until?: string;
  /** Values of kv_role that it takes; undefined: all. */
  roles?: readonly (typeof KV_TRANSFER_ROLES)[number][];
  /** Asserts tp_size and dp_size of prefill and decode, and one pipeline stage of decode. */
  sizes?: true;
  /** Takes kv_port and one more for each rank. */
  ports?: true;
  /** What it asserts of context parallelism: none at all, or no pipeline stages beside it. */
  contextParallel?: "none" | "without-pipeline";
}

/**
 * What vllm-ascend registers in each release (distributed/kv_transfer/__init__.py, earlier distributed/__init__.py,
 * of the tags v0.10.0rc1 to v0.25.1rc1 and of main), with what stands in the modules; then what vLLM itself and
 * others bring. 0.26 stands for what no release has yet, 0.27 for what main has dropped.
 */
const CLASSES: readonly ConnectorClass[] = [
  { name: "LLMDataDistCMgrConnector", until: "0.12" },
  {
    name: "MooncakeConnectorV1",
    since: "0.10.1",
    sizes: true,
    ports: true,
    contextParallel: "without-pipeline",
  },
  { name: "MooncakeConnectorStoreV1", since: "0.11" },
  { name: "MooncakeLayerwiseConnector", since: "0.11", ports: true },
  { name: "AscendStoreConnector", since: "0.12" },
  { name: "UCMConnector", since: "0.13" },
  { name: "LMCacheAscendConnector", since: "0.17", until: "0.27" },
  { name: "MooncakeHybridConnector", since: "0.20.2", sizes: true, ports: true, contextParallel: "none" },
  { name: "RecomputeCPUOffloadConnector", since: "0.23", until: "0.27" },
  { name: "SfaRemoteD2HConnector", since: "0.26" },
  { name: "MooncakeD2RHConnectorV1", since: "0.26", ports: true },
  { name: "MooncakeConnectorV2", since: "0.26", ports: true, roles: ["kv_producer", "kv_consumer"] },
  { name: "MooncakePullConnector", since: "0.26", ports: true, roles: ["kv_producer", "kv_consumer"] },
  { name: "PreemptOffloadConnector", since: "0.26" },
  { name: "UCMConnectorV1", since: "0.26" },
  { name: "AscendOffloadingConnector", since: "0.26" },
  { name: "MultiConnector" },
  { name: "OffloadingConnector" },
  { name: "SimpleCPUOffloadConnector" },
  { name: "SharedStorageConnector" },
  { name: "ExampleConnector" },
  { name: "ExampleHiddenStatesConnector" },
  { name: "LMCacheAscendConnectorV1Dynamic" },
];

const BY_NAME: ReadonlyMap<string, ConnectorClass> = new Map(CLASSES.map((known) => [known.name, known]));

/** Names of the classes that are known. */
export const CONNECTOR_CLASSES: readonly string[] = CLASSES.map(({ name }) => name);

/** Classes that hand over from prefill to decode and that can be asked for, each for itself. */
export const POINT_TO_POINT_CLASSES: readonly string[] = CLASSES.filter(({ ports }) => ports === true).map(
  ({ name }) => name,
);

/** What is known of a class; undefined where none is called so. */
export function connectorClass(name: string | undefined): ConnectorClass | undefined {
  return name === undefined ? undefined : BY_NAME.get(name);
}

/** Whether a version is `from` or a later one; candidates count as their release. `from`: `0.22` or `0.22.1`. */
export function isFrom({ major, minor, patch }: EngineVersion, from: string): boolean {
  const [a = 0, b = 0, c = 0] = from.split(".").map(Number);
  if (major !== a) return major > a;
  return minor !== b ? minor > b : patch >= c;
}

/** Whether vllm-ascend of a version can load a class by its name; undefined where the class is not its own. */
export function isRegistered({ since, until }: ConnectorClass, version: EngineVersion): boolean {
  return (since === undefined || isFrom(version, since)) && (until === undefined || !isFrom(version, until));
}

/** Version of the engine as it stands in the defaults, `0.18`, in the form of an image's. */
export function engineVersionOf(text: string): EngineVersion | undefined {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!found) return undefined;
  return { text, major: Number(found[1]), minor: Number(found[2]), patch: Number(found[3] ?? 0) };
}
