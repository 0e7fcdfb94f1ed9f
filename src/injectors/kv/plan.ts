import { type Json, type JsonObject, listOf } from "../../api/json.ts";
import type { SidecarRole } from "../../defaults/kv-schema.ts";
import type { KvClass } from "../../defaults/kv-settings.ts";
import { type EngineCommand, readEngineCommand } from "../../engines/command-line.ts";
import { denseRanks } from "../../engines/external-ranks.ts";
import { flagOf } from "../../engines/flags.ts";
import { imageFacts } from "../../engines/images.ts";
import { ofText, readKvTransferConfig } from "../../engines/kv-transfer-config.ts";
import {
  KV_ARGUMENT,
  type KvObstacle,
  type KvPeer,
  type KvPlan,
  kvArgument,
  type Ports,
} from "../../readings/kv-plan.ts";
import { classesOf, type KvRole, type KvSizes, ownConnector } from "../../readings/kv-role.ts";
import type { Engine } from "../../readings/pod-subject.ts";
import { chosenClass } from "./class.ts";
import { classFor, lmcacheConfig, mooncakeConfig, multiConfig, storeConfig } from "./config.ts";
import { freePorts, portsNeeded, reservedPorts, writtenPorts } from "./ports.ts";

/**
 * Decides about a role's `--kv-transfer-config`; undefined where no connector is wanted for it. What its user wrote
 * stays; what cannot be generated for certain is not.
 * @param others whether another role of the workload is prefill or decode
 * @param place where a configuration goes, by itself into the engine's arguments
 */
export function planKv(
  role: KvRole,
  peer: KvPeer,
  others: boolean,
  place: Placing = placed,
): KvPlan | undefined {
  // SGLang's own flags hand over by themselves.
  if (role.engine.disaggregation !== undefined) return undefined;
  const { default: standard } = role.settings.kvConnectors;
  const disaggregated = peer.role !== undefined;
  const wanted =
    ownConnector(role) ??
    peer.connector ??
    (disaggregated && standard !== "none" ? { name: standard, source: "kvConnectors.default" } : undefined);
  const side = role.side ?? (others ? undefined : "mixed");
  if (wanted === undefined || wanted.name === "none" || side === undefined) return undefined;
  const written = classesOf(role.written);
  const base = {
    role: role.name,
    connector: wanted.name,
    source: wanted.source,
    side,
    pool: written.some(isStore),
    classes: written,
    peer,
  };
  const { state } = role.written;
  if (state === "given" || state === "broken" || written.length > 0) {
    return { ...base, ports: writtenPorts(role), outcome: { state: "written" } };
  }
  return { ...base, ...generated(role, base, place) };
}

function isStore(name: string): boolean {
  return name === "AscendStoreConnector" || name === "MooncakeConnectorStoreV1";
}

type Base = Omit<KvPlan, "outcome">;
/** Says what becomes of a configuration. */
export type Placing = (role: KvRole, built: Built) => Generated;
type Generated = Pick<KvPlan, "outcome"> & Partial<Pick<KvPlan, "pool" | "classes" | "ports">>;

function blocked(obstacle: KvObstacle, why: string, text?: string): Generated {
  return { outcome: { state: "blocked", obstacle, why, ...(text === undefined ? {} : { text }) } };
}

/** Engines that hand over by flags or files of their own. */
const OTHERS: Readonly<Partial<Record<EngineCommand["engine"], string>>> = {
  sglang: "SGLang",
  mindie: "MindIE",
  lmdeploy: "LMDeploy",
};

function generated(role: KvRole, base: Base, place: Placing): Generated {
  if (base.connector === "nixl") return blocked("nixl", "vllm-ascend has no NIXL connector");
  const { engine } = role.engine.command;
  if (engine in OTHERS) return blocked("engine", `${OTHERS[engine]} takes no ${KV_ARGUMENT}`);
  const known = classFor(role.settings.kvConnectors[base.connector].versions, versionOf(role));
  if (!known)
    return blocked("version", `no ${base.connector} connector of vllm-ascend ${versionOf(role)} is known`);
  const dense = base.connector === "mooncake" ? denseRanks(role.engine.command) : undefined;
  if (dense !== undefined) return blocked("dense", dense);
  const built = base.connector === "lmcache" ? ofLmcache(base, known) : ofMooncake(role, base, known);
  if ("outcome" in built) return built;
  return place(role, built);
}

/** A configuration with what is known of it. */
export interface Built {
  config: JsonObject;
  pool: boolean;
  classes: string[];
  ports?: Ports;
}

function ofLmcache(base: Base, known: KvClass): Built | Generated {
  const foreign = base.peer.classes?.find((name) => name !== known.class);
  if (foreign !== undefined) return otherClass(base, foreign);
  return { config: lmcacheConfig(known, base.side), pool: false, classes: [known.class] };
}

