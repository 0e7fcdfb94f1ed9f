import { isObject, type Json, type JsonObject } from "../api/json.ts";
import { isSecretName } from "../api/secret-names.ts";

const MASK = "***";
/** A shorter value would be found in every other word; nothing quotes a secret by itself. */
const SHORTEST = 6;
/** Of a longer secret so much is looked for; what follows it up to the next blank or quote goes with it. */
const LONGEST = 64;

/** Takes secrets out of a text. */
export type Mask = (text: string) => string;

/**
 * A mask for texts about an object: it takes out the values of variables, flags and config keys whose name says that
 * they are secret, wherever such a value turns up, whatever follows such a name, and what stands before the `@` of a
 * URL. Plain numbers stay. Making it and using it cost linearly in the object and the text, whatever they hold.
 */
export function maskFor(object: JsonObject): Mask {
  const secrets = new Set<string>();
  collect(object, secrets);
  const known = knownSecrets(secrets);
  return (text) => withoutNamed(known.size === 0 ? text : withoutKnown(text, known));
}

/** Secrets by their length, longest first, and their beginnings: most places of a text have none of these. */
interface KnownSecrets {
  size: number;
  beginnings: ReadonlySet<string>;
  byLength: readonly (readonly [length: number, texts: ReadonlySet<string>])[];
}

function knownSecrets(secrets: ReadonlySet<string>): KnownSecrets {
  const beginnings = new Set<string>();
  const byLength = new Map<number, Set<string>>();
  for (const secret of [...secrets].flatMap(partsOf)) {
    const text = secret.slice(0, LONGEST);
    beginnings.add(text.slice(0, SHORTEST));
    const same = byLength.get(text.length);
    if (same) same.add(text);
    else byLength.set(text.length, new Set([text]));
  }
  const ordered = [...byLength].sort(([left], [right]) => right - left);
  return { size: secrets.size, beginnings, byLength: ordered };
}

/** A secret, and what of it stands in a text as it is where JSON or YAML escapes the rest. */
function partsOf(secret: string): string[] {
  const parts = secret.split(ESCAPED);
  return parts.length === 1 ? [secret] : [secret, ...parts.filter((part) => part.length >= SHORTEST)];
}

/** What JSON or YAML may escape between quotes. */
const ESCAPED = /["'\\\p{C}\u2028\u2029]+/u;

function withoutKnown(text: string, { beginnings, byLength }: KnownSecrets): string {
  let masked = "";
  let from = 0;
  let at = 0;
  while (at + SHORTEST <= text.length) {
    const length = beginnings.has(text.slice(at, at + SHORTEST))
      ? byLength.find(([size, texts]) => texts.has(text.slice(at, at + size)))?.[0]
      : undefined;
    if (length === undefined) {
      at++;
      continue;
    }
    masked += text.slice(from, at) + MASK;
    at += length;
    if (length === LONGEST) at = endOf(text, at, ENDS_VALUE);
    from = at;
  }
  return from === 0 ? text : masked + text.slice(from);
}

const ENDS_VALUE = " \t\n\r\f\v\"',;";
const ENDS_JSON_VALUE = `${ENDS_VALUE}}`;
const ENDS_AUTHORITY = `${ENDS_VALUE}/?#<>\\`;

/** Where the first of these characters stands, from a place on; else the end of the text. */
function endOf(text: string, from: number, characters: string): number {
  let end = from;
  while (end < text.length && !characters.includes(text[end] ?? "")) end++;
  return end;
}

/** A part of a text that is secret. */
interface Span {
  start: number;
  end: number;
}

/** The text without what follows a secret name, and without what stands before the `@` of a URL. */
function withoutNamed(text: string): string {
  let masked = "";
  let from = 0;
  for (const { start, end } of secretSpans(text)) {
    if (start < from) continue;
    masked += text.slice(from, start) + MASK;
    from = end;
  }
  return from === 0 ? text : masked + text.slice(from);
}

const WORD = /[\w-]+|:\/\//g;

/** Everything secret in a text by what stands before it, in the order of the text. Each place is looked at once. */
function* secretSpans(text: string): Generator<Span> {
  let done = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (index < done) continue;
    const span = word === "://" ? userInfo(text, index + word.length) : valueBehind(text, word, index);
    if (!span) continue;
    done = span.end;
    if (word === "://" || !isPlain(unquoted(text.slice(span.start, span.end)))) yield span;
  }
}

