import { equal, type Json } from "../api/json.ts";
import { DEFAULTS_NAME } from "../api/names.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/events.ts";
import { describeFailure } from "../kube/failure.ts";
import { CONFIG_MAPS, type Place } from "../kube/resource.ts";
import { backoffMs, type Clock, type Surroundings } from "../kube/surroundings.ts";
import { configMapProblemText, type DefaultsInForce } from "./defaults-in-force.ts";
import type { Effective } from "./effective-defaults.ts";
import { fitted, lastGoodContents } from "./last-good.ts";
import { inTurns } from "./turns.ts";

const FIELD_MANAGER = "kthena-ascend-defaults";
/** How often what is kept is looked at without a reason: somebody may have changed it by hand. */
const LOOK_MS = 60_000;

/** What the holder of the Lease looks after. */
export interface KeeperOptions {
  lastGood: Place;
  releaseNamespace: string;
  inForce: DefaultsInForce;
  events: EventRecorder;
}

/**
 * Keeps the last good documents in their ConfigMap and says by Event what is wrong with the current ones. Only the
 * holder of the Lease runs it.
 */
export async function keepDefaults(
  client: KubeClient,
  options: KeeperOptions,
  { clock, random, log }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>();
  let wake = new AbortController();
  const forget = options.inForce.onChange(() => wake.abort());
  let failures = 0;
  while (!signal.aborted) {
    wake = new AbortController();
    if (options.inForce.settled) await tellProblems(options, told, clock);
    const problem = await keep(client, options, told);
    failures = problem === undefined ? 0 : failures + 1;
    if (problem !== undefined) log.warn({ problem }, "the last good defaults could not be kept");
    const pause = problem === undefined ? LOOK_MS : backoffMs(failures, random);
    await clock.sleep(pause, AbortSignal.any([signal, wake.signal]));
  }
  forget();
}

/** Writes what is in force where something else is kept. Gives what went wrong. */
async function keep(
  client: KubeClient,
  options: KeeperOptions,
  told: Map<string, string>,
): Promise<string | undefined> {
  const { inForce, lastGood } = options;
  const wanted = inForce.toKeep;
  if (!wanted) return undefined;
  const { kept, left } = fitted(wanted, inForce.stored);
  tellUnkept(options, left, told);
  if (equal(kept as unknown as Json, inForce.stored as unknown as Json)) return undefined;
  const patch = {
    type: "apply",
    body: lastGoodContents(kept),
    fieldManager: FIELD_MANAGER,
    // Whoever edited it by hand: it is no place to set anything.
    force: true,
  } as const;
  const written = await client.patch(CONFIG_MAPS, lastGood, patch);
  return written.ok ? undefined : describeFailure(written.failure);
}

/** One Event on each document that there is no room for among the last good ones. */
function tellUnkept({ events }: KeeperOptions, left: readonly string[], told: Map<string, string>): void {
  for (const key of told.keys()) {
    const namespace = /^(.+) unkept$/.exec(key)?.[1];
    if (namespace !== undefined && !left.includes(namespace)) told.delete(key);
  }
  for (const namespace of left) {
    if (told.has(`${namespace} unkept`)) continue;
    told.set(`${namespace} unkept`, "");
    events.record({
      regarding: { apiVersion: "v1", kind: "ConfigMap", name: DEFAULTS_NAME, namespace },
      type: "Warning",
      reason: "LastGoodFull",
      action: "Keep",
      note:
        "the document is in force, but there is no room to keep it for later: the last good documents of all " +
        "namespaces together are limited to 900 kB. If it becomes wrong, the one of before holds, or none",
    });
  }
}

/** One Event each time that something else is wrong with a ConfigMap, and one when it is right again. */
async function tellProblems(options: KeeperOptions, told: Map<string, string>, clock: Clock): Promise<void> {
  const { inForce, releaseNamespace } = options;
  const all = new Map<string, Effective>([[releaseNamespace, inForce.cluster], ...inForce.namespaces]);
  const tellOf = ([namespace, effective]: [string, Effective]): void => {
    // Something changed meanwhile, which leads here again.
    if (!inForce.settled) return;
    const restricted = namespace === releaseNamespace ? [] : inForce.resolve(namespace, {}).problems;
    const text = [...effective.problems, ...restricted].map(configMapProblemText).join("\n");
    const before = told.get(namespace) ?? "";
    if (text === before) return;
    told.set(namespace, text);
    const regarding = { apiVersion: "v1", kind: "ConfigMap", name: DEFAULTS_NAME, namespace };
    const wrong = text !== "";
    options.events.record({
      regarding,
      type: wrong ? "Warning" : "Normal",
      reason: wrong ? "DefaultsInvalid" : "DefaultsInForce",
      action: "Load",
      note: wrong
        ? `${consequence(effective, restricted.length > 0)}\n${text}`
        : "the document is in force again",
    });
  };
  await inTurns(all, tellOf, clock);
  for (const key of told.keys()) if (!key.endsWith(" unkept") && !all.has(key)) told.delete(key);
}

function consequence({ from }: Effective, restricted: boolean): string {
  if (from === "last-good") return "the last good document stays in force:";
  if (from === "none") return "no document is in force:";
  return restricted ? "what it may not set is left out:" : "";
}
