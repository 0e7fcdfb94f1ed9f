import { stringify } from "yaml";
import type { JsonObject } from "../../api/json.ts";
import {
  type FabricName,
  type HardwareName,
  type HardwareRow,
  hardwareRow,
} from "../../defaults/hardware.ts";
import { BUILT_IN } from "../../defaults/presets.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { boosterOf } from "./booster.ts";
import type { NewFlags } from "./command.ts";
import { routingOf } from "./routing.ts";
import { servingOf } from "./serving.ts";

/** What is to be served, all questions answered. */
export interface Wanted {
  model: string;
  name: string;
  namespace: string | undefined;
  engine: "vllm" | "sglang";
  image: string;
  replicas: number;
  nodes: number;
  npus: number;
  pair: { prefill: { pods: number; npus: number }; decode: { pods: number; npus: number } } | undefined;
  hardware: HardwareName | undefined;
  fabric: FabricName | undefined;
}

/** Writes the manifest to standard output. */
export function writeNew(flags: NewFlags, console: Console): number {
  const wanted = wantedOf(flags);
  const objects = flags.booster === true ? [boosterOf(wanted)] : [servingOf(wanted), ...routingOf(wanted)];
  console.out(`${HEAD}${objects.map(textOf).join("---\n")}`);
  console.complain(unnamedNpus(hardwareRow(wanted.hardware ?? BUILT_IN.hardware)));
  return EXIT.ok;
}

/** Told where the platform that holds without a document has no name for the NPUs of the hardware. */
function unnamedNpus({ name, resourceNames }: HardwareRow): string[] {
  const platforms = Object.keys(resourceNames);
  if (platforms.length === 0 || Object.hasOwn(resourceNames, BUILT_IN.platform)) return [];
  return [
    `new: NPUs of ${name} have a known name on platform ${platforms.join(" and ")} only; on another one the defaults must say npu.resourceName`,
  ];
}

const HEAD = `# Lean: NPUs, HCCL, driver mounts and scheduling are added when it is applied.
# kthena-ascend review -f FILE shows what that will be.
`;

function textOf(object: JsonObject): string {
  return stringify(object, { lineWidth: 0 });
}

/**
 * Answers what was left open.
 * @throws UsageError where no manifest can be right
 */
export function wantedOf(flags: NewFlags): Wanted {
  const { model, engine, replicas, nodes, namespace } = flags;
  const hardware = flags.hardware as HardwareName | undefined;
  const facts = hardwareRow(hardware ?? BUILT_IN.hardware);
  const npus = flags.npus ?? (nodes > 1 ? facts.perNode : 1);
  const wanted: Wanted = {
    model,
    name: flags.name ?? nameFrom(model),
    namespace,
    engine,
    image: flags.image ?? imageFor(engine, flags.booster === true, facts),
    replicas,
    nodes,
    npus,
    pair: pairOf(flags),
    hardware,
    fabric: flags.fabric,
  };
  refuse(wanted, flags, facts);
  refusePair(wanted, flags, facts);
  return wanted;
}

function pairOf({ prefill, decode }: NewFlags): Wanted["pair"] {
  if (prefill === undefined && decode === undefined) return undefined;
  if (prefill === undefined || decode === undefined)
    throw new UsageError("new: --prefill and --decode go together");
  return { prefill, decode };
}

function refuse(
  { name, model, engine, nodes, npus, pair }: Wanted,
  { booster, npus: written }: NewFlags,
  { allowedCounts: allowed, perNode }: HardwareRow,
): void {
  const stop = (why: string): never => {
    throw new UsageError(`new: ${why}`);
  };
  if (!/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name))
    stop(`--name: ${name} must be 1 to 40 lower-case letters, digits and dashes, beginning with a letter`);
  if (model === "" || model.startsWith("-") || /\s/.test(model))
    stop(`--model: ${JSON.stringify(model)} is not a name or path of a model`);
  if (pair && nodes > 1) stop("--nodes goes without --prefill and --decode: each of their pods has one node");
  if (pair && written !== undefined) stop("--npus goes without --prefill and --decode, which name their own");
  if (pair && engine === "sglang")
    stop("--engine sglang hands over between prefill and decode by flags of its own: write that by hand");
  if (booster && engine === "sglang") stop("--booster runs vLLM only");
  if (booster && nodes > 1) stop("--booster runs each engine in one pod: leave it out for --nodes");
  const counts = pair ? [pair.prefill.npus, pair.decode.npus] : [npus];
  const wrong = counts.find((count) => !allowed.includes(count));
  if (wrong !== undefined)
    stop(
      `${wrong} NPUs are not a number that one pod can have on this hardware; it can have ${allowed.join(", ")}`,
    );
  if (nodes > 1 && npus !== perNode)
    stop(`--npus: a model over several nodes takes whole ones, with ${perNode} NPUs each`);
  if (pair && pair.prefill.npus % pair.decode.npus !== 0)
    stop(
      `--decode: its ${pair.decode.npus} NPUs must divide prefill's ${pair.prefill.npus}: decode takes the KV cache in equal parts`,
    );
}

/** What the hardware has to have for prefill and decode. */
function refusePair({ pair, fabric }: Wanted, { booster, image }: NewFlags, row: HardwareRow): void {
  const { name, fabrics } = row;
  const stop = (why: string): never => {
    throw new UsageError(`new: ${why}`);
  };
  if (!pair) {
    if (fabric) stop("--fabric goes with --prefill and --decode");
    return;
  }
  if (booster && image === undefined && !hasBoosterImage(row))
    stop(
      `--booster with --prefill and --decode has no image for ${name} with Mooncake's libraries: name one with --image, or leave --booster out`,
    );
  if (booster) return;
  if (fabric && !fabrics.includes(fabric))
    stop(`--fabric: ${name} has ${fabrics.length === 0 ? "no network to choose" : fabrics.join(" and ")}`);
  if (!fabric && fabrics.length > 1 && name !== "custom")
    stop(`--fabric: ${name} has two networks between prefill and decode; choose ${fabrics.join(" or ")}`);
}

/** `Qwen/Qwen3-32B` is qwen3-32b. */
function nameFrom(model: string): string {
  const last = model.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const name = last
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^[^a-z]+|-+$/g, "");
  return name === "" ? "model" : name;
}

/** Images as their projects publish them, for the hardware (vllm-ascend, docs/source/installation.md). */
function imageFor(engine: Wanted["engine"], booster: boolean, row: HardwareRow): string {
  const [suffix = ""] = row.imageSuffixes;
  if (engine === "sglang")
    return `quay.io/ascend/sglang:v0.5.6-cann8.3.rc2${suffix === "" ? "-910b" : suffix}`;
  if (booster && hasBoosterImage(row))
    return "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5";
  return `quay.io/ascend/vllm-ascend:v0.18.0${suffix}`;
}

/** Kthena's own engine image, which has Mooncake's libraries where the linker finds them, is built for these. */
function hasBoosterImage({ chip }: HardwareRow): boolean {
  return chip === "910B";
}
