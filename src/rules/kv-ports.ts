import type { KvConnector, KvSideSizes } from "../engines/kv-transfer-config.ts";
import { type TransportPorts, transportPortsOf, WIDEST_TRANSPORT } from "../engines/mooncake.ts";
import { servedPorts } from "../engines/ports.ts";
import { ruleVariableOf } from "./engines.ts";
import { hcclPorts } from "./hccl-values.ts";
import { p2pWith, RIGHT } from "./kv.ts";
import { isMooncake, type KvEngine, kvEngines } from "./kv-subject.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

/** The point-to-point connector of a configuration, on its own or inside a MultiConnector. */
export function p2pOf({ all }: KvEngine): KvConnector | undefined {
  return all.find(({ name }) => isMooncake(name));
}

/** The ports of a KV configuration are free. */
export const port: Rule = {
  id: "kv/port",
  severity: "deny",
  summary: "kv_port and the ports above it are free",
  why: "Each pod takes kv_port and one more a rank; ascend_direct picks ports from 20000 up, 100 for each NPU of the node, 1000 before Mooncake 0.3.8 (kPortRange; vllm-ascend up to 0.14), HCCL 60000 to 60015.",
  example: {
    in: "container",
    refused: p2pWith('"36000"', '"65536"'),
    admitted: RIGHT,
  },
  check: (subject) => kvEngines(subject).flatMap(portRemarks),
};

function portRemarks(item: KvEngine): Remark[] {
  const { engine, path } = item;
  const p2p = p2pOf(item);
  const first = p2p?.port;
  if (!p2p || first === undefined) return wrongPort(item);
  const last = first + Math.max(1, ranksOf(item, p2p)) - 1;
  const span = last === first ? `port ${first}` : `ports ${first} to ${last}`;
  const remark = (message: string, fix: string, uncertain: boolean): Remark[] => [
    {
      path,
      value: first,
      against: last,
      message: `${engine.label} takes the ${span}; ${message}`,
      fix,
      uncertain,
    },
  ];
  if (first < 1 || last > 65535) {
    // How many ranks there are is certain only where the configuration says so.
    const certain = first < 1 || first > 65535 || ownSide(engine.role, p2p)?.tp !== undefined;
    return remark("65535 is the last one", "use a lower kv_port", !certain);
  }
  const clash = transportClash(engine, first, last);
  if (clash) return remark(clash.message, clash.fix, true);
  const hccl = hcclPorts(engine);
  if (hccl !== undefined && first <= hccl + 15 && last >= hccl)
    return remark(`HCCL takes ${hccl} to ${hccl + 15}`, "use another kv_port", true);
  const inside = (one: number): boolean => one >= first && one <= last;
  const served = servedPorts(engine.command)?.find(inside);
  if (served !== undefined) return remark(`the engine serves on ${served}`, "use another kv_port", true);
  const taken = portsOf(engine).find(inside);
  return taken === undefined
    ? []
    : remark(`a container of the pod listens on ${taken}`, "use another kv_port", true);
}

/** A port that is there and none. */
function wrongPort(item: KvEngine): Remark[] {
  const { engine, all, path } = item;
  const p2p = all.find(({ name }) => isMooncake(name));
  const written = p2p?.json.kv_port;
  if (written === undefined || written === null) return [];
  return [
    {
      path,
      value: written,
      message: `kv_port of ${engine.label} is ${quoted(written)}, no port`,
      fix: `write a number such as ${engine.facts.kvPortFloor}`,
      uncertain: typeof written === "string" && /[$\s]/.test(written),
    },
  ];
}

/** The sizes of the side that a role is. */
function ownSide(role: string, { prefill, decode }: KvConnector): KvSideSizes | undefined {
  return { prefill, decode }[role];
}

/** Ranks of one instance: a port each (mooncake_connector.py:2107-2119). */
function ranksOf({ engine }: KvEngine, p2p: KvConnector): number {
  const own = ownSide(engine.role, p2p);
  if (own?.tp === undefined) return engine.npus ?? 1;
  return (own.dp ?? 1) * own.tp * (own.pp ?? 1);
}

/** Ports of the ascend_direct transport among those of a connector. */
function transportClash(
  engine: KvEngine["engine"],
  first: number,
  last: number,
): { message: string; fix: string } | undefined {
  const known = transportPortsOf(engine.image);
  const ports = known ?? WIDEST_TRANSPORT;
  const start = transportStart(engine, ports);
  if (start === undefined) return undefined;
  const end = start + ports.perChip * engine.facts.perNode;
  if (first >= end || last < start) return undefined;
  const sure = first < start + 100 * engine.facts.perNode;
  const when = known || sure ? "" : " up to vllm-ascend 0.14";
  return {
    message: `ascend_direct${when} takes some of ${start} to ${end - 1} (Address already in use)`,
    fix: `use ${end} or above${when === "" ? "" : ", unless the image's Mooncake is 0.3.8 or later"}`,
  };
}

function transportStart(engine: KvEngine["engine"], ports: TransportPorts): number | undefined {
  const moved = ports.movable ? ruleVariableOf(engine, "ASCEND_BASE_PORT") : undefined;
  if (!moved) return ports.base;
  return /^\d{1,5}$/.test(moved.value ?? "") ? Number(moved.value) : undefined;
}

function portsOf({ pod }: KvEngine["engine"]): number[] {
  const containers = pod?.pod.spec.containers;
  return (Array.isArray(containers) ? containers : []).flatMap((container) => {
    const ports = (container as { ports?: unknown } | null)?.ports;
    return (Array.isArray(ports) ? ports : []).flatMap((one) => {
      const number = (one as { containerPort?: unknown } | null)?.containerPort;
      return typeof number === "number" ? [number] : [];
    });
  });
}
