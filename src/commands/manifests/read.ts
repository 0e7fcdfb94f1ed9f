import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { isObject, type JsonObject, listOf, stringOf } from "../../api/json.ts";
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
  /** The objects in it; empty where it holds none, or could not be read. */
  objects: ManifestObject[];
}

/** A file or document that could not be read. */
export interface UnreadableDocument {
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

/**
 * Finds the YAML and JSON files that paths name. `-` is standard input. Of a folder those in it are taken, as kubectl
 * does, and with `recursive` those below it too.
 */
export async function findFiles(
  paths: readonly string[],
  recursive = true,
): Promise<{ files: string[]; unreadable: UnreadableDocument[] }> {
  const files: string[] = [];
  const unreadable: UnreadableDocument[] = [];
  for (const path of paths) {
    if (path === "-") files.push(path);
    else {
      const found = await filesAt(path, recursive).catch((error: Error) => {
        unreadable.push({ file: path, problem: reasonOf(error) });
        return [];
      });
      files.push(...found);
    }
  }
  return { files: [...new Set(files)], unreadable };
}

async function filesAt(path: string, recursive: boolean): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive, withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name));
  const found = names.map((entry) => join(entry.parentPath, entry.name)).sort();
  if (found.length > 0) return found;
  const below = recursive ? "" : "; -R looks into the folders below it too";
  throw new Error(`holds no .yaml, .yml or .json file${below}`);
}

/** Reads all documents of a file. */
export async function readManifests(
  file: string,
  readInput: () => Promise<Uint8Array | string>,
): Promise<{ manifests: Manifest[]; unreadable: UnreadableDocument[] }> {
  const name = file === "-" ? "standard input" : file;
  try {
    return parseManifests(decoded(file === "-" ? await readInput() : await readFile(file)), name);
  } catch (error) {
    return { manifests: [], unreadable: [{ file: name, problem: reasonOf(error as Error) }] };
  }
}

/** The text of a file, a byte order mark included. Throws an Error that says what it is instead. */
function decoded(bytes: Uint8Array | string): string {
  if (typeof bytes === "string") return bytes;
  const [first, second] = bytes;
  const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (wide || bytes.subarray(0, 4096).includes(0))
    throw new Error(wide ? "is UTF-16; save it as UTF-8" : "is no text");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error("is not UTF-8; save it as UTF-8");
  }
}

/** Splits a text into its documents and parses each; a broken one is told with its line. */
export function parseManifests(
  text: string,
  file: string,
): { manifests: Manifest[]; unreadable: UnreadableDocument[] } {
  const manifests: Manifest[] = [];
  const unreadable: UnreadableDocument[] = [];
  for (const part of documentsOf(text)) {
    const lines = new LineCounter();
    const yaml = parseDocument(part.text, {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      customTags: kubectlTags,
      logLevel: "silent",
    });
    const manifest: Manifest = { file, ...part, yaml, lines, objects: [] };
    manifests.push(manifest);
    const [broken] = yaml.errors;
    if (broken) {
      const line = part.line + lines.linePos(broken.pos[0]).line - 1;
      unreadable.push({ file, line, problem: `is no YAML: ${broken.message.split("\n", 1)[0]}` });
    } else unreadable.push(...read(manifest));
  }
  const empty = unreadable.length === 0 && manifests.every(({ yaml }) => isNothing(yaml));
  if (empty) unreadable.push({ file, problem: "holds no object" });
  return { manifests, unreadable };
}

function isNothing({ contents }: Document): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

/** Fills in the objects of a document; what is wrong with it. */
function read(manifest: Manifest): UnreadableDocument[] {
  const { file, line, yaml } = manifest;
  if (isNothing(yaml)) return [];
  let value: unknown;
  try {
    // kubectl's reader refuses a document that aliases blow up; a hundred uses of an anchor are fine.
    value = yaml.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    return [{ file, line, problem: `is no YAML: ${(error as Error).message}` }];
  }
  if (!isObject(value)) return [{ file, line, problem: "holds no object: it is a list or plain text" }];
  const list = value.kind === "List" && Array.isArray(value.items);
  const found = list
    ? listOf(value.items).map((object, index) => ({ at: ["items", index], object }))
    : [{ at: [], object: value }];
  return found.flatMap(({ at, object }) => {
    const where = manifest.line + lineOf(manifest, at) - 1;
    if (!isObject(object)) return [{ file, line: where, problem: "an item of the List is no object" }];
    manifest.objects.push({ manifest, at, object });
    return [];
  });
}

/** 1-based line of the file at which an object begins. */
export function lineOfObject({ manifest, at }: ManifestObject): number {
  return manifest.line + lineOf(manifest, at) - 1;
}

function lineOf({ yaml, lines }: Manifest, at: ManifestObject["at"]): number {
  const node = (at.length === 0 ? yaml.contents : yaml.getIn(at, true)) as Node | null | undefined;
  return lines.linePos(node?.range?.[0] ?? 0).line;
}

/** The objects of a document; the items of a List one by one. Documents that hold none give none. */
export function objectsOf({ objects }: Manifest): ManifestObject[] {
  return objects;
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
    if (separator !== "" || body.length > 0) parts.push({ separator, text: body.join(""), line: start });
  };
  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    if (!/^\ufeff?---(\s|$)/.test(line)) {
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

/** What keeps a file from being read, in words that go behind its name. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "does not exist";
  if (error.code === "EACCES") return "may not be read";
  if (error.code === "EISDIR") return "is a folder";
  return error.message;
}