function ofMooncake(role: KvRole, base: Base, usual: KvClass): Built | Generated {
  const { side, peer } = base;
  const pooled = role.settings.kvConnectors.mooncake.masterAddress !== "";
  if (side === "mixed") {
    if (!pooled)
      return blocked(
        "pair",
        "it is neither prefill nor decode, and kvConnectors.mooncake.masterAddress is empty",
      );
    if (usual.storeClass === "") return noStore(role);
    return { config: storeConfig(usual.storeClass, side), pool: true, classes: [usual.storeClass] };
  }
  if (peer.role === undefined)
    return blocked("pair", `no other role ${side === "prefill" ? "decodes" : "prefills"}`);
  const chosen = chosenClass(role, peer, usual, versionOf(role));
  if ("lacking" in chosen) return blocked("version", chosen.lacking);
  const known = chosen.class;
  const foreign = peer.classes?.find((name) => name !== known.class && name !== known.storeClass);
  if (foreign !== undefined) return otherClass(base, foreign);
  // Both ends must be built alike, so what the other has written counts.
  const pool = peer.classes ? peer.classes.some(isStore) : pooled;
  if (pool && known.storeClass === "") return noStore(role);
  return pointToPoint(role, base, known, pool);
}

function pointToPoint(role: KvRole, { side, peer }: Base, known: KvClass, pool: boolean): Built | Generated {
  const own = role.sizes;
  const other = peer.sizes ?? { unknown: "there is no other role" };
  if ("unknown" in own) return blocked("sizes", `its parallel sizes cannot be told: ${own.unknown}`);
  if ("unequal" in other) return blocked("unequal", other.unequal);
  if ("unknown" in other)
    return blocked("sizes", `the parallel sizes of role ${peer.role} cannot be told: ${other.unknown}`);
  const port = portFor(role, side, own, peer);
  const count = portsNeeded(own);
  if (port === undefined) return blocked("ports", `no ${count} ports in a row are free for it`);
  const sizes = side === "prefill" ? { prefill: own, decode: other } : { prefill: other, decode: own };
  const direct = mooncakeConfig(known, side, port, sizes);
  const ports = { from: port, to: port + count - 1 };
  if (!pool) return { config: direct, pool, classes: [known.class], ports };
  const config = multiConfig(side, [direct, storeConfig(known.storeClass, side)]);
  return { config, pool, classes: [known.class, known.storeClass], ports };
}

function portFor(role: KvRole, side: SidecarRole, sizes: KvSizes, peer: KvPeer): number | undefined {
  const { prefillPort, decodePort } = role.settings.kvConnectors.mooncake;
  const reserved = reservedPorts(role);
  if (peer.ports) reserved.push({ ...peer.ports, what: `role ${peer.role}` });
  return freePorts(side === "decode" ? decodePort : prefillPort, portsNeeded(sizes), reserved);
}

function noStore(role: KvRole): Generated {
  return blocked("version", `no store connector of vllm-ascend ${versionOf(role)} is known`);
}

function otherClass({ peer }: Base, name: string): Generated {
  return blocked("class", `role ${peer.role} uses ${name}, which is not generated`);
}

/** The configuration as an argument, if an argument reaches the engine. */
function placed(role: KvRole, built: Built): Generated {
  const { config, ...about } = built;
  const text = JSON.stringify(config);
  const { written, engine } = role;
  if (written.state === "unknown") {
    // Where it stands, it only cannot be read: then nothing is to be added.
    const given = flagOf(engine.command.flags, KV_ARGUMENT.slice(2)).state === "given";
    return { ...about, ...blocked("unreadable", written.reason, given ? undefined : text) };
  }
  if ((role.pods[0]?.engines.length ?? 0) > 1) {
    return { ...about, ...blocked("form", "its pods have several engines, whose ports would collide", text) };
  }
  if (engine.command.form !== "list" || !reaches(engine, text)) {
    return { ...about, ...blocked("form", FORMS[engine.command.form], text) };
  }
  return { ...about, outcome: { state: "generated", text, reading: ofText(text, undefined) } };
}

const FORMS = {
  list: "an argument at the end does not reach the engine",
  shell: "its arguments stand in a script, which is never rewritten",
  unreadable: "its command line cannot be read",
  none: "it has neither command nor arguments",
} as const;

/** Reads the command line with the argument at its end: whether the engine would see it. */
function reaches(engine: Engine, text: string): boolean {
  const args: Json[] = [...listOf(engine.container.args), kvArgument(text)];
  const read = readKvTransferConfig(readEngineCommand({ ...engine.container, args }).flags);
  return read.state === "given" && JSON.stringify(read.config.json) === text;
}

/** Version of vllm-ascend: from the image's tag, else as the defaults say. */
function versionOf(role: KvRole): string | undefined {
  const { image } = role.engine.container;
  const found = typeof image === "string" ? imageFacts(image) : undefined;
  const read = found?.build === "vllm-ascend" || found?.build === "kthena-engine" ? found.version : undefined;
  if (read) return `${read.major}.${read.minor}.${read.patch}`;
  const { engineVersion } = role.settings.kvConnectors;
  return engineVersion === "" ? undefined : engineVersion;
}
