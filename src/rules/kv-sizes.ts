import { connectorClass, isFrom } from "../engines/connector-classes.ts";
import { type FlagReader, sizeOf } from "../engines/flags.ts";
import type { KvConnector, KvSideSizes } from "../engines/kv-transfer-config.ts";
import { p2pWith, RIGHT } from "./kv.ts";
import { withJsonToUse } from "./kv-corrected.ts";
import { p2pOf, port } from "./kv-ports.ts";
import { ascendVersion, type KvEngine, kvEngines, pair, plainKvEngines } from "./kv-subject.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const sizes: Rule = {
  id: "kv/sizes",
  severity: "deny",
  summary: "Mooncake's connector knows the sizes of both sides, and decode has one pipeline stage",
  why: "MooncakeConnectorV1 and MooncakeHybridConnector assert tp_size and dp_size of prefill and decode at start, pp_size 1 of decode, and prefill's TP no smaller than decode's (vllm-ascend, mooncake_connector.py).",
  example: {
    in: "container",
    refused: p2pWith('"decode":{"dp_size":1,"tp_size":1}', '"decode":{"dp_size":1,"tp_size":2}'),
    admitted: RIGHT,
  },
  check: (subject) =>
    kvEngines(subject).flatMap((item): Remark[] => {
      const p2p = p2pOf(item);
      if (!p2p || connectorClass(p2p.name)?.sizes !== true) return [];
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
  severity: "deny",
  summary: "The sizes in the KV configuration are those that the engine runs with",
  why: "From 0.12 on vllm-ascend compares them at start and ends (check_kv_extra_config, its PR 4547); before, the other side waits for ranks that do not exist.",
  example: {
    refused: "role prefill started with -tp 4 and prefill.tp_size 8 in its --kv-transfer-config",
    admitted: "role prefill started with -tp 8 and prefill.tp_size 8",
  },
  check: (subject) =>
    kvEngines(subject).flatMap((item): Remark[] => {
      const { engine } = item;
      const p2p = p2pOf(item);
      if (!p2p || engine.command.engine !== "vllm") return [];
      return ownSides(item).flatMap((side) => differentOwn(item, p2p, side, subject));
    }),
};

type Side = "prefill" | "decode";

/** The sides whose sizes the engine compares with its own: kv_both is both of them. */
function ownSides({ engine, config }: KvEngine): Side[] {
  if (comparesSizes(engine)) {
    if (config.role === "kv_both") return ["prefill", "decode"];
    if (config.role === "kv_producer") return ["prefill"];
    if (config.role === "kv_consumer") return ["decode"];
  }
  return engine.role === "prefill" || engine.role === "decode" ? [engine.role] : [];
}

/** Whether the engine ends at start where the sizes differ; unknown versions are taken for ones that may not. */
function comparesSizes(engine: KvEngine["engine"]): boolean {
  const version = ascendVersion(engine);
  return version !== undefined && isFrom(version, "0.12");
}

function differentOwn(item: KvEngine, p2p: KvConnector, side: Side, subject: RuleSubject): Remark[] {
  const { engine, path, config } = item;
  const sizes = [
    ["tp", "tensor-parallel-size"],
    ["dp", "data-parallel-size"],
  ] as const;
  return sizes.flatMap(([size, flag]): Remark[] => {
    const found = sizeOf(engine.command.flags, flag);
    const runs = found.state === "known" ? found.value : found.state === "absent" ? 1 : undefined;
    const told = p2p[side]?.[size];
    if (runs === undefined || told === undefined || runs === told) return [];
    const certain = comparesSizes(engine) && p2p === config;
    const ends = certain
      ? "it ends at start"
      : ascendVersion(engine)
        ? "the other side misses its ranks"
        : "from vllm-ascend 0.12 on it ends at start";
    return [
      {
        path,
        value: told,
        against: runs,
        message: `${side}.${size}_size of ${engine.label} is ${told}, but it runs with ${flag} ${runs}: ${ends}`,
        fix: withJsonToUse(`start it with --${flag} ${told}, or write ${runs} on both roles`, item, subject),
        // What stands inside a MultiConnector is not compared.
        uncertain: !certain,
      },
    ];
  });
}

const contextParallel: Rule = {
  id: "kv/context-parallel",
  severity: "deny",
  summary: "Context parallelism is what the connector can do",
  why: "MooncakeConnectorV1 asserts that pipeline and prefill-context parallelism are not both above 1, MooncakeHybridConnector that there is no context parallelism (vllm-ascend, mooncake_connector.py, mooncake_hybrid_connector.py).",
  example: {
    in: "container",
    refused: `${RIGHT.replace("[", "[-pp, '2', --prefill-context-parallel-size, '2', ")}`,
    admitted: `${RIGHT.replace("[", "[--prefill-context-parallel-size, '2', ")}`,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, all, path }) => {
      if (engine.command.engine !== "vllm") return [];
      return all.flatMap((one): Remark[] => {
        const limit = connectorClass(one.name)?.contextParallel;
        const problem = limit && contextProblem(engine.command.flags, limit);
        if (!problem) return [];
        return [
          { path, value: one.name, ...problem, message: `${engine.label}: ${one.name} ${problem.message}` },
        ];
      });
    }),
};

function contextProblem(
  flags: FlagReader,
  limit: "none" | "without-pipeline",
): { message: string; fix: string } | undefined {
  const of = (name: string): number => {
    const found = sizeOf(flags, name);
    return found.state === "known" ? found.value : 1;
  };
  const prefill = of("prefill-context-parallel-size");
  if (limit === "without-pipeline") {
    const stages = of("pipeline-parallel-size");
    if (prefill < 2 || stages < 2) return undefined;
    const message = `takes no pipeline-parallel-size ${stages} beside prefill-context-parallel-size ${prefill}: it ends at start`;
    return { message, fix: "use one of the two, and give the other to tensor parallelism" };
  }
  const decode = of("decode-context-parallel-size");
  if (prefill * decode < 2) return undefined;
  const message = `takes no context parallelism (prefill ${prefill}, decode ${decode}): it ends at start`;
  return { message, fix: "leave --prefill-context-parallel-size and --decode-context-parallel-size out" };
}

/** Rules of the family kv about sizes and ports. */
export const KV_SIZE_RULES: readonly Rule[] = [sizes, agree, ownSizes, contextParallel, port];
