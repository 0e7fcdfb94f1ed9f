import { closest } from "../api/closest.ts";
import { type JsonObject, objectOf } from "../api/json.ts";
import { ASK, INJECTED, MOONCAKE_CONFIG, PREFIX, SETTINGS, STAMP } from "../api/names.ts";
import { POINT_TO_POINT_CLASSES } from "../engines/connector-classes.ts";
import { HARDWARE_NAMES, type HardwareName } from "./hardware.ts";

/** What people ask for by annotation, nearest first already decided. */
export interface Asks {
  inject?: boolean;
  /** NPUs of each engine container. */
  npus?: number;
  engineContainer?: string;
  hardware?: HardwareName;
  kvConnector?: string;
  kvRole?: string;
  /** Class of the connector between prefill and decode. */
  kvClass?: string;
  kvSidecar?: string;
  socketIfname?: string;
}

/** What is wrong with an annotation. */
export interface AskProblem {
  key: string;
  value: string;
  unknown: boolean;
  message: string;
  fix: string;
}

type Reader = (value: string) => Partial<Asks> | string;

const READERS: Record<string, Reader> = {
  [ASK.inject]: (value) =>
    value === "true" || value === "false" ? { inject: value === "true" } : 'write "true" or "false"',
  [ASK.npus]: (value) =>
    /^[1-9]\d{0,3}$/.test(value) ? { npus: Number(value) } : 'write a whole number above zero, such as "8"',
  [ASK.engineContainer]: (value) =>
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)
      ? { engineContainer: value }
      : "write the name of a container of the template",
  [ASK.hardware]: (value) => oneOf("hardware", value, HARDWARE_NAMES),
  [ASK.kvConnector]: (value) => oneOf("kvConnector", value, ["mooncake", "nixl", "lmcache", "none"]),
  [ASK.kvRole]: (value) => oneOf("kvRole", value, ["kv_producer", "kv_consumer", "kv_both"]),
  [ASK.kvClass]: (value) => oneOf("kvClass", value, POINT_TO_POINT_CLASSES),
  [ASK.kvSidecar]: (value) =>
    value === "" ? "write the name of a sidecar of the defaults" : { kvSidecar: value },
  [ASK.socketIfname]: (value) =>
    /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,14}$/.test(value)
      ? { socketIfname: value }
      : "write one plain interface name such as eth0",
  [ASK.allow]: () => ({}),
  [ASK.refresh]: () => ({}),
};

/** Whether annotations ask for injection: `inject: "true"`, or a number of NPUs, whatever it is. */
export function asksForInjection(asks: Readonly<Record<string, unknown>> | undefined): boolean {
  return asks?.[ASK.inject] === "true" || asks?.[ASK.npus] !== undefined;
}

const WRITTEN_BY_US: readonly string[] = [INJECTED, SETTINGS, STAMP, MOONCAKE_CONFIG];

/** The annotations of an object or template that are under our prefix and that people write. */
export function asksIn(annotations: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectOf(annotations))) {
    if (typeof value === "string" && key.startsWith(PREFIX) && !WRITTEN_BY_US.includes(key))
      found[key] = value;
  }
  return found;
}

/** So many annotations near ours are told of one Namespace: others may write as many there as they like. */
const MOST_NEAR = 8;
const MOST_LOOKED_AT = 64;

/**
 * What a Namespace asks for: as `asksIn`, and with it a few annotations that are most likely meant for us and are none
 * of ours. Those hold nothing; whoever applies something there is told.
 */
export function asksOfNamespace(annotations: unknown): Record<string, string> {
  const asks = asksIn(annotations);
  const entries = Object.entries(objectOf(annotations)).filter(([key]) => mayBeMeant(key));
  const near = entries.slice(0, MOST_LOOKED_AT).filter(([key]) => meantBy(key) !== undefined);
  for (const [key, value] of near.slice(0, MOST_NEAR)) if (typeof value === "string") asks[key] = value;
  return asks;
}

/** Reads the annotations that hold for one place; a value that cannot be read counts as not written. */
export function readAsks(annotations: Record<string, string>): Asks {
  const asks: Asks = {};
  for (const [key, value] of Object.entries(annotations)) {
    const read = READERS[key]?.(value);
    if (typeof read === "object") Object.assign(asks, read);
  }
  return asks;
}

/** All that is wrong with the annotations of one object or template. */
export function askProblems(metadata: JsonObject): AskProblem[] {
  const misplaced = Object.entries(objectOf(metadata.annotations)).flatMap(([key, value]) => {
    const meant = typeof value === "string" ? meantBy(key) : undefined;
    return meant === undefined ? [] : [misplacedAsk(key, String(value), meant)];
  });
  const own = Object.entries(asksIn(metadata.annotations)).flatMap(([key, value]) => {
    const reader = READERS[key];
    if (!reader) return [unknownAsk(key, value)];
    const read = reader(value);
    return typeof read === "string"
      ? [{ key, value, unknown: false, message: "is no value that this annotation can have", fix: read }]
      : [];
  });
  return [...own, ...misplaced];
}

/** Names that nobody else would write without a prefix. */
const BARE: ReadonlySet<string> = new Set([
  "inject",
  "npu",
  "npus",
  "kv-connector",
  "kv-role",
  "socket-ifname",
]);

/** Whether an annotation that is not under our prefix looks as if it were meant for us. */
function mayBeMeant(key: string): boolean {
  if (key.startsWith(PREFIX) || key.length > 128) return false;
  const slash = key.lastIndexOf("/");
  return slash <= 0 ? BARE.has(key.slice(slash + 1)) : /kthena|ascend/i.test(key.slice(0, slash));
}

/** The annotation that one with another prefix, or with none, is most likely meant to be. */
function meantBy(key: string): string | undefined {
  if (!mayBeMeant(key)) return undefined;
  return nearest(key.slice(key.lastIndexOf("/") + 1));
}

const NAMES: readonly string[] = Object.keys(READERS).map((known) => known.slice(PREFIX.length));

/** The annotation with the name most like this one. The prefix is left out: with it every name would be near one. */
function nearest(name: string): string | undefined {
  const guess = closest(name, NAMES);
  return guess === undefined ? undefined : PREFIX + guess;
}

function misplacedAsk(key: string, value: string, meant: string): AskProblem {
  const message = "is no annotation of kthena-ascend, whose prefix is kthena-ascend.io/";
  return { key, value, unknown: true, message, fix: meantText(meant, value) };
}

function unknownAsk(key: string, value: string): AskProblem {
  const guess = nearest(key.slice(PREFIX.length));
  const fix = guess ? meantText(guess, value) : `remove it; known: ${Object.keys(READERS).join(", ")}`;
  return { key, value, unknown: true, message: "is no annotation of kthena-ascend", fix };
}

/** The key that is meant, and where it cannot have the value that stands there, what to write instead. */
function meantText(meant: string, value: string): string {
  const read = READERS[meant]?.(value);
  return `did you mean "${meant}"?${typeof read === "string" ? ` Then ${read}` : ""}`;
}

function oneOf<K extends keyof Asks>(
  key: K,
  value: string,
  options: readonly string[],
): Partial<Asks> | string {
  if (options.includes(value)) return { [key]: value };
  const guess = closest(value, options);
  return guess ? `did you mean "${guess}"?` : `write one of: ${options.join(", ")}`;
}
