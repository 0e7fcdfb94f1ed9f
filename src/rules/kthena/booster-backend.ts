import { at, type Json, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { oncePer } from "../../api/once-per.ts";
import { hasSpace } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { type Check, numberOf } from "./rule.ts";

const MOST_REPLICAS = 1_000_000;

/** A worker as Kthena's validator sees it: with the type that the CRD gives it. */
export interface Worker {
  /** Field path: `spec.backend.workers[0]`. */
  field: string;
  value: JsonObject;
  type: string;
  config: Json | undefined;
}

/** The backend of a ModelBooster, empty where there is none. */
export function backendOf(object: JsonObject): JsonObject {
  return objectOf(at(object, "spec", "backend"));
}

/** The workers of a ModelBooster. */
export const workersOf: (object: JsonObject) => readonly Worker[] = oncePer((object) =>
  listOf(backendOf(object).workers).map((item, index) => {
    const value = objectOf(item);
    return {
      field: `spec.backend.workers[${index}]`,
      value,
      type: stringOf(value.type) ?? "server",
      config: value.config ?? undefined,
    };
  }),
);

/** Types of backend that have one worker, which does everything. */
const LONE: ReadonlySet<string> = new Set(["vLLM", "SGLang", "MindIE"]);
/** Types of worker that the other types of backend are made of. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  vLLMDisaggregated: ["prefill", "decode"],
  MindIEDisaggregated: ["prefill", "decode", "controller", "coordinator"],
};

/** Checks of a ModelBooster's backend and workers. */
export const BACKEND_CHECKS: readonly Check[] = [
  {
    name: "backend-replicas",
    summary: "A backend has at most 1000000 replicas",
    why: "The CRD and Kthena's webhook have the same bound",
    example: {
      in: "backend",
      refused: "{replicas: 1000001, workers: [{type: server}]}",
      admitted: "{replicas: 1, workers: [{type: server}]}",
    },
    check: (object) => {
      const replicas = numberOf(backendOf(object).replicas) ?? 0;
      if (replicas <= MOST_REPLICAS) return [];
      const message = `the backend has ${replicas} replicas`;
      return [
        { path: "spec.backend.replicas", value: replicas, message, fix: `write ${MOST_REPLICAS} or less` },
      ];
    },
  },
  {
    name: "booster-image",
    summary: "The image of a worker has no white space in it",
    why: "Kthena refuses any Unicode white space here, which is stricter than for the roles of a ModelServing",
    example: {
      in: "worker",
      refused: 'image: "vllm-ascend :v0.18.0"',
      admitted: "image: vllm-ascend:v0.18.0",
    },
    check: (object) =>
      workersOf(object).flatMap(({ field, type, value }): Remark[] => {
        const image = stringOf(value.image) ?? "";
        if (!hasSpace(image)) return [];
        const message = `the image ${quoted(image)} of worker ${type} has white space in it`;
        return [{ path: `${field}.image`, value: image, message, fix: "write the image without it" }];
      }),
  },
  {
    name: "backend-workers",
    summary: "A backend of type vLLM has exactly one worker",
    why: "Such a backend is one server; vLLMDisaggregated has several",
    example: {
      in: "backend",
      refused: "{type: vLLM, workers: [{type: server}, {type: server}]}",
      admitted: "{type: vLLM, workers: [{type: server}]}",
    },
    check: (object) => {
      const type = stringOf(backendOf(object).type) ?? "";
      const count = workersOf(object).length;
      if (!LONE.has(type) || count === 1) return [];
      const message = `a backend of type ${type} has one worker, this one has ${count}`;
      const fix = "write one worker of type server, or type: vLLMDisaggregated";
      return [{ path: "spec.backend.workers", value: count, message, fix }];
    },
  },
  {
    name: "worker-type",
    summary: "The types of the workers are those that the backend's type is made of",
    why: "vLLM is made of one server, vLLMDisaggregated of prefill and decode",
    example: {
      in: "backend",
      refused: "{type: vLLMDisaggregated, workers: [{type: prefill}, {type: server}]}",
      admitted: "{type: vLLMDisaggregated, workers: [{type: prefill}, {type: decode}]}",
    },
    check: (object) => {
      const type = stringOf(backendOf(object).type) ?? "";
      const workers = workersOf(object);
      const parts = LONE.has(type) && workers.length === 1 ? ["server"] : ownPartsOf(type);
      if (!parts) return [];
      return workers
        .filter((worker) => !parts.includes(worker.type))
        .map((worker) => ({
          path: `${worker.field}.type`,
          value: worker.type,
          message: `a backend of type ${type} has no worker of type ${worker.type}`,
          fix: `write ${parts.join(", ").replace(/, ([^,]*)$/, " or $1")}`,
        }));
    },
  },
];

function ownPartsOf(type: string): readonly string[] | undefined {
  return Object.hasOwn(PARTS, type) ? PARTS[type] : undefined;
}
