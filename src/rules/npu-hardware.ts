import { listOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { FABRIC_SWITCHES, type FabricName } from "../defaults/hardware.ts";
import { flagOf, sizeOf } from "../engines/flags.ts";
import type { HardwareClue, HardwareReading } from "../readings/hardware.ts";
import { transfersDirectly } from "../readings/pod-subject.ts";
import { type RuleEngine, withNpus } from "./engines.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const STORE = `args: [--kv-transfer-config, '{"kv_connector":"AscendStoreConnector","kv_role":"kv_both"}']`;

const contradiction: Rule = {
  id: "npu/hardware",
  severity: "warn",
  summary: "What a workload says about its hardware fits together",
  why: "Counts, mounts and the network's switches depend on it (the hardware table, src/defaults/README.md).",
  example: {
    in: "container",
    refused: 'resources: {limits: {huawei.com/Ascend310P: "1", huawei.com/Ascend910B3: "1"}}',
    admitted: 'resources: {limits: {huawei.com/ascend-1980: "1"}}',
  },
  check: (subject) =>
    places(subject).flatMap(({ field, label, node }): Remark[] =>
      node.conflicts
        // What an image says has a rule of its own.
        .filter(({ first, second }) => first.kind !== "image" && second.kind !== "image")
        .map(({ first, second }) => ({
          path: field,
          value: [first.text, second.text],
          message: `${said(first)} and ${said(second)} do not fit together; ${label} is taken for ${node.name}`,
          fix: `correct one of them, or set ${ASK.hardware}`,
        })),
    ),
};

function said({ kind, text }: HardwareClue): string {
  if (kind === "annotation") return `the annotation ${text}`;
  return kind === "defaults" ? `${text} of the defaults` : text;
}

function places(subject: RuleSubject): { field: string; label: string; node: HardwareReading }[] {
  return subject.units.flatMap((unit) =>
    unit.pods.length > 0
      ? unit.pods.map(({ field, label, pod }) => ({ field: `${field}.spec`, label, node: pod.node }))
      : unit.holders.map(({ field, label, node }) => ({ field, label, node })),
  );
}

const fabricUnset: Rule = {
  id: "hccl/fabric-unset",
  severity: "warn",
  summary: "Where the hardware has several networks, it is said which one KV transfer takes",
  why: "On A3 RoCE needs HCCL_INTRA_ROCE_ENABLE=1 and HCCS ASCEND_ENABLE_USE_FABRIC_MEM=1, on A5 UBOE and UB have a variable each (vllm-ascend, kv_pool.md §5.1).",
  example: {
    in: "container",
    refused: `image: vllm-ascend:v0.18.0-a3\n${STORE}`,
    admitted: `image: vllm-ascend:v0.18.0-a3\n${STORE}\nenv: [{name: MOONCAKE_CONFIG_PATH, value: /etc/mooncake/mooncake.json}, {name: HCCL_INTRA_ROCE_ENABLE, value: "1"}]`,
  },
  check: (subject) =>
    // The pods of an object are told together: one setting settles them all.
    withNpus(subject.engines)
      .flatMap((engine): Remark[] => {
        const { fabrics, name } = engine.node.row;
        if (engine.node.fabric !== "" || fabrics.length < 2 || name === "custom") return [];
        if (!transfers(engine) || engine.envFrom || fabrics.some((fabric) => saysOne(engine, fabric)))
          return [];
        const variables = fabrics.map((fabric) => `${FABRIC_SWITCHES[fabric].name} for ${fabric}`);
        return [
          {
            path: engine.envField,
            value: name,
            message: `which network the KV transfer of ${engine.label} takes is not said; ${name} has ${listed([...fabrics])}`,
            fix: `set fabric in the defaults, or on every engine ${variables.join(", ")}`,
          },
        ];
      })
      .slice(0, 1),
};

function transfers({ pod, name }: RuleEngine): boolean {
  const engine = pod?.pod.engines.find((one) => one.name === name);
  return pod !== undefined && engine !== undefined && transfersDirectly(pod.pod, engine);
}

function saysOne({ env, command }: RuleEngine, fabric: FabricName): boolean {
  // A script may set it.
  if (command.form === "shell" || command.form === "unreadable") return true;
  const { name, unless } = FABRIC_SWITCHES[fabric];
  return [name, ...unless].some((variable) => env.has(variable));
}

const overPods: Rule = {
  id: "npu/ray-over-pods",
  severity: "warn",
  summary: "An engine that needs more NPUs than its pod has is told how it reaches the others",
  why: "Without --nnodes vLLM takes all its ranks from its own pod, unless Ray spreads it (vLLM, parallelism and scaling); on 310P Ray is the only way (vllm-ascend issue 1543).",
  example: {
    in: "role",
    refused:
      'workerReplicas: 1\nworkerTemplate: {spec: {containers: [{name: w, command: [./join.sh], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}}\nentryTemplate: {spec: {containers: [{name: vllm, command: [sh, -c, "./start.sh; vllm serve m -tp 2"], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}}',
    admitted:
      'workerReplicas: 1\nworkerTemplate: {spec: {containers: [{name: w, command: [./join.sh], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}}\nentryTemplate: {spec: {containers: [{name: vllm, command: [sh, -c, "./start.sh; vllm serve m -tp 2 --distributed-executor-backend ray"], resources: {limits: {huawei.com/Ascend310P: "1"}}}]}}',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { command, npus = 0, pods, pod, label, field, node } = engine;
      const size = command.engine === "vllm" ? sizeOf(command.flags, "tensor-parallel-size") : undefined;
      if (pods < 2 || size?.state !== "known" || size.value <= npus || pod?.pod.part === "worker") return [];
      if (command.ray || flagOf(command.flags, "nnodes").state !== "absent") return [];
      const nodes = node.row.deviceNetwork ? ", or --nnodes, --node-rank and --master-addr" : "";
      return [
        {
          path: `${field}.${listOf(engine.container.args).length > 0 ? "args" : "command"}`,
          value: size.value,
          against: npus,
          message: `${label} has tensor-parallel-size ${size.value} and ${npus} NPU${npus === 1 ? "" : "s"}, in a role of ${pods} pods; nothing says that Ray joins them`,
          fix: `write --distributed-executor-backend=ray if a script starts Ray${nodes}`,
        },
      ];
    }),
};

/** What a workload says about its hardware, and what the hardware needs said. */
export const NPU_HARDWARE_RULES: readonly Rule[] = [contradiction, fabricUnset, overPods];
