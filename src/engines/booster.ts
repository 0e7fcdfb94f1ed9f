import { isObject, type Json } from "../api/json.ts";
import { commandOfFlags, type EngineCommand } from "./command-line.ts";
import { NO_FLAGS } from "./flags.ts";
import { neededNpus } from "./npus.ts";
import type { NeededNpus } from "./world.ts";

/**
 * The engine's command line that Kthena makes of a ModelBooster worker's `config`: keys sorted, `_` becomes `-`, an
 * empty string gives a bare flag (Kthena, pkg/model-booster-controller/utils/template.go
 * ConvertEngineArgsFromJson); with more than one pod the engine runs on Ray (convert/model_serving.go buildCommands).
 */
export function boosterCommand(
  config: Json | undefined,
  pods: number | undefined,
  backendType: string | undefined,
): EngineCommand {
  const engine = engineOfBackend(backendType);
  if (engine === undefined)
    return unreadable(`Kthena starts no engine for the type ${backendType ?? "that is missing"}`);
  if (config !== undefined && config !== null && !isObject(config))
    return unreadable("its config is no object");
  const texts: string[] = [];
  const entries = isObject(config) ? Object.entries(config) : [];
  for (const [key, value] of entries.sort(([left], [right]) => (left < right ? -1 : 1))) {
    const text = value === undefined ? "" : configText(value);
    texts.push(`--${key.replaceAll("_", "-")}`);
    if (text !== "") texts.push(text);
  }
  return commandOfFlags(engine, texts, (pods ?? 1) > 1);
}

function unreadable(reason: string): EngineCommand {
  return { engine: "unknown", form: "unreadable", flags: NO_FLAGS, reason, ray: false };
}

function engineOfBackend(type: string | undefined): "vllm" | "sglang" | undefined {
  if (type === "vLLM" || type === "vLLMDisaggregated") return "vllm";
  return type === "SGLang" || type === "SGLangDisaggregated" ? "sglang" : undefined;
}

/** A value of a ModelBooster's config as Kthena writes it: Go's `%v` (template.go). */
export function configText(value: Json): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return goNumber(value);
  if (typeof value === "boolean") return String(value);
  if (value === null) return "<nil>";
  return Array.isArray(value) ? "[…]" : "map[…]";
}

/** Go's %v of a float64: the shortest digits, with an exponent of two digits from 1e+21 down to where %e is shorter. */
function goNumber(value: number): string {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 21 && Math.abs(value) < 1e6) return String(value);
  const sign = power < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** How many NPUs each pod of a ModelBooster's worker needs, from its `config`, `pods` and the backend's type. */
export function neededNpusOfBoosterWorker(
  config: Json | undefined,
  pods: number | undefined,
  backendType: string | undefined,
): NeededNpus {
  const own = boosterCommand(config, pods, backendType);
  return neededNpus({ part: "entry", own, workerReplicas: Math.max(0, (pods ?? 1) - 1) });
}
