import { listOf, objectOf, stringOf } from "../api/json.ts";
import { type RuleEngine, type RuleVariable, variableOf, withNpus } from "./engines.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** A whole number that CANN reads out of a variable, with its bounds. */
interface Range {
  least: number;
  most: number;
  unit: string;
}

const TIMEOUTS: Record<string, Range> = {
  HCCL_CONNECT_TIMEOUT: { least: 120, most: 7200, unit: "seconds" },
  HCCL_EXEC_TIMEOUT: { least: 0, most: 2147483647, unit: "seconds" },
};
const PORTS: Record<string, Range> = {
  HCCL_IF_BASE_PORT: { least: 1024, most: 65520, unit: "" },
};

const timeouts: Rule = {
  id: "hccl/timeout",
  severity: "deny",
  summary: "HCCL's timeouts are within their range",
  why: "HCCL_CONNECT_TIMEOUT is 120 to 7200 s, HCCL_EXEC_TIMEOUT 0 to 2147483647 s (CANN, environment variables; envref_07_0078).",
  example: {
    in: "container",
    refused: 'env: [{name: HCCL_CONNECT_TIMEOUT, value: "60"}]',
    admitted: 'env: [{name: HCCL_CONNECT_TIMEOUT, value: "600"}]',
  },
  check: (subject) => [...outOfRange(subject, TIMEOUTS), ...shorterHere(subject)],
};

const basePort: Rule = {
  id: "hccl/base-port",
  severity: "deny",
  summary: "HCCL_IF_BASE_PORT leaves room for its 16 ports",
  why: "HCCL takes 16 ports from it on, and it can be 1024 to 65520 (CANN, environment variables).",
  example: {
    in: "container",
    refused: 'env: [{name: HCCL_IF_BASE_PORT, value: "65530"}]',
    admitted: 'env: [{name: HCCL_IF_BASE_PORT, value: "55000"}]',
  },
  check: (subject) => outOfRange(subject, PORTS),
};

function outOfRange(subject: RuleSubject, ranges: Record<string, Range>): Remark[] {
  return variables(subject, Object.keys(ranges)).flatMap(({ engine, found, value }): Remark[] => {
    const range = ranges[found.name];
    if (!range) return [];
    const number = /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) : Number.NaN;
    if (number >= range.least && number <= range.most && Number.isInteger(number)) return [];
    if (found.name === "HCCL_EXEC_TIMEOUT" && takesDecimals(engine) && isDecimal(value, range)) return [];
    const within = number >= range.least && number <= range.most;
    const unit = range.unit === "" ? "" : ` ${range.unit}`;
    return [
      {
        path: found.path,
        value,
        message: `${found.name} of ${engine.envLabel} is ${quoted(value)}, no whole number from ${range.least} to ${range.most}`,
        fix: `write ${range.least} to ${range.most}${unit}, or leave it out`,
        // Later versions of CANN may read fractions, and an empty value may count as none.
        uncertain: within || value.trim() === "",
      },
    ];
  });
}

/** HCCL_EXEC_TIMEOUT takes two decimals but on the first 910 (CANN, envref_07_0078). */
function takesDecimals({ node }: RuleEngine): boolean {
  return node.row.chip !== "910A" && node.row.chip !== "310P";
}

function isDecimal(value: string, { least, most }: Range): boolean {
  return /^\d{1,10}\.\d{1,2}$/.test(value) && Number(value) >= least && Number(value) <= most;
}

/**
 * Bounds that hold for some hardware only, of which the manifest is no proof. Those of AIV (1091) are none:
 * vllm-ascend's own tutorials set 3600 with it.
 */
function shorterHere(subject: RuleSubject): Remark[] {
  return variables(subject, ["HCCL_EXEC_TIMEOUT"]).flatMap(({ engine, found, value }): Remark[] => {
    const number = /^\d+$/.test(value) ? Number(value) : undefined;
    const most = engine.node.row.chip === "910A" ? 17340 : undefined;
    if (number === undefined || most === undefined || number <= most || number > 2147483647) return [];
    return [
      {
        path: found.path,
        value,
        message: `HCCL_EXEC_TIMEOUT of ${engine.envLabel} is ${value}; on snt9 it can be ${most} at most`,
        fix: `write ${most} or less`,
        uncertain: true,
      },
    ];
  });
}

/** Compared without regard to case (hicann/hccl, alg_env_config.cc). */
const ANY_CASE: ReadonlySet<string> = new Set(["HCCL_DETERMINISTIC", "HCCL_INTER_HCCS_DISABLE"]);

