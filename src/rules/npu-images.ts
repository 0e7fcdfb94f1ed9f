import { listOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { HARDWARE_TABLE, type HardwareRow, hardwareRow } from "../defaults/hardware.ts";
import type { ImageFacts } from "../engines/images.ts";
import type { Chip } from "../engines/resource-names.ts";
import type { HardwareClue } from "../readings/hardware.ts";
import type { RuleEngine } from "./engines.ts";
import { ruleVariableOf, withNpus } from "./engines.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

const image = (engine: RuleEngine): string => stringOf(engine.container.image) ?? "";

const hardware: Rule = {
  id: "npu/image-hardware",
  severity: "warn",
  summary: "The image is built for the hardware",
  why: "A3 needs tags with -a3, 310P those with -310p, A5 those with -a5; vllm-ascend's without such a word are for A2 (vllm-ascend, installation.md; issue 5256), SGLang's say -910b.",
  example: {
    in: "container",
    refused:
      'image: quay.io/ascend/vllm-ascend:v0.11.0-310p\nresources: {limits: {huawei.com/ascend-1980: "1"}}',
    admitted: 'image: quay.io/ascend/vllm-ascend:v0.11.0\nresources: {limits: {huawei.com/ascend-1980: "1"}}',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { image: facts, node } = engine;
      const { chip } = node.row;
      if (!facts || chip === undefined || chip === "910A") return [];
      const built = facts.chip ?? (facts.build === "vllm-ascend" && facts.version ? "910B" : undefined);
      // Of images that name no engine a word in the tag is no proof.
      if (built === undefined || !(facts.ascend || facts.engine !== undefined)) return [];
      const byImage = node.conflicts.find(
        ({ first, second }) => first.kind === "image" && second.kind === "defaults",
      );
      if (built === chip && !byImage) return [];
      const against = node.conflicts.find(({ second }) => second.kind === "image")?.first;
      const other = byImage?.second ?? against ?? node.by;
      const wanted = hardwareRow(byImage?.second.fits[0] ?? node.name);
      const settled = other.kind === "defaults" || other.kind === "pool";
      return [
        {
          path: `${engine.field}.image`,
          value: image(engine),
          against: wanted.name,
          message: `the image of ${engine.label} is built for ${CHIP_NAMES[built]}, ${hardwareSaid(other)}`,
          fix: `${tagFor(wanted, facts)}${settled ? `, or set ${ASK.hardware}: "${rowFor(built)}"` : ""}`,
        },
      ];
    }),
};

/** What the chips are called in the names of their servers. */
const CHIP_NAMES: Readonly<Record<Chip, string>> = {
  "910A": "the first 910",
  "910B": "A2",
  "910C": "A3",
  "310": "310",
  "310P": "310P",
  "950": "A5",
};

function hardwareSaid({ kind, text, fits }: HardwareClue): string {
  if (kind === "defaults" || kind === "pool") return `the defaults say hardware: ${fits[0]}`;
  if (kind === "annotation") return `the annotation says hardware: ${fits[0]}`;
  return kind === "resource" ? `but it asks for ${text}` : `but its node has the label ${text}`;
}

function rowFor(chip: Chip): string {
  return HARDWARE_TABLE.find((row) => row.chip === chip)?.name ?? "custom";
}

/** Which tag of the same image is for a kind of node. */
function tagFor(row: HardwareRow, facts: ImageFacts): string {
  const [own, other] = row.imageSuffixes;
  const suffix = facts.build === "sglang" ? (other ?? own) : own;
  if (suffix === undefined) return "use an image for it";
  return suffix === "" ? "use the tag without a hardware suffix" : `use the tag with ${suffix}`;
}

const vendor: Rule = {
  id: "npu/image-vendor",
  severity: "warn",
  summary: "An engine with NPUs does not run an image built for NVIDIA",
  why: "vllm-openai images hold CUDA kernels and no vllm-ascend.",
  example: {
    in: "container",
    refused: "image: vllm/vllm-openai:v0.11.0",
    admitted: "image: quay.io/ascend/vllm-ascend:v0.11.0",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const facts = engine.image;
      const cuda = /(?:^|[-_.])cu(?:da)?[-_.]?1[0-9]/i.test(facts?.tag ?? "");
      if (!facts || facts.ascend || !(facts.build === "vllm-openai" || cuda)) return [];
      return [
        {
          path: `${engine.field}.image`,
          value: image(engine),
          message: `${engine.label} has NPUs, but its image ${quoted(image(engine))} is built for NVIDIA`,
          fix: "use an image of vllm-ascend, such as quay.io/ascend/vllm-ascend",
        },
      ];
    }),
};

