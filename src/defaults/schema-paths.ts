import { z } from "zod";
import { defaultsSchema } from "./document.ts";

/** The keys that the schema of a document knows at a path, for "did you mean". */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = defaultsSchema;
  for (const key of path) {
    schema = unwrapped(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(key)];
    else return [];
  }
  const last = unwrapped(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
}

/** Every setting of a document by its path, sections included: `hccl`, `hccl.env`. Lists and maps count whole. */
export function settingPaths(parent: readonly string[] = []): string[] {
  return keysAt(parent).flatMap((key) => {
    const path = [...parent, key];
    return [path.join("."), ...settingPaths(path)];
  });
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}
