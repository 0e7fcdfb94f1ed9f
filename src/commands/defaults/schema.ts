import { z } from "zod";
import { defaultsSchema } from "../../defaults/document.ts";

/** The file beside a document in which its first line looks for the schema. */
const SCHEMA_FILE = "ascend-defaults.schema.json";

/** The first lines of a document that this software writes: editors with yaml-language-server check it by them. */
export const SCHEMA_LINES = [
  ` yaml-language-server: $schema=${SCHEMA_FILE}`,
  ` kthena-ascend defaults --schema > ${SCHEMA_FILE}`,
];

/** The JSON Schema (draft 7, which editors know best) of an AscendDefaults document, as `schemas/defaults.json` has it. */
export function defaultsJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(defaultsSchema, { target: "draft-7", io: "input" });
  return { $schema, title: "AscendDefaults", ...schema };
}
