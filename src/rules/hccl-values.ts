import { listOf, objectOf } from "../api/json.ts";
import { type RuleEngine, type RuleVariable, ruleVariableOf, withNpus } from "./engines.ts";
import { basePort, timeouts, variables } from "./hccl-ranges.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

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
    path: found.path(),
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
        const found = ruleVariableOf(engine, name);
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
                path: pcie.path(),
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
                path: memory.path(),
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
    const found = ruleVariableOf(engine, name);
    if (found?.value?.trim() !== "0" || engine.env.has(other)) return [];
    return [
      {
        path: found.path(),
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
            path: found.path(),
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
  const found = ruleVariableOf(engine, "HCCL_IF_BASE_PORT");
  if (!found) return 60000;
  return /^\d{1,5}$/.test(found.value ?? "") ? Number(found.value) : undefined;
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
