import { isObject, type Json, type JsonObject, listOf } from "../api/json.ts";
import { hasUserinfo, isSecretName } from "../api/secret-names.ts";
import type { DefaultsDocument } from "./document.ts";
import type { Problem } from "./problem.ts";

type Found = Omit<Problem, "source">;

const FROM_SECRET = "valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}";

/**
 * Credentials that a document holds as text: URLs with a user or password, variables with the name of a secret and a
 * value. A document is read by many and copied into annotations; a Secret in the namespace of the model is the place.
 */
export function credentialProblems(document: DefaultsDocument): Found[] {
  const found: Found[] = [];
  inMaps(document, found);
  walk(document as unknown as Json, "", found);
  return found;
}

/** Variables of `hccl.env` and of the connectors. */
function inMaps({ hccl, kvConnectors = {} }: DefaultsDocument, found: Found[]): void {
  const { mooncake, nixl, lmcache } = kvConnectors;
  const maps = { "hccl.env": hccl?.env, "kvConnectors.mooncake.env": mooncake?.env };
  const all = { ...maps, "kvConnectors.nixl.env": nixl?.env, "kvConnectors.lmcache.env": lmcache?.env };
  for (const [path, env] of Object.entries(all)) {
    for (const [name, value] of Object.entries(env ?? {}))
      if (typeof value === "string" && isSecret(name, value)) found.push(named(`${path}.${name}`, name));
  }
}

/** Everything else that is text, the containers of sidecars included. The schema bounds the depth. */
function walk(value: Json | undefined, path: string, found: Found[]): void {
  if (typeof value === "string") {
    if (hasUserinfo(value)) found.push(userinfo(path));
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(item, `${path}[${index}]`, found);
  } else if (isObject(value)) {
    inContainer(value, path, found);
    for (const [key, item] of Object.entries(value)) walk(item, path === "" ? key : `${path}.${key}`, found);
  }
}

/** Variables and flags of a sidecar's container. */
function inContainer(container: JsonObject, path: string, found: Found[]): void {
  if (!path.endsWith(".container")) return;
  for (const [index, item] of listOf(container.env).entries()) {
    if (!isObject(item) || typeof item.name !== "string" || typeof item.value !== "string") continue;
    if (isSecret(item.name, item.value)) found.push(named(`${path}.env[${index}].value`, item.name));
  }
  for (const key of ["command", "args"]) {
    const list = listOf(container[key]);
    for (const [index, item] of list.entries()) {
      const flag = typeof item === "string" ? secretFlag(item, list[index + 1]) : undefined;
      if (flag !== undefined) found.push(inArgument(`${path}.${key}[${index}]`, flag));
    }
  }
}

function secretFlag(item: string, next: Json | undefined): string | undefined {
  if (!item.startsWith("-")) return undefined;
  const equals = item.indexOf("=");
  const flag = equals < 0 ? item : item.slice(0, equals);
  const value = equals < 0 ? next : item.slice(equals + 1);
  if (/\s/.test(flag) || typeof value !== "string" || value.startsWith("-")) return undefined;
  return isSecret(flag, value) ? flag : undefined;
}

/** Numbers, switches and references tell nothing; paths name a file that holds the secret. */
function isSecret(name: string, value: string): boolean {
  return isSecretName(name) && !/^(?:|\d{1,7}|true|false|none|\$[({][\w.]{1,253}[)}]|\/.*)$/i.test(value);
}

function named(path: string, name: string): Found {
  return {
    path,
    message: `gives ${name}, a secret by its name, as text`,
    fix: `write ${FROM_SECRET} in place of it`,
  };
}

function inArgument(path: string, flag: string): Found {
  const fix = `set a variable with ${FROM_SECRET}, and refer to it as $(NAME)`;
  return { path, message: `gives ${flag}, a secret by its name, as text`, fix };
}

function userinfo(path: string): Found {
  const whole = /(^|\.)env\.[^.]+$/.test(path) || path === "kvConnectors.lmcache.remoteUrl";
  const variable = /\.container\.env\[\d+\]\.value$/.test(path);
  const inPlace = whole || variable ? `write ${FROM_SECRET} in place of the text` : undefined;
  const fix = inPlace ?? "take the user and the password out of it";
  return { path, message: "holds a URL with a user or password", fix };
}
