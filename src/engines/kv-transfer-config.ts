import { isDeeper, isObject, type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { OBJECT_LIMITS } from "../api/limits.ts";
import { type Flag, type FlagReader, flagOf } from "./flags.ts";
import type { Word } from "./word.ts";

/** Sizes of one side as a connector's configuration names them (vllm-ascend, mooncake_connector.py). */
export interface KvSideSizes {
  dp: number | undefined;
  tp: number | undefined;
  pp: number | undefined;
}

/** One connector of a `--kv-transfer-config` (vllm/config/kv_transfer.py). What has another type than it should counts as left out. */
export interface KvConnector {
  /** `kv_connector`: the class. */
  name: string | undefined;
  /** `kv_role`: kv_producer, kv_consumer or kv_both. */
  role: string | undefined;
  /** `kv_port`, a number or digits in a string. */
  port: number | undefined;
  engineId: string | undefined;
  modulePath: string | undefined;
  /** `kv_connector_extra_config`. */
  extra: JsonObject;
  prefill: KvSideSizes | undefined;
  decode: KvSideSizes | undefined;
  /** Connectors inside a MultiConnector. */
  inner: readonly KvConnector[];
  /** The JSON as it was read. */
  json: JsonObject;
}

/** What an engine's command line says about KV transfer. */
export type KvReading =
  | { state: "absent" }
  /** `at`: the argument that holds the JSON; undefined where it comes out of a script. */
  | { state: "given"; config: KvConnector; at: Word["at"] }
  /** The text is there, and no JSON object for certain. */
  | { state: "broken"; text: string; at: Word["at"] }
  /**
   * `text`: what is written there, with the references that nobody knows here; `config`: what is plain text in it,
   * the rest left out.
   */
  | { state: "unknown"; reason: string; text?: string; at?: Word["at"]; config?: KvConnector };

const FLAG = "kv-transfer-config";
const TOO_DEEP = "its JSON nests too deep";

/** Reads `--kv-transfer-config JSON`, or `--kv-transfer-config.kv_role VALUE` and so on, which vLLM puts together. */
export function readKvTransferConfig(flags: FlagReader): KvReading {
  const found = flagOf(flags, FLAG);
  const dotted = flags.dotted.filter(({ name }) => name.startsWith(`${FLAG}.`));
  if (dotted.length > 0) return ofDotted(dotted, found.state);
  if (found.state === "absent") return found;
  if (found.state === "unknown") return found;
  const { value, flag } = found;
  if (value === undefined) return { state: "broken", text: "", at: flag.at };
  if (!value.known) {
    // An engine_id such as $(POD_NAME) leaves all else readable.
    const read = value.loose ? undefined : ofText(value.text, value.at ?? flag.at);
    if (read?.state === "given" && onlyIdsRefer(read.config.json)) return read;
    const reason = "its value holds what only the running pod knows";
    const config = plainParts(value.text);
    return {
      state: "unknown",
      reason,
      text: value.text,
      at: value.at ?? flag.at,
      ...(config ? { config } : {}),
    };
  }
  return ofText(value.text, value.at ?? flag.at);
}

/** A reference of a shell or of Kubernetes where no string stands around it, or a string, which may lack its end. */
const REFERENCE = /"(?:[^"\\]|\\[\s\S])*"?|\$(?:\{[^{}"]*\}|\([^()"]*\)|\w+)/g;

/** What a configuration says in plain text: values that hold references are left out. */
function plainParts(text: string): KvConnector | undefined {
  const quoted = text.replaceAll(REFERENCE, (found) => (found.startsWith('"') ? found : `"${UNKNOWN}"`));
  let value: Json;
  try {
    value = JSON.parse(quoted, (_key, item: unknown) =>
      typeof item === "string" && (item === UNKNOWN || item.includes("$")) ? undefined : item,
    ) as Json;
  } catch {
    return undefined;
  }
  return isObject(value) ? connectorOf(value, 0) : undefined;
}

const UNKNOWN = "$";

/** Whether every `$` of a configuration stands in an engine_id. */
function onlyIdsRefer(json: JsonObject): boolean {
  const rest = JSON.stringify(json, (key, item: unknown) => (key === "engine_id" ? undefined : item));
  return !rest.includes("$") && JSON.stringify(json).includes("$");
}

/** Reads the text of a configuration; `at` is handed through. */
export function ofText(text: string, at: Word["at"]): KvReading {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    // Python's json takes these, JavaScript's does not.
    if (/NaN|Infinity/.test(text)) return { state: "unknown", reason: "its JSON holds NaN or Infinity" };
    return { state: "broken", text, at };
  }
  if (isDeeper(value, OBJECT_LIMITS.jsonDepth)) return { state: "unknown", reason: TOO_DEEP };
  return isObject(value)
    ? { state: "given", config: connectorOf(value, 0), at }
    : { state: "broken", text, at };
}

function ofDotted(dotted: readonly Flag[], plain: string): KvReading {
  if (plain !== "absent") return { state: "unknown", reason: `--${FLAG} and --${FLAG}.… stand side by side` };
  const json: JsonObject = {};
  for (const { name, value, written } of dotted) {
    const keys = name.slice(FLAG.length + 1).split(".");
    if (!value?.known || keys.some((key) => key === "" || key.endsWith("+") || key === "__proto__"))
      return { state: "unknown", reason: `${written} cannot be read` };
    if (keys.length > OBJECT_LIMITS.jsonDepth) return { state: "unknown", reason: TOO_DEEP };
    setAt(json, keys, dottedValue(value.text));
  }
  if (isDeeper(json, OBJECT_LIMITS.jsonDepth)) return { state: "unknown", reason: TOO_DEEP };
  return { state: "given", config: connectorOf(json, 0), at: dotted[0]?.at };
}

/** A value is JSON where it can be read as such, else a string (vllm/utils/argparse_utils.py). */
function dottedValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function setAt(target: JsonObject, keys: readonly string[], value: Json): void {
  let place = target;
  for (const key of keys.slice(0, -1)) {
    const found = Object.hasOwn(place, key) ? place[key] : undefined;
    const child: JsonObject = isObject(found) ? found : {};
    place[key] = child;
    place = child;
  }
  const last = keys.at(-1);
  if (last !== undefined) place[last] = value;
}

function connectorOf(json: JsonObject, depth: number): KvConnector {
  const extra = objectOf(json.kv_connector_extra_config);
  return {
    name: stringOf(json.kv_connector),
    role: stringOf(json.kv_role),
    port: portOf(json.kv_port),
    engineId: stringOf(json.engine_id),
    modulePath: stringOf(json.kv_connector_module_path),
    extra,
    prefill: sizesOf(extra.prefill),
    decode: sizesOf(extra.decode),
    inner:
      depth > 3
        ? []
        : listOf(extra.connectors)
            .filter(isObject)
            .map((item) => connectorOf(item, depth + 1)),
    json,
  };
}

function portOf(value: Json | undefined): number | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  return typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : undefined;
}

function sizesOf(value: Json | undefined): KvSideSizes | undefined {
  if (!isObject(value)) return undefined;
  const size = (item: Json | undefined): number | undefined =>
    typeof item === "number" && Number.isInteger(item) && item > 0 ? item : undefined;
  return { dp: size(value.dp_size), tp: size(value.tp_size), pp: size(value.pp_size) };
}

/** A connector and those inside it, outermost first. */
export function allConnectors(connector: KvConnector): KvConnector[] {
  return [connector, ...connector.inner.flatMap(allConnectors)];
}

/** A configuration as far as it can be read: some values may be left out that only the running pod knows. */
export function configIn(reading: KvReading): KvConnector | undefined {
  return reading.state === "given" || reading.state === "unknown" ? reading.config : undefined;
}
