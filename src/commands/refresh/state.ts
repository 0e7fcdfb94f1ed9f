import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { JsonObject } from "../../api/json.ts";
import { WORKLOAD_KINDS } from "../../kinds/index.ts";
import { UsageError } from "../console.ts";
import { reasonOf } from "../manifests/read.ts";
import type { RefreshStep } from "./plan.ts";

const schema = z.object({
  apiVersion: z.literal("kthena-ascend.io/v1alpha1"),
  kind: z.literal("RefreshState"),
  run: z.string(),
  models: z.array(
    z.object({
      kind: z.enum(WORKLOAD_KINDS),
      namespace: z.string(),
      name: z.string(),
      /** Of a ModelServing: the ModelBooster that it was refreshed with. */
      owner: z.string().optional(),
      annotations: z.record(z.string(), z.string()),
      spec: z.record(z.string(), z.json()),
    }),
  ),
});

/** How models were before a refresh, kept in a file of whoever refreshes. */
export type RefreshState = z.infer<typeof schema>;

/** A model of a state. */
export type ModelBefore = RefreshState["models"][number];

/** A model as it was before its refresh. */
export function modelBefore({ kind, namespace, name }: RefreshStep, object: JsonObject): ModelBefore {
  const { annotations } = (object.metadata ?? {}) as { annotations?: Record<string, string> };
  return { kind, namespace, name, annotations: annotations ?? {}, spec: object.spec as ModelBefore["spec"] };
}

/** Writes a new file that nobody else reads: manifests can hold secrets. @throws UsageError where it cannot be written */
export async function writeState(file: string, run: string, models: readonly ModelBefore[]): Promise<void> {
  const state = { apiVersion: "kthena-ascend.io/v1alpha1", kind: "RefreshState", run, models };
  await writeFile(file, `${JSON.stringify(state)}\n`, { mode: 0o600, flag: "wx" }).catch(
    (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EEXIST"
          ? `${file} is of another run; name another file with --state`
          : `${file} ${reasonOf(error)}`;
      throw new UsageError(`refresh: what stood before cannot be kept, so nothing was changed: ${why}`);
    },
  );
}

/** Reads the file. @throws UsageError where it is none */
export async function readState(file: string): Promise<RefreshState> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`refresh: ${file} cannot be read: it ${reasonOf(error)}`);
  });
  const read = schema.safeParse(parsed(text));
  if (!read.success) throw new UsageError(`refresh: ${file} is no RefreshState that refresh wrote`);
  return read.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
