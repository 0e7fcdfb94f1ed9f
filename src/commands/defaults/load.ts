import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { documentText } from "../../admission/defaults-document.ts";
import { isObject, type Json, type JsonObject } from "../../api/json.ts";
import { parseDefaults } from "../../defaults/parse.ts";
import { type Problem, problemSentence } from "../../defaults/problem.ts";
import type { Layer } from "../../defaults/resolve.ts";
import { defaultsProblems } from "../../rules/defaults-problems.ts";
import { UsageError } from "../console.ts";
import { reasonOf } from "../manifests/read.ts";

/**
 * Reads AscendDefaults documents from files: the document itself, or a ConfigMap that holds it.
 * @throws UsageError that lists every problem with file and line
 */
export async function loadDefaults(files: readonly string[]): Promise<Layer[]> {
  const layers: Layer[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch((error: Error) => {
      throw new UsageError(`${file}: ${reasonOf(error)}`);
    });
    const loaded = loadDocument(documentIn(text), file);
    if (loaded.layer) layers.push(loaded.layer);
    problems.push(...loaded.problems);
  }
  if (problems.length > 0) throw new UsageError(problems.map(problemText).join("\n"));
  return layers;
}

/** A document that could be read, and all that is wrong with it. */
export interface LoadedDocument {
  layer: Layer | undefined;
  problems: Problem[];
}

/** Reads one document from its text. `source`: how messages name it. */
export function loadDocument(text: string, source: string): LoadedDocument {
  const parsed = parseDefaults(text, source);
  if (!parsed.ok) return { layer: undefined, problems: parsed.problems };
  const problems = parsed.located(defaultsProblems(parsed.document, source));
  return { layer: { source, document: parsed.document }, problems };
}

/** One line of a problem: file, line, path, what is wrong, what to write. */
export function problemText(problem: Problem): string {
  const { source, line } = problem;
  return `${line === undefined ? source : `${source}:${line}`}: ${problemSentence(problem)}`;
}

/** The document in a ConfigMap, where the text is one; else the text itself. */
function documentIn(text: string): string {
  let value: Json;
  try {
    value = parse(text) as Json;
  } catch {
    return text;
  }
  return (isObject(value) && documentOfConfigMap(value)) || text;
}

/** The key `defaults.yaml` of a ConfigMap, or undefined where the object is none. */
export function documentOfConfigMap(object: JsonObject): string | undefined {
  return object.kind === "ConfigMap" ? documentText(object) : undefined;
}
