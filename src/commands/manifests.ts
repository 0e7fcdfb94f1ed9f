import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isAlias, LineCounter, parseDocument, visit } from "yaml";
import { isObject, type JsonObject, listOf, stringOf } from "../api/json.ts";
import { kubectlTags } from "./kubectl-yaml.ts";

/** One YAML document of a file with the text that it stands in. */
export interface Manifest {
  file: string;
  /** 1-based line of the file at which the document's text begins. */
  line: number;
  /** The separator line before it (`---`), with its line break; empty for a first document without one. */
  separator: string;
  text: string;
  yaml: Document.Parsed;
  lines: LineCounter;
}

/** A file or document that could not be read. */
export interface Unreadable {
  file: string;
  line?: number;
  problem: string;
}

/** An object of a manifest: the document itself, or an item of a List. */
export interface ManifestObject {
  manifest: Manifest;
  /** Where it stands in the document: empty, or `["items", 3]`. */
  at: (string | number)[];
  object: JsonObject;
}

/** Finds the YAML and JSON files that paths name; folders are searched through. `-` is standard input. */
export async function findFiles(
  paths: readonly string[],
): Promise<{ files: string[]; unreadable: Unreadable[] }> {
  const files: string[] = [];
  const unreadable: Unreadable[] = [];
  for (const path of paths) {
    if (path === "-") files.push(path);
    else {
      const found = await filesAt(path).catch((error: Error) => {
        unreadable.push({ file: path, problem: reasonOf(error) });
        return [];
      });
      files.push(...found);
    }
  }
  return { files, unreadable };
}

async function filesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name));
  const found = names.map((entry) => join(entry.parentPath, entry.name)).sort();
  if (found.length === 0) throw new Error("holds no .yaml, .yml or .json file");
  return found;
}

/** Reads all documents of a file. */
export async function readManifests(
  file: string,
  readInput: () => Promise<string>,
): Promise<{ manifests: Manifest[]; unreadable: Unreadable[] }> {
  try {
    const text = file === "-" ? await readInput() : await readFile(file, "utf8");
    return parseManifests(text, file === "-" ? "standard input" : file);
  } catch (error) {
    return { manifests: [], unreadable: [{ file, problem: reasonOf(error as Error) }] };
  }
}

/** Splits a text into its documents and parses each; a broken one is told with its line. */
export function parseManifests(
  text: string,
  file: string,
): { manifests: Manifest[]; unreadable: Unreadable[] } {
  const manifests: Manifest[] = [];
  const unreadable: Unreadable[] = [];
  for (const part of documentsOf(text)) {
    const lines = new LineCounter();
    const yaml = parseDocument(part.text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      customTags: kubectlTags,
    });
    const broken = yaml.errors[0];
    if (broken) {
      const line = part.line + lines.linePos(broken.pos[0]).line - 1;
      unreadable.push({ file, line, problem: `is no YAML: ${broken.message}` });
    }
    manifests.push({ file, ...part, yaml, lines });
  }
  return { manifests, unreadable };
}

/** The objects of a document; the items of a List one by one. Documents that hold none give none. */
export function objectsOf(manifest: Manifest): ManifestObject[] {
  if (manifest.yaml.errors.length > 0) return [];
  const value: unknown = manifest.yaml.toJS({ maxAliasCount: 1000 });
  if (!isObject(value)) return [];
  if (value.kind !== "List") return [{ manifest, at: [], object: value }];
  return listOf(value.items).flatMap((item, index) =>
    isObject(item) ? [{ manifest, at: ["items", index], object: item }] : [],
  );
}

/** Whether a document uses anchors: editing one place would change others. */
export function hasAliases(yaml: Document): boolean {
  let found = false;
  visit(yaml, (_key, node) => {
    if (!isAlias(node)) return undefined;
    found = true;
    return visit.BREAK;
  });
  return found;
}

/** `namespace/name` of an object, or its name. */
export function nameOf(object: JsonObject): string {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const name = stringOf(metadata.name) ?? `${stringOf(metadata.generateName) ?? ""}…`;
  const namespace = stringOf(metadata.namespace);
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function documentsOf(text: string): { separator: string; text: string; line: number }[] {
  const parts: { separator: string; text: string; line: number }[] = [];
  let separator = "";
  let body: string[] = [];
  let start = 1;
  const end = (): void => {
    if (separator !== "" || body.join("").trim() !== "")
      parts.push({ separator, text: body.join(""), line: start });
  };
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    if (!/^---(\s|$)/.test(line)) {
      body.push(line);
      continue;
    }
    end();
    separator = line;
    body = [];
    start = index + 2;
  }
  end();
  return parts;
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "does not exist";
  if (error.code === "EACCES") return "may not be read";
  return error.message;
}
