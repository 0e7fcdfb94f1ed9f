import { stringOf } from "../api/json.ts";
import { type RuleEngine, type RuleVariable, ruleVariableOf, withNpus } from "./engines.ts";
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

/** Timeouts lie in the range that CANN reads. */
export const timeouts: Rule = {
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

/** The base port lies in the range that CANN reads. */
export const basePort: Rule = {
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
        path: found.path(),
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
        path: found.path(),
        value,
        message: `HCCL_EXEC_TIMEOUT of ${engine.envLabel} is ${value}; on snt9 it can be ${most} at most`,
        fix: `write ${most} or less`,
        uncertain: true,
      },
    ];
  });
}

/** The literal variables of these names, of every engine with NPUs. */
export function variables(
  subject: RuleSubject,
  names: readonly string[],
): { engine: RuleEngine; found: RuleVariable; value: string }[] {
  return withNpus(subject.engines).flatMap((engine) =>
    names.flatMap((name) => {
      const found = engine.env.has(name) ? ruleVariableOf(engine, name) : undefined;
      const value = found?.value;
      return found === undefined || value === undefined || stringOf(value) === undefined
        ? []
        : [{ engine, found, value }];
    }),
  );
}
