import { sizeOf } from "../engines/flags.ts";
import type { KvConnector, KvSideSizes } from "../engines/kv-transfer-config.ts";
import { variableOf } from "./engines.ts";
import { hcclPorts } from "./hccl-values.ts";
import { p2pWith, RIGHT } from "./kv.ts";
import { withJsonToUse } from "./kv-corrected.ts";
import { isMooncake, type KvEngine, kvEngines, pair } from "./kv-subject.ts";
import { listed, quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** The point-to-point connector of a configuration, on its own or inside a MultiConnector. */
function p2pOf({ all }: KvEngine): KvConnector | undefined {
  return all.find(({ name }) => isMooncake(name));
}

const sizes: Rule = {
  id: "kv/sizes",
  severity: "deny",
  summary: "MooncakeConnectorV1 knows the sizes of both sides, and decode has one pipeline stage",
  why: "It asserts tp_size and dp_size of prefill and decode at start, pp_size 1 of decode, and prefill's TP no smaller than decode's (vllm-ascend, mooncake_connector.py).",
  example: {
    in: "container",
    refused: p2pWith('"decode":{"dp_size":1,"tp_size":1}', '"decode":{"dp_size":1,"tp_size":2}'),
    admitted: RIGHT,
  },
  check: (subject) =>
    kvEngines(subject).flatMap((item): Remark[] => {
      const p2p = p2pOf(item);
      if (p2p?.name !== "MooncakeConnectorV1") return [];
      const { engine, path } = item;
      const lacking = missingSizes(p2p);
      const about = { path, against: p2p.extra.prefill ?? null };
      if (lacking.length > 0)
        return [
          {
            ...about,
            value: lacking,
            cause: "FieldValueRequired",
            // Early versions do without dp_size.
            uncertain: lacking.every((name) => name.endsWith("dp_size")),
            message: `the KV configuration of ${engine.label} lacks ${listed(lacking)}`,
            fix: withJsonToUse(
              'add "prefill" and "decode" with dp_size and tp_size to kv_connector_extra_config, equal on both roles',
              item,
              subject,
            ),
          },
        ];
      const { prefill, decode } = p2p;
      const remarks: Remark[] = [];
      if ((decode?.pp ?? 1) > 1)
        remarks.push({
          ...about,
          value: decode?.pp,
          message: `decode.pp_size in the KV configuration of ${engine.label} is ${decode?.pp}`,
          fix: "write 1, and run decode without pipeline parallelism",
        });
      if (prefill?.tp !== undefined && decode?.tp !== undefined && prefill.tp < decode.tp)
        remarks.push({
          ...about,
          value: decode.tp,
          message: `in the KV configuration of ${engine.label} prefill's tp_size ${prefill.tp} is smaller than decode's ${decode.tp}`,
          fix: `give prefill a tensor-parallel-size of ${decode.tp} or more`,
        });
      return remarks;
    }),
};

function missingSizes({ extra, prefill, decode }: KvConnector): string[] {
  const lacks = (side: string, known: KvSideSizes | undefined): string[] => {
    if (known === undefined) return [side];
    const raw = (extra[side] ?? {}) as Record<string, unknown>;
    return ["tp_size", "dp_size"].filter((key) => !Object.hasOwn(raw, key)).map((key) => `${side}.${key}`);
  };
  return [...lacks("prefill", prefill), ...lacks("decode", decode)];
}

const agree: Rule = {
  id: "kv/roles-agree",
  severity: "deny",
  summary: "Prefill and decode agree on connector and sizes",
  why: "Each side computes the other's ports and blocks from the sizes in its own configuration, and speaks its own connector's protocol (vllm-ascend, pd_disaggregation_mooncake_multi_node.md).",
  example: {
    refused:
      "role prefill with prefill.tp_size 8 in its --kv-transfer-config, role decode with prefill.tp_size 4",
    admitted: "both with prefill.tp_size 8",
  },
  check: (subject) => {
    const both = pair(kvEngines(subject));
    if (!both) return [];
    const names = [both.prefill, both.decode].map(({ all }) => connectorNames(all));
    const [left = [], right = []] = names;
    if (left.length > 0 && right.length > 0 && !left.some((name) => right.includes(name)))
      return [
        {
          path: both.decode.path,
          value: right,
          against: left,
          message: `role prefill uses ${listed(left)}, role decode ${listed(right)}`,
          fix: "use the same connector on both",
        },
      ];
    return differentSizes(both, subject);
  },
};

function connectorNames(all: readonly KvConnector[]): string[] {
  return all.flatMap(({ name }) => (name === undefined || name === "MultiConnector" ? [] : [name]));
}

function differentSizes(
  { prefill, decode }: { prefill: KvEngine; decode: KvEngine },
  subject: RuleSubject,
): Remark[] {
  const [left, right] = [p2pOf(prefill), p2pOf(decode)];
  if (!left || !right) return [];
  return (["prefill", "decode"] as const).flatMap((side) =>
    (["tp", "dp", "pp"] as const).flatMap((size): Remark[] => {
      const standard = size === "pp" ? 1 : undefined;
      const one = left[side]?.[size] ?? standard;
      const other = right[side]?.[size] ?? standard;
      if (one === undefined || other === undefined || one === other) return [];
      return [
        {
          path: decode.path,
          value: other,
          against: one,
          message: `${side}.${size}_size is ${one} in role prefill's KV configuration and ${other} in decode's`,
          fix: withJsonToUse("write the same sizes of both sides into both", decode, subject),
        },
      ];
    }),
  );
}

const ownSizes: Rule = {
  id: "kv/own-sizes",
  severity: "warn",
  summary: "The sizes in the KV configuration are those that the engine runs with",
  why: "The other side reaches this one by them: with more it waits for ranks that do not exist, with fewer it misses some.",
  example: {
    refused: "role prefill started with -tp 4 and prefill.tp_size 8 in its --kv-transfer-config",
    admitted: "role prefill started with -tp 8 and prefill.tp_size 8",
  },
  check: (subject) =>
    kvEngines(subject).flatMap((item): Remark[] => {
      const { engine, path } = item;
      const side = engine.role === "prefill" || engine.role === "decode" ? engine.role : undefined;
      const said = side && p2pOf(item)?.[side];
      if (!said || engine.command.engine !== "vllm") return [];
      return (
        [
          ["tp", "tensor-parallel-size"],
          ["dp", "data-parallel-size"],
        ] as const
      ).flatMap(([size, flag]): Remark[] => {
        const found = sizeOf(engine.command.flags, flag);
        const runs = found.state === "known" ? found.value : found.state === "absent" ? 1 : undefined;
        const told = said[size];
        if (runs === undefined || told === undefined || runs === told) return [];
        return [
          {
            path,
            value: told,
            against: runs,
            message: `${side}.${size}_size of ${engine.label} is ${told}, but it runs with ${flag} ${runs}`,
            fix: withJsonToUse(
              `start it with --${flag} ${told}, or write ${runs} on both roles`,
              item,
              subject,
            ),
          },
        ];
      });
    }),
};

const port: Rule = {
  id: "kv/port",
  severity: "deny",
  summary: "kv_port and the ports above it are free",
  why: "Each pod takes kv_port and one more a rank; ascend_direct picks ports from 20000 up by NPU (vllm-ascend PR 6455, issue 8938), HCCL 60000 to 60015.",
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
  const transport = transportPorts(engine);
  if (transport && first < transport.end && last >= transport.start)
    return remark(
      `ascend_direct takes some of ${transport.start} to ${transport.end - 1} (Address already in use)`,
      `use ${transport.end} or above`,
      true,
    );
  const hccl = hcclPorts(engine);
  if (hccl !== undefined && first <= hccl + 15 && last >= hccl)
    return remark(`HCCL takes ${hccl} to ${hccl + 15}`, "use another kv_port", true);
  const taken = portsOf(engine).find((one) => one >= first && one <= last);
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

function transportPorts(engine: KvEngine["engine"]): { start: number; end: number } | undefined {
  const { kvPortFloor } = engine.facts;
  const base = variableOf(engine, "ASCEND_BASE_PORT");
  if (!base) return { start: 20000, end: kvPortFloor };
  const start = /^\d{1,5}$/.test(base.value ?? "") ? Number(base.value) : undefined;
  return start === undefined ? undefined : { start, end: start + kvPortFloor - 20000 };
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

/** Rules of the family kv about sizes and ports. */
export const KV_SIZE_RULES: readonly Rule[] = [sizes, agree, ownSizes, port];