const CHOICES: Record<string, readonly string[]> = {
  HCCL_SOCKET_FAMILY: ["AF_INET", "AF_INET6"],
  HCCL_OP_EXPANSION_MODE: [
    "AI_CPU",
    "AICPU_TS",
    "AICPU_CacheDisable",
    "AIV",
    "CCU_MS",
    "CCU_SCHED",
    "HOST",
    "HOST_TS",
  ],
  HCCL_DETERMINISTIC: ["true", "false", "strict"],
  HCCL_INTRA_ROCE_ENABLE: ["0", "1"],
  HCCL_INTRA_PCIE_ENABLE: ["0", "1"],
  HCCL_WHITELIST_DISABLE: ["0", "1"],
  HCCL_RDMA_SL: ["0", "1", "2", "3", "4", "5", "6", "7"],
  HCCL_INTER_HCCS_DISABLE: ["TRUE", "FALSE"],
};

const values: Rule = {
  id: "hccl/value",
  severity: "warn",
  summary: "HCCL's other variables have values that CANN documents",
  why: "What CANN does not know is ignored or ends the engine (CANN, environment variables); later versions may know more.",
  example: {
    in: "container",
    refused: "env: [{name: HCCL_OP_EXPANSION_MODE, value: aiv}]",
    admitted: "env: [{name: HCCL_OP_EXPANSION_MODE, value: AIV}]",
  },
  check: (subject) => [
    ...variables(subject, Object.keys(CHOICES)).flatMap(({ engine, found, value }): Remark[] => {
      const choices = CHOICES[found.name] ?? [];
      const same = ANY_CASE.has(found.name) ? value.toLowerCase() : value;
      if (
        choices.includes(value) ||
        choices.some((choice) => ANY_CASE.has(found.name) && choice.toLowerCase() === same)
      )
        return [];
      return [valueRemark(engine, found, value, `one of: ${choices.join(", ")}`)];
    }),
    ...variables(subject, ["HCCL_BUFFSIZE"]).flatMap(({ engine, found, value }) =>
      /^[1-9]\d*$/.test(value) ? [] : [valueRemark(engine, found, value, "a whole number of MB, 1 or more")],
    ),
    ...variables(subject, ["HCCL_RDMA_TC"]).flatMap(({ engine, found, value }) =>
      /^\d{1,3}$/.test(value) && Number(value) <= 255 && Number(value) % 4 === 0
        ? []
        : [valueRemark(engine, found, value, "a multiple of 4 from 0 to 252")],
    ),
  ],
};

function valueRemark(engine: RuleEngine, found: RuleVariable, value: string, known: string): Remark {
  return {
    path: found.path,
    value,
    message: `${found.name} of ${engine.envLabel} is ${quoted(value)}, which CANN does not document`,
    fix: `write ${known}`,
  };
}

const fabric: Rule = {
  id: "hccl/fabric-switches",
  severity: "deny",
  summary: "The switches of the fabric do not contradict each other",
  why: "HCCL_INTRA_ROCE_ENABLE and HCCL_INTRA_PCIE_ENABLE cannot both be 1, nor one of them 0 alone (CANN, hcclug_000078, envref_07_0082; hccl, alg_env_config.cc ParseIntraLinkType); fabric memory exists on A3 (vllm-ascend, kv_pool.md §5.1).",
  example: {
    in: "container",
    refused: 'env: [{name: HCCL_INTRA_ROCE_ENABLE, value: "1"}, {name: HCCL_INTRA_PCIE_ENABLE, value: "1"}]',
    admitted: 'env: [{name: HCCL_INTRA_ROCE_ENABLE, value: "0"}, {name: HCCL_INTRA_PCIE_ENABLE, value: "1"}]',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const on = (name: string): RuleVariable | undefined => {
        const found = variableOf(engine, name);
        return found?.value === "1" ? found : undefined;
      };
      const [roce, pcie, memory] = [
        on("HCCL_INTRA_ROCE_ENABLE"),
        on("HCCL_INTRA_PCIE_ENABLE"),
        on("ASCEND_ENABLE_USE_FABRIC_MEM"),
      ];
      const lone = aloneOff(engine);
      const both: Remark[] =
        roce && pcie
          ? [
              {
                path: pcie.path,
                value: "1",
                message: `HCCL_INTRA_ROCE_ENABLE and HCCL_INTRA_PCIE_ENABLE of ${engine.envLabel} are both 1`,
                fix: "keep one of them",
              },
            ]
          : [];
      const foreign: Remark[] =
        memory && engine.node.row.chip !== undefined && !engine.node.row.fabrics.includes("hccs")
          ? [
              {
                path: memory.path,
                value: "1",
                message: `ASCEND_ENABLE_USE_FABRIC_MEM of ${engine.envLabel} is 1, the hardware is ${engine.hardware}`,
                fix: "remove it: only A3 has fabric memory",
                uncertain: true,
              },
            ]
          : [];
      return [...lone, ...both, ...foreign];
    }),
};

