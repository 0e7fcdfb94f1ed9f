import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { DEFAULTS_LIMITS } from "../api/limits.ts";
import type { Problem } from "./problem.ts";

/** What stands in a YAML text, and on which line the value at a field path begins. */
export interface YamlText {
  value: unknown;
  /** 1-based line of a path such as `hccl.env.A`, or of its closest parent that is there. */
  lineOf: (path: string) => number | undefined;
}

type Fault = Pick<Problem, "message" | "fix"> & { offset?: number | undefined };

/**
 * Reads one YAML (1.2) or JSON document. It never throws: the text can be anybody's. Its length is looked at before
 * anything is parsed, and its depth, keys and aliases before anything is made of it.
 */
export function readYaml(text: string): YamlText | Omit<Problem, "source"> {
  const bytes = Buffer.byteLength(text);
  if (bytes > DEFAULTS_LIMITS.textBytes) {
    const message = `has ${bytes} bytes; ${DEFAULTS_LIMITS.textBytes} at most are read`;
    return { path: "", message, fix: "shorten it: settings that are as they come can be left out" };
  }
  try {
    return parsed(text);
  } catch (error) {
    // The library throws where nesting or aliases are more than it takes.
    const why = error instanceof Error ? error.message : String(error);
    return { path: "", message: `cannot be read: ${why}`, fix: "write it without anchors and deep nesting" };
  }
}

function parsed(text: string): YamlText | Omit<Problem, "source"> {
  const lines = new LineCounter();
  // Keys are compared here: the library's own comparison takes time with the square of their number.
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const [broken] = yaml.errors;
  if (broken) {
    const message = `is no YAML: ${broken.message.slice(0, DEFAULTS_LIMITS.key)}`;
    return { path: "", message, fix: "correct the syntax", line: lineAt(broken.pos[0]) };
  }
  const fault = faultIn(yaml.contents, 1, { anchors: new Set(), count: 0 });
  if (fault) {
    const { offset, ...problem } = fault;
    return { path: "", ...problem, ...(offset === undefined ? {} : { line: lineAt(offset) }) };
  }
  return {
    value: yaml.toJS({ maxAliasCount: DEFAULTS_LIMITS.aliases }),
    lineOf: (path) => {
      const offset = offsetOf(yaml.contents, path);
      return offset === undefined ? undefined : lineAt(offset);
    },
  };
}

interface Anchors {
  anchors: Set<string>;
  /** Anchors and aliases so far. */
  count: number;
}

/** The first thing about a tree that is not read. Recursion ends at the limit of depth. */
function faultIn(node: unknown, depth: number, seen: Anchors): Fault | undefined {
  const offset = (node as Node | null)?.range?.[0];
  if (depth > DEFAULTS_LIMITS.depth)
    return {
      message: `has more than ${DEFAULTS_LIMITS.depth} levels`,
      fix: "nothing in it is that deep",
      offset,
    };
  const fault = anchorFault(node, seen);
  if (fault) return { ...fault, offset };
  if (isSeq(node)) return first(node.items, (item) => faultIn(item, depth + 1, seen));
  if (!isMap(node)) return undefined;
  const keys = new Set<string>();
  return first(
    node.items,
    ({ key, value }) => keyFault(key, keys) ?? anchorFault(key, seen) ?? faultIn(value, depth + 1, seen),
  );
}

function first<T>(items: readonly T[], fault: (item: T) => Fault | undefined): Fault | undefined {
  for (const item of items) {
    const found = fault(item);
    if (found) return found;
  }
  return undefined;
}

function anchorFault(node: unknown, seen: Anchors): Fault | undefined {
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor === undefined && !isAlias(node)) return undefined;
  if (++seen.count > DEFAULTS_LIMITS.aliases)
    return {
      message: `has more than ${DEFAULTS_LIMITS.aliases} anchors and aliases`,
      fix: "write the values out",
    };
  if (anchor !== undefined) seen.anchors.add(anchor);
  if (isAlias(node) && !seen.anchors.has(node.source)) {
    const name = node.source.slice(0, DEFAULTS_LIMITS.word);
    return { message: `refers to *${name}, and there is no anchor &${name}`, fix: "write the value out" };
  }
  return undefined;
}

function keyFault(key: unknown, keys: Set<string>): Fault | undefined {
  const offset = (key as Node | null)?.range?.[0];
  const name = isScalar(key) ? String(key.value) : undefined;
  if (name === undefined)
    return { message: "has a key that is no text", fix: "write plain keys only", offset };
  const shown = name.slice(0, 40);
  if (name.length > DEFAULTS_LIMITS.key)
    return { message: `has a key of ${name.length} characters`, fix: `shorten "${shown}…"`, offset };
  if (name === "__proto__") return { message: `has the key ${name}`, fix: "remove it", offset };
  if (keys.has(name)) return { message: `has the key "${shown}" twice in one map`, fix: "keep one", offset };
  keys.add(name);
  return undefined;
}

/** Where the key at a path begins, or its closest parent that is there. Keys can hold dots themselves. */
function offsetOf(root: Node | null, path: string): number | undefined {
  let node: unknown = root;
  let rest = path;
  let offset = root?.range?.[0];
  while (rest !== "") {
    if (isSeq(node)) {
      const index = /^\[(\d{1,6})\]\.?/.exec(rest);
      if (!index) return offset;
      node = node.items[Number(index[1])];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
      rest = rest.slice(index[0].length);
    } else if (isMap(node)) {
      const pair = node.items.find((item) => leads(rest, keyText(item.key)));
      if (!pair) return offset;
      offset = (pair.key as Node | null)?.range?.[0] ?? offset;
      node = pair.value;
      rest = rest.slice(keyText(pair.key).length).replace(/^\./, "");
    } else return offset;
  }
  return offset;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : "";
}

function leads(path: string, key: string): boolean {
  if (key === "" || !path.startsWith(key)) return false;
  return path.length === key.length || path[key.length] === "." || path[key.length] === "[";
}
