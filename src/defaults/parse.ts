import { type Document, isMap, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { contradictions } from "./contradictions.ts";
import { type DefaultsDocument, defaultsSchema } from "./document.ts";
import { type Problem, problemsOf } from "./problem.ts";

/** A document that can be used, or all that is wrong with it. */
export type ParsedDefaults = { ok: true; document: DefaultsDocument } | { ok: false; problems: Problem[] };

/**
 * Reads an AscendDefaults document from YAML or JSON text.
 * @param text the document, for instance the key `defaults.yaml` of a ConfigMap
 * @param source where it came from, for messages
 */
export function parseDefaults(text: string, source: string): ParsedDefaults {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = yaml.errors[0];
  if (broken) {
    const line = lines.linePos(broken.pos[0]).line;
    return refused([
      { source, path: "", message: `is no YAML: ${broken.message}`, fix: "correct the syntax", line },
    ]);
  }
  const parsed = checkDefaults(yaml.toJS({ maxAliasCount: 100 }), source);
  if (parsed.ok) return parsed;
  return refused(parsed.problems.map((problem) => withLine(problem, yaml, lines)));
}

/** Problems that were found in a document later, with their lines in its text. */
export function withLines(problems: readonly Problem[], text: string): Problem[] {
  if (problems.length === 0) return [];
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return problems.map((problem) => withLine(problem, yaml, lines));
}

/** Checks an AscendDefaults document that is already an object. */
export function checkDefaults(value: unknown, source: string): ParsedDefaults {
  if (value === null || value === undefined) {
    return refused([{ source, path: "", message: "is empty", fix: "write at least apiVersion and kind" }]);
  }
  const result = defaultsSchema.safeParse(value);
  if (!result.success) return refused(problemsOf(result.error, source, keysAt));
  const problems = contradictions(result.data, source);
  return problems.length > 0 ? refused(problems) : { ok: true, document: result.data };
}

function refused(problems: Problem[]): ParsedDefaults {
  return { ok: false, problems };
}

/** The keys that the schema knows at a path, for "did you mean". */
function keysAt(path: PropertyKey[]): string[] {
  let schema: unknown = defaultsSchema;
  for (const key of path) {
    schema = unwrapped(schema);
    if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodObject) schema = schema.shape[String(key)];
  }
  const last = unwrapped(schema);
  return last instanceof z.ZodObject ? Object.keys(last.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function withLine(problem: Problem, yaml: Document.Parsed, lines: LineCounter): Problem {
  const offset = offsetOf(yaml, problem.path.match(/[^.[\]]+/g) ?? []);
  return offset === undefined ? problem : { ...problem, line: lines.linePos(offset).line };
}

/** Where the key at a path begins, or its closest parent that is there. */
function offsetOf(yaml: Document.Parsed, path: string[]): number | undefined {
  let node: Node | null | undefined = yaml.contents;
  let offset = node?.range?.[0];
  for (const key of path) {
    if (isSeq(node)) {
      node = node.items[Number(key)] as Node | undefined;
      offset = node?.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === key);
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      node = pair?.value as Node | null | undefined;
    }
  }
  return offset;
}
