import { type JsonObject, listOf, objectOf } from "../api/json.ts";

/** What an engine needs, or why that cannot be told. */
export type Need = { known: true; perPod: number; explanation: string } | { known: false; reason: string };

/** TEMPORARY reader of list arguments. */
export function engineFacts(input: {
  container: JsonObject;
  part: string;
  pods: number;
  entry: JsonObject | undefined;
}): {
  need: Need;
  ray: boolean;
  connectors: string[];
} {
  const args = [...listOf(input.container.command), ...listOf(input.container.args)].filter(
    (a) => typeof a === "string",
  );
  const value = (flag: string): string | undefined => {
    const i = args.indexOf(flag);
    return i >= 0 ? args[i + 1] : undefined;
  };
  const tp = Number(value("--tensor-parallel-size") ?? 1);
  const kv = value("--kv-transfer-config");
  const connectors = kv ? [...kv.matchAll(/"kv_connector"\s*:\s*"([^"]+)"/g)].map((m) => m[1] ?? "") : [];
  return {
    need: { known: true, perPod: tp, explanation: `tensor-parallel-size ${tp}` },
    ray: args.some((a) => a.includes("ray")),
    connectors,
  };
}

/** TEMPORARY. */
export function boosterNeed(worker: JsonObject, _type: string | undefined): Need {
  const tp = Number(objectOf(worker.config)["tensor-parallel-size"] ?? 1);
  return { known: true, perPod: tp, explanation: `tensor-parallel-size ${tp}` };
}
