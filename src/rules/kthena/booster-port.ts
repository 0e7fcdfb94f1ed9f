import { at, isObject, type Json, type JsonObject, stringOf } from "../../api/json.ts";
import { atoi } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { backendOf, type Worker, workersOf } from "./booster-backend.ts";
import type { Check } from "./rule.ts";

/** The port of an engine whose config names none (Kthena, pkg/model-booster-controller/utils). */
const USUAL_PORT = 8000;
const HIGHEST_PORT = 65_535;
const CHECKED = new Set(["server", "prefill", "decode"]);

/** Checks of the engine's port in the configs of a ModelBooster's workers. */
export const PORT_CHECKS: readonly Check[] = [
  {
    name: "engine-port",
    summary: "config.port of the workers is one port from 1 to 65535, the same for all of them",
    why: "The generated ModelServer has one port for all workers, 8000 where a config names none",
    example: { in: "worker", refused: "config: {port: 80 80}", admitted: "config: {port: 8080}" },
    check: enginePort,
  },
];

/** The first worker at fault only, as Kthena says it. */
function enginePort(object: JsonObject): Remark[] {
  const type = stringOf(backendOf(object).type);
  if (type !== "vLLM" && type !== "vLLMDisaggregated") return [];
  let before: number | undefined;
  for (const worker of workersOf(object).filter((candidate) => CHECKED.has(candidate.type))) {
    const port = portOf(worker);
    const path = `${worker.field}.config.port`;
    if (typeof port !== "number") return [{ path, ...port }];
    if (before !== undefined && port !== before) {
      const message = `worker ${worker.type} listens on port ${port}, the worker before it on ${before}`;
      return [{ path, value: port, message, fix: "write the same port in the config of every worker" }];
    }
    before = port;
  }
  return [];
}

function portOf({ config, type }: Worker): number | Omit<Remark, "path"> {
  if (config === undefined) return USUAL_PORT;
  if (!isObject(config)) {
    return {
      value: config,
      message: `the config of worker ${type} is no object`,
      fix: "write flags and values",
    };
  }
  if (!Object.hasOwn(config, "port")) return USUAL_PORT;
  const value = at(config, "port");
  const port = readPort(value);
  if (port !== undefined) return port;
  const message = `${quoted(value)} of worker ${type} is no port`;
  return { value, message, fix: `write a whole number from 1 to ${HIGHEST_PORT}` };
}

function readPort(value: Json | undefined): number | undefined {
  const port = typeof value === "string" ? atoi(value) : value;
  if (typeof port !== "number" || !Number.isInteger(port)) return undefined;
  return port >= 1 && port <= HIGHEST_PORT ? port : undefined;
}