const INTRA_LINKS = ["HCCL_INTRA_ROCE_ENABLE", "HCCL_INTRA_PCIE_ENABLE"] as const;

/** One of the two links off and the other not set leaves none: the engine ends at start. */
function aloneOff(engine: RuleEngine): Remark[] {
  return INTRA_LINKS.flatMap((name): Remark[] => {
    const other = INTRA_LINKS.find((link) => link !== name) ?? name;
    const found = variableOf(engine, name);
    if (found?.value?.trim() !== "0" || engine.env.has(other)) return [];
    return [
      {
        path: found.path,
        value: "0",
        message: `${name} of ${engine.envLabel} is 0, and ${other} is not set: HCCL has no link inside the server left`,
        fix: `set ${other} to "1" beside it, or remove ${name}`,
        // Another source of variables, or a script, may set the other one.
        uncertain: engine.envFrom || engine.command.form === "shell" || engine.command.form === "unreadable",
      },
    ];
  });
}

const visibleDevices: Rule = {
  id: "hccl/visible-devices",
  severity: "warn",
  summary: "Which NPUs a process sees is left to the device plugin",
  why: "A fixed list breaks every allocation that does not begin at the first NPU (vllm-ascend issue 9428, HAMi issues 449 and 1894).",
  example: {
    in: "container",
    refused: 'env: [{name: ASCEND_RT_VISIBLE_DEVICES, value: "0,1,2,3"}]\nargs: [-tp, "4"]',
    admitted: 'args: [-tp, "4"]',
  },
  check: (subject) =>
    variables(subject, ["ASCEND_RT_VISIBLE_DEVICES", "ASCEND_VISIBLE_DEVICES"]).flatMap(
      ({ engine, found, value }): Remark[] => {
        const whole = Array.from({ length: engine.facts.perNode }, (_, index) => index).join();
        if (engine.npus === engine.facts.perNode && value === whole) return [];
        return [
          {
            path: found.path,
            value,
            message: `${found.name} of ${engine.envLabel} is ${quoted(value)}, a fixed list of NPUs`,
            fix: "remove it: the device plugin sets what the pod was given",
          },
        ];
      },
    ),
};

const portClash: Rule = {
  id: "hccl/port-clash",
  severity: "warn",
  summary: "No port of the pod lies in the range that HCCL takes",
  why: "HCCL listens on 16 ports from HCCL_IF_BASE_PORT on, 60000 to 60015 by default (CANN, environment variables).",
  example: {
    in: "container",
    refused: "ports: [{containerPort: 60001}]",
    admitted: "ports: [{containerPort: 8000}]",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const base = hcclPorts(engine);
      if (base === undefined || !engine.pod) return [];
      const { pod, field, label } = engine.pod;
      return listOf(pod.spec.containers).flatMap((container, place) =>
        listOf(objectOf(container).ports).flatMap((port, index): Remark[] => {
          const number = objectOf(port).containerPort;
          if (typeof number !== "number" || number < base || number > base + 15) return [];
          return [
            {
              path: `${field}.spec.containers[${place}].ports[${index}].containerPort`,
              value: number,
              message: `port ${number} of ${label} lies in HCCL's range ${base} to ${base + 15}`,
              fix: "use another port, or set HCCL_IF_BASE_PORT",
            },
          ];
        }),
      );
    }),
};

/** First of the 16 ports that HCCL takes; undefined where a variable hides it. */
export function hcclPorts(engine: RuleEngine): number | undefined {
  const found = variableOf(engine, "HCCL_IF_BASE_PORT");
  if (!found) return 60000;
  return /^\d{1,5}$/.test(found.value ?? "") ? Number(found.value) : undefined;
}

/** The literal variables of these names, of every engine with NPUs. */
function variables(
  subject: RuleSubject,
  names: readonly string[],
): { engine: RuleEngine; found: RuleVariable; value: string }[] {
  return withNpus(subject.engines).flatMap((engine) =>
    names.flatMap((name) => {
      const found = engine.env.has(name) ? variableOf(engine, name) : undefined;
      const value = found?.value;
      return found === undefined || value === undefined || stringOf(value) === undefined
        ? []
        : [{ engine, found, value }];
    }),
  );
}

/** Rules of the family hccl about the values of variables. */
export const HCCL_VALUE_RULES: readonly Rule[] = [
  timeouts,
  basePort,
  values,
  fabric,
  visibleDevices,
  portClash,
];
