import { isObject, type Json, type JsonObject } from "../api/json.ts";

const NAME = /TOKEN(?!IZ)|PASSWORD|PASSWD|KEY|SECRET|CREDENTIAL/i;
const FLAG = /^--?[\w-]*(?:token(?!iz)|password|passwd|key|secret|credential)[\w-]*$/i;
const IN_TEXT: readonly RegExp[] = [
  /(\b\w*(?:TOKEN(?!IZ)|PASSWORD|PASSWD|KEY|SECRET|CREDENTIAL)\w*\s*=\s*)("[^"]*"|'[^']*'|[^\s"',;]+)/gi,
  /((?<![\w-])--?[a-z][\w-]*(?:token(?!iz)|password|passwd|key|secret|credential)[\w-]*[= ])("[^"]*"|'[^']*'|[^\s"',;]+)/gi,
  /(["'][\w-]*(?:token(?!iz)|password|passwd|key|secret|credential)[\w-]*["']\s*:\s*)("[^"]*"|'[^']*'|[^\s"',;}]+)/gi,
];
const MASK = "***";

/** Whether an environment variable, flag or key of this name holds a secret, by its name. */
export function isSecretName(name: string): boolean {
  return NAME.test(name);
}

/** Takes secrets out of a text. */
export type Mask = (text: string) => string;

/**
 * A mask for texts about an object: it takes out the values of variables, flags and config keys whose name says that
 * they are secret, wherever such a value turns up, and whatever follows such a name. Plain numbers stay.
 */
export function maskFor(object: JsonObject): Mask {
  const secrets = new Set<string>();
  collect(object, secrets);
  const longestFirst = [...secrets].sort((left, right) => right.length - left.length);
  return (text) => {
    let masked = text;
    for (const secret of longestFirst) masked = masked.replaceAll(secret, MASK);
    for (const pattern of IN_TEXT)
      masked = masked.replace(pattern, (whole, name: string, value: string) =>
        isPlain(value.replace(/["']/g, "")) ? whole : name + MASK,
      );
    return masked;
  };
}

function collect(value: Json | undefined, secrets: Set<string>): void {
  if (Array.isArray(value)) collectFromList(value, secrets);
  else if (isObject(value)) {
    if (typeof value.name === "string" && NAME.test(value.name)) add(value.value, secrets);
    for (const key of Object.keys(value)) {
      if (key === "managedFields") continue;
      const child = value[key];
      if (key === "config" && isObject(child)) collectFromConfig(child, secrets);
      else if (typeof child === "object") collect(child, secrets);
    }
  }
}

function collectFromList(list: readonly Json[], secrets: Set<string>): void {
  for (const [index, item] of list.entries()) {
    if (typeof item === "object") collect(item, secrets);
    else if (typeof item === "string" && /\s/.test(item)) collectFromScript(item, secrets);
    else if (typeof item === "string" && item.startsWith("-")) {
      const equals = item.indexOf("=");
      if (equals > 0 && FLAG.test(item.slice(0, equals))) add(item.slice(equals + 1), secrets);
      else if (FLAG.test(item)) add(list[index + 1], secrets);
    }
  }
}

function collectFromScript(text: string, secrets: Set<string>): void {
  for (const pattern of IN_TEXT) {
    for (const [, , value = ""] of text.matchAll(pattern)) add(value.replace(/["']/g, ""), secrets);
  }
}

/** The engine's arguments of a ModelBooster's worker. */
function collectFromConfig(config: JsonObject, secrets: Set<string>): void {
  for (const [key, value] of Object.entries(config)) {
    if (NAME.test(key)) add(value, secrets);
    else collect(value, secrets);
  }
}

function add(value: Json | undefined, secrets: Set<string>): void {
  // A very short value would be found in every other word; nothing quotes a secret by itself.
  if (typeof value === "string" && value.length >= 6 && !isPlain(value)) secrets.add(value);
}

/** Numbers, switches and references such as $(NAME) tell nothing. */
function isPlain(value: string): boolean {
  return /^(?:\d{0,7}|true|false|\$\(\w+\)|\$\w+|\$\{\w+\})$/i.test(value);
}
