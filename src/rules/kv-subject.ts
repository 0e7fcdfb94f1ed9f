import { connectorClass } from "../engines/connector-classes.ts";
import type { EngineVersion } from "../engines/images.ts";
import { allConnectors, configIn, type KvConnector } from "../engines/kv-transfer-config.ts";
import type { RuleEngine } from "./engines.ts";
import { withNpus } from "./engines.ts";
import type { RuleSubject } from "./subject.ts";

/** An engine with a `--kv-transfer-config` that can be read. */
export interface KvEngine {
  engine: RuleEngine;
  config: KvConnector;
  /** The configuration and those inside a MultiConnector. */
  all: readonly KvConnector[];
  /** Field path of the argument, or of the container where it comes out of a script. */
  path: string;
}

/** The engines with NPUs whose KV configuration can be read. */
export function kvEngines(subject: RuleSubject): KvEngine[] {
  return plainKvEngines(subject).filter(({ engine }) => engine.kv.state === "given");
}

/** Those, and the engines whose configuration is plain text in parts: what is missing there may be in a variable. */
export function plainKvEngines(subject: RuleSubject): KvEngine[] {
  return withNpus(subject.engines).flatMap((engine) => {
    const config = configIn(engine.kv);
    return config ? [{ engine, config, all: allConnectors(config), path: kvPath(engine) }] : [];
  });
}

/** The version of vllm-ascend that an engine runs, where its image tells it. */
export function ascendVersion({ image }: RuleEngine): EngineVersion | undefined {
  return image?.build === "vllm-ascend" || image?.build === "kthena-engine" ? image.version : undefined;
}

/** Where the KV configuration of an engine stands. */
export function kvPath(engine: RuleEngine): string {
  if (!engine.pod) return `${engine.field}.config[kv-transfer-config]`;
  const at = engine.kv.state === "absent" ? undefined : engine.kv.at;
  return at ? `${engine.field}.${at.list}[${at.index}]` : `${engine.field}.${commandOf(engine)}`;
}

function commandOf({ container }: RuleEngine): "args" | "command" {
  return Array.isArray(container.args) && container.args.length > 0 ? "args" : "command";
}

/** Point to point by Mooncake, as vllm-ascend implements it. */
export function isMooncake(name: string | undefined): boolean {
  return connectorClass(name)?.ports === true;
}

/** Whether a connector keeps the cache in a pool of vllm-ascend. */
export function isPool(name: string | undefined): boolean {
  return name !== undefined && /^(?:AscendStore|MooncakeConnectorStore)/.test(name);
}

/** The engine of the role `prefill` and that of `decode`, where there is one of each. */
export function pair<T extends { engine: RuleEngine }>(
  engines: readonly T[],
): { prefill: T; decode: T } | undefined {
  const of = (role: string): T | undefined =>
    engines.find(({ engine }) => engine.role === role && engine.pod?.pod.part !== "worker");
  const prefill = of("prefill");
  const decode = of("decode");
  return prefill && decode ? { prefill, decode } : undefined;
}
