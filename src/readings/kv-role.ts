import { type Json, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import type { SidecarRole } from "../defaults/kv-schema.ts";
import type { KvConnectorName } from "../defaults/kv-settings.ts";
import type { Settings } from "../defaults/settings.ts";
import { flagOf, wholeNumber } from "../engines/flags.ts";
import { allConnectors, configIn, type KvReading } from "../engines/kv-transfer-config.ts";
import { parallelSizes } from "../engines/parallel.ts";
import { variableOf } from "./env.ts";
import type { Engine, PodSubject } from "./pod-subject.ts";

/** Parallel sizes of one side as a connector needs them. */
export interface KvSizes {
  dp: number;
  tp: number;
  pp: number;
  /** Prefill-context parallel: counts for ports alone. */
  pcp: number;
}

/** A role as far as KV transfer goes. */
export interface KvRole {
  name: string;
  /** Produces (prefill), consumes (decode), does both (mixed); undefined where neither name nor annotation tells. */
  side: SidecarRole | undefined;
  /** Its engine: the first one of the entry template. */
  engine: Engine;
  pods: readonly PodSubject[];
  settings: Settings;
  /** The annotation kv-connector as it holds for it. */
  asked: string | undefined;
  /** The annotation kv-class as it holds for it. */
  askedClass: string | undefined;
  sizes: KvSizes | { unknown: string };
  written: KvReading;
}

/** Names of `kv_role`, by what a role does. */
export const KV_ROLES = { prefill: "kv_producer", decode: "kv_consumer", mixed: "kv_both" } as const;

const SIDES: Record<string, SidecarRole> = {
  kv_producer: "prefill",
  kv_consumer: "decode",
  kv_both: "mixed",
};

/**
 * Reads a role for KV transfer; undefined where it has no engine.
 * @param pods its templates, the entry first
 */
export function kvRoleOf(name: string, pods: readonly PodSubject[]): KvRole | undefined {
  const [entry] = pods;
  const engine = entry?.engines[0];
  if (!entry || !engine) return undefined;
  return {
    name,
    side: sideOf(name, entry.asks.kvRole),
    engine,
    pods,
    settings: entry.settings,
    asked: entry.asks.kvConnector,
    askedClass: entry.asks.kvClass,
    sizes: sizesOf(engine),
    written: writtenOf(engine),
  };
}

/** Kthena's router and its examples call them prefill and decode; a number or a suffix may follow. */
function sideOf(name: string, asked: string | undefined): SidecarRole | undefined {
  if (asked !== undefined) return SIDES[asked];
  const word = /^(prefill|decode)(?![a-z])/.exec(name.toLowerCase())?.[1];
  return word === "prefill" || word === "decode" ? word : undefined;
}

/** What an engine's user wrote; a command line that cannot be read may hold the flag. */
export function writtenOf({ command, kv }: Pick<Engine, "command" | "kv">): KvReading {
  if (kv.state !== "absent" || command.form !== "unreadable") return kv;
  return { state: "unknown", reason: command.reason ?? "its command line cannot be read" };
}

/** The sizes that a command line gives, or why they cannot be told. */
export function sizesOf({ command }: Pick<Engine, "command">): KvSizes | { unknown: string } {
  const { tensor, pipeline, prefillContext, data } = parallelSizes(command);
  if (!tensor.known) return { unknown: tensor.reason };
  if (!pipeline.known) return { unknown: pipeline.reason };
  if (!prefillContext.known) return { unknown: prefillContext.reason };
  if (!data.known) return { unknown: data.reason };
  return { dp: data.value, tp: tensor.value, pp: pipeline.value, pcp: prefillContext.value };
}

/** The connector that somebody asked for on a role, and who. */
export interface AskedConnector {
  name: KvConnectorName | "none";
  source: string;
}

/** What the role itself says: its annotations, else its arguments. */
export function ownConnector(role: KvRole): AskedConnector | undefined {
  const { asked } = role;
  if (asked === "mooncake" || asked === "nixl" || asked === "lmcache" || asked === "none") {
    return { name: asked, source: `annotation ${ASK.kvConnector}` };
  }
  const family = familyOf(classesOf(role.written));
  return family && { name: family, source: `arguments of role ${role.name}` };
}

/** Classes that a configuration names, without the MultiConnector that only holds others. */
export function classesOf(reading: KvReading): string[] {
  const config = configIn(reading);
  if (config === undefined) return [];
  return allConnectors(config).flatMap(({ name }) => (name && name !== "MultiConnector" ? [name] : []));
}

/** The family of connector classes; undefined where they are of none of the three. */
export function familyOf(classes: readonly string[]): KvConnectorName | undefined {
  if (classes.some((name) => /^(Mooncake|AscendStore)/.test(name))) return "mooncake";
  if (classes.some((name) => /^Nixl/.test(name))) return "nixl";
  return classes.some((name) => /^LMCache/.test(name)) ? "lmcache" : undefined;
}

/** The port on which the engine serves; vLLM's own is 8000 (vllm/entrypoints/openai/cli_args.py). */
export function enginePort({ command, container }: Engine): number {
  const found = flagOf(command.flags, "port");
  const given = found.state === "given" && found.value?.known ? wholeNumber(found.value.text) : undefined;
  const declared = objectOf(listOf(container.ports)[0]).containerPort;
  if (given !== undefined) return given;
  return found.state === "unknown" && typeof declared === "number" ? declared : 8000;
}

/** A literal environment variable of an engine as a whole number. */
export function numberInEnv(engine: Engine, name: string): number | undefined {
  const value: Json | undefined = variableOf(engine.container, name)?.value;
  const text = stringOf(value);
  return text === undefined ? undefined : wholeNumber(text);
}