/** `user:password` of `redis://user:password@host`; where a text was cut short in it too. */
function userInfo(text: string, start: number): Span | undefined {
  const end = endOf(text, start, ENDS_AUTHORITY);
  const authority = text.slice(start, end);
  const at = authority.lastIndexOf("@");
  if (at > 0) return { start, end: start + at };
  return authority.endsWith("…") && authority.includes(":") ? { start, end: end - 1 } : undefined;
}

/** The value of `NAME = value`, `--flag=value`, `--flag value` or `"key": value`, where the name says it is secret. */
function valueBehind(text: string, word: string, start: number): Span | undefined {
  if (!isSecretName(word)) return undefined;
  const end = start + word.length;
  const before = text[start - 1];
  const after = text[end];
  if ((before === '"' || before === "'") && (after === '"' || after === "'")) {
    const colon = afterBlanks(text, end + 1);
    return text[colon] === ":" ? valueAt(text, afterBlanks(text, colon + 1), ENDS_JSON_VALUE) : undefined;
  }
  if (/^--?[a-z]/i.test(word) && (after === "=" || after === " ")) {
    const value = valueAt(text, end + 1, ENDS_VALUE);
    if (value) return value;
  }
  const equals = afterBlanks(text, end);
  if (text[equals] !== "=" || !isSecretName(word.slice(word.lastIndexOf("-") + 1))) return undefined;
  return valueAt(text, afterBlanks(text, equals + 1), ENDS_VALUE);
}

function afterBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r\f\v".includes(text[at] ?? "")) at++;
  return at;
}

/** The value that begins at a place: in quotes, or up to what ends it. */
function valueAt(text: string, start: number, ends: string): Span | undefined {
  const quote = text[start];
  if (quote === '"' || quote === "'") {
    const close = text.indexOf(quote, start + 1);
    return close < 0 ? undefined : { start, end: close + 1 };
  }
  const end = endOf(text, start, ends);
  return end > start ? { start, end } : undefined;
}

function unquoted(value: string): string {
  return value.replace(/["']/g, "");
}

function collect(value: Json | undefined, secrets: Set<string>): void {
  if (Array.isArray(value)) collectFromList(value, secrets);
  else if (isObject(value)) {
    if (typeof value.name === "string" && isSecretName(value.name)) add(value.value, secrets);
    for (const key of Object.keys(value)) {
      if (key === "managedFields") continue;
      const child = value[key];
      if (key === "config" && isObject(child)) collectFromConfig(child, secrets);
      else if (typeof child === "object") collect(child, secrets);
      else if (typeof child === "string" && child.includes("://")) collectFromText(child, secrets);
    }
  }
}

function collectFromList(list: readonly Json[], secrets: Set<string>): void {
  for (const [index, item] of list.entries()) {
    if (typeof item === "object") collect(item, secrets);
    else if (typeof item === "string" && (/\s/.test(item) || item.includes("://")))
      collectFromText(item, secrets);
    else if (typeof item === "string" && item.startsWith("-")) {
      const equals = item.indexOf("=");
      if (equals > 0 && isSecretFlag(item.slice(0, equals))) add(item.slice(equals + 1), secrets);
      else if (isSecretFlag(item)) add(list[index + 1], secrets);
    }
  }
}

function isSecretFlag(text: string): boolean {
  return /^--?[\w-]+$/.test(text) && isSecretName(text);
}

function collectFromText(text: string, secrets: Set<string>): void {
  for (const { start, end } of secretSpans(text)) add(unquoted(text.slice(start, end)), secrets);
}

/** The engine's arguments of a ModelBooster's worker. */
function collectFromConfig(config: JsonObject, secrets: Set<string>): void {
  for (const [key, value] of Object.entries(config)) {
    if (isSecretName(key)) add(value, secrets);
    else collect(value, secrets);
  }
}

function add(value: Json | undefined, secrets: Set<string>): void {
  if (typeof value === "string" && value.length >= SHORTEST && !isPlain(value)) secrets.add(value);
}

/** Numbers, switches and references such as $(NAME) tell nothing. */
function isPlain(value: string): boolean {
  return /^(?:\d{0,7}|true|false|\$\(\w+\)|\$\w+|\$\{\w+\})$/i.test(value);
}