const entrypoint: Rule = {
  id: "npu/image-entrypoint",
  severity: "warn",
  summary: "Flags alone go to an image that starts the engine",
  why: "The stock vllm-ascend image has CMD bash and no entrypoint (its Dockerfile; base image not checked), so a flag would be taken for the program.",
  example: {
    in: "container",
    refused: 'image: quay.io/ascend/vllm-ascend:v0.11.0\ncommand: []\nargs: [--model, m, -tp, "1"]',
    admitted: 'image: quay.io/ascend/vllm-ascend:v0.11.0\nargs: [vllm, serve, m, -tp, "1"]\ncommand: []',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const [first] = listOf(engine.container.args);
      const bare = listOf(engine.container.command).length === 0 && typeof first === "string";
      if (!bare || !first.startsWith("-") || !engine.image?.stockVllmAscend) return [];
      return [
        {
          path: `${engine.field}.args`,
          value: first,
          message: `${engine.label} has no command, and the stock vllm-ascend image has no entrypoint that takes ${quoted(first)}`,
          fix: "put the program first: command: [vllm, serve]",
        },
      ];
    }),
};

const libraryPath: Rule = {
  id: "npu/library-path",
  severity: "warn",
  summary: "LD_LIBRARY_PATH is not built from itself",
  why: "A variable of the manifest replaces the image's value; $(LD_LIBRARY_PATH) is not that value, and nothing else is expanded (Kubernetes, dependent environment variables).",
  example: {
    in: "container",
    refused: 'env: [{name: LD_LIBRARY_PATH, value: "$LD_LIBRARY_PATH:/opt/lib"}]',
    admitted: 'env: [{name: OMP_NUM_THREADS, value: "10"}]',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const found = ruleVariableOf(engine, "LD_LIBRARY_PATH");
      const text = stringOf(found?.item.value);
      if (!found || !text || !/\$[({]?LD_LIBRARY_PATH/.test(text)) return [];
      return [
        {
          path: found.path(),
          value: text,
          message: `LD_LIBRARY_PATH of ${engine.envLabel} refers to itself, which gives no value of the image`,
          fix: "export it in the command instead: sh -c 'export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:…; exec \"$@\"' --",
        },
      ];
    }),
};

const cudaEnv: Rule = {
  id: "npu/cuda-env",
  severity: "warn",
  summary: "Variables of CUDA and NCCL are not set on engines with NPUs",
  why: "They have no effect on NPUs; PyTorch reads PYTORCH_NPU_ALLOC_CONF, the transport HCCL's variables.",
  example: {
    in: "container",
    refused: "env: [{name: PYTORCH_CUDA_ALLOC_CONF, value: expandable_segments:True}]",
    admitted: "env: [{name: PYTORCH_NPU_ALLOC_CONF, value: expandable_segments:True}]",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] =>
      Object.entries(INSTEAD).flatMap(([name, instead]) => {
        const found = ruleVariableOf(engine, name);
        if (!found || (instead !== "" && engine.env.has(instead))) return [];
        return [
          {
            path: found.path().replace(/\.value$/, ""),
            value: name,
            message: `${name} of ${engine.envLabel} has no effect on NPUs`,
            fix: instead === "" ? "remove it" : `use ${instead}`,
          },
        ];
      }),
    ),
};

const INSTEAD: Record<string, string> = {
  PYTORCH_CUDA_ALLOC_CONF: "PYTORCH_NPU_ALLOC_CONF",
  CUDA_VISIBLE_DEVICES: "",
  NCCL_SOCKET_IFNAME: "HCCL_SOCKET_IFNAME",
};

/** Rules of the family npu about images and what they hold. */
export const NPU_IMAGE_RULES: readonly Rule[] = [hardware, vendor, entrypoint, libraryPath, cudaEnv];
