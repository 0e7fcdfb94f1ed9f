import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import jsonpatch from "fast-json-patch";
import { stringify } from "yaml";
import { INJECTED } from "../../../src/api/names.ts";
import { MODEL_BOOSTERS, MODEL_SERVERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { type AnyObject, CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "../product.ts";
import { accepted } from "./accepted.ts";
import { broken } from "./checks.ts";
import { modelServer } from "./models.ts";
import { type History, histories, type Step } from "./step.ts";
import { isRefusal, Storage } from "./storage.ts";
import { Turnstile } from "./turnstile.ts";
import { Twins } from "./twins.ts";

const OURS = "models";
/** Where nobody judges. */
const PLAIN = "plain";
const AT_A_TIME = 8;
const OTHER_VERSION = join(import.meta.dirname, "..", "other-version.ts");

/** What came of many histories. */
export interface Report {
  histories: number;
  /** Whose object could not be created: a rule or the CRD refused it. */
  neverCreated: number;
  /** To which the product added something at their creation. */
  completed: number;
  /** How often the other version began to answer. */
  switches: number;
  steps: number;
  refused: number;
  /** How often which rule, or the CRD, refused something. */
  refusals: Record<string, number>;
  /** With the seed's history and its steps up to there. */
  problems: string[];
}

/**
 * Starts the product, and lets so many histories happen, several at a time.
 * @param only those of them with these indices alone, one after another
 */
export async function runHistories(count: number, seed: number, only?: readonly number[]): Promise<Report> {
  const values = ["reconciler=off", "replicas=1", `webhooks.excludedNamespaces={${PLAIN}}`];
  const product = await startProduct({ scheduler: false, kwok: false, audit: false, values });
  try {
    for (const name of [OURS, PLAIN]) await product.plane.kubectl(["create", "namespace", name]);
    await setDefaults(product.admin, LENIENT);
    const all = [...histories(count, seed).entries()].filter(([index]) => only?.includes(index) ?? true);
    return await happen(product, await versionsOf(product), all, only ? 1 : AT_A_TIME);
  } finally {
    await product.stop();
  }
}

/** Lets the other of two versions answer from now on. */
type Switch = () => Promise<void>;

/** Starts a replica of another version beside the one that runs; only one of both is called at a time. */
async function versionsOf({ installation }: Product): Promise<Switch> {
  const [own] = installation.replicas;
  if (!own) throw new Error("no replica runs");
  const other = await installation.startReplica({ entry: OTHER_VERSION });
  await other.waitReady();
  let answers = own;
  installation.proxy.only([answers]);
  return async () => {
    answers = answers === own ? other : own;
    installation.proxy.only([answers]);
    // The API server learns that its connections have ended.
    await sleep(200);
  };
}

async function happen(
  product: Product,
  change: Switch,
  all: readonly (readonly [index: number, history: History])[],
  atATime: number,
): Promise<Report> {
  const report: Report = {
    histories: all.length,
    neverCreated: 0,
    completed: 0,
    switches: 0,
    steps: 0,
    refused: 0,
    refusals: {},
    problems: [],
  };
  const source = { from: "file", file: product.plane.kubeconfig } as const;
  const client = new KubeClient({ source, userAgent: "people", timeoutMs: 60_000 });
  const world = { client, report, turnstile: new Turnstile(), change };
  const left = [...all];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, history] = next;
      await one(world, history, index).catch((error: Error) => {
        report.problems.push(`history ${index}: ${error.stack}`);
      });
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  client.close();
  return report;
}

/** What all histories share. */
interface World {
  client: KubeClient;
  report: Report;
  turnstile: Turnstile;
  change: Switch;
}

async function one(world: World, history: History, index: number): Promise<void> {
  const { client, report, turnstile } = world;
  const resource = history.kind === "ModelServing" ? MODEL_SERVINGS : MODEL_BOOSTERS;
  const name = `h${index}`;
  const ours = new Storage(client, resource, { namespace: OURS, name });
  const plain = new Storage(client, resource, { namespace: PLAIN, name });
  const twins = new Twins({ ...history, manifest: accepted(history.manifest) }, ours, plain);
  twins.onRefusal = (message) => {
    const [rule = "the CRD"] = /[a-z0-9-]+\/[a-z0-9-]+(?=\))/.exec(message) ?? [];
    report.refusals[rule] = (report.refusals[rule] ?? 0) + 1;
  };
  let before = await turnstile.beside(() => twins.begin());
  if (before === undefined) {
    report.neverCreated += 1;
    return;
  }
  if (before.ours.metadata.annotations?.[INJECTED] !== undefined) report.completed += 1;
  for (const [position, step] of history.steps.entries()) {
    if (step.do === "switch version") {
      await turnstile.alone(world.change);
      report.switches += 1;
      continue;
    }
    if (step.do === "new defaults") {
      await turnstile.beside(() => setDefaults(client, step.layer));
      continue;
    }
    if (step.do === "model server") {
      await turnstile.beside(() => serveModel(client, name, step.connector));
      continue;
    }
    const after = await turnstile.beside(() => twins.take(step));
    report.steps += 1;
    if (after === undefined) report.refused += 1;
    else {
      const found = [
        ...broken(history.kind, step, before, after),
        ...(await turnstile.beside(() => unsettled(ours))),
      ];
      const path = history.steps.slice(0, position + 1).map((each) => describe(each));
      report.problems.push(...found.map((what) => `history ${index}, ${path.join("; ")}: ${what}`));
      if (found.length > 0) break;
    }
    before = await twins.now();
  }
  await Promise.all([ours.remove(), plain.remove()]);
  await client.remove(MODEL_SERVERS, { namespace: OURS, name });
}

/** Creates the ModelServer of a model, or changes its connector. */
async function serveModel(client: KubeClient, name: string, connector: string): Promise<void> {
  const body = modelServer(name, connector);
  const patch = { type: "apply", body, fieldManager: "people", force: true } as const;
  const set = await client.patch(MODEL_SERVERS, { namespace: OURS, name }, patch);
  if (!set.ok && !isRefusal(set.failure)) throw new Error(set.failure.message);
}

/** What is stored is written again as it is: nothing may come of that. */
async function unsettled(ours: Storage): Promise<string[]> {
  const before = await ours.read();
  const again = await ours.replace((stored) => stored);
  if (!again.ok) return [`what is stored is refused: ${again.failure.message}`];
  const same = again.value.metadata.resourceVersion === before.metadata.resourceVersion;
  const changes = () => JSON.stringify(jsonpatch.compare(settledPart(before), settledPart(again.value)));
  return same ? [] : [`what is stored does not stay as it is when it is written again: ${changes()}`];
}

/** Without what the API server alone writes. */
function settledPart({ metadata, spec }: AnyObject): object {
  return { annotations: metadata.annotations ?? {}, generation: metadata.generation, spec };
}

/** Rules that may be lifted would refuse most of what is made by chance. */
const LENIENT = { document: { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults" } };

/** For the whole cluster, while other histories go on. */
async function setDefaults(client: KubeClient, { document }: { document: object }): Promise<void> {
  const place = { namespace: RELEASE_NAMESPACE, name: "kthena-ascend-defaults" };
  const body = { data: { "defaults.yaml": stringify({ ...document, rules: { "*": "warn" } }) } };
  const set = await client.patch(CONFIG_MAPS, place, { type: "merge", body });
  if (!set.ok && !isRefusal(set.failure)) throw new Error(set.failure.message);
}

function describe({ do: what, ...rest }: Step): string {
  return `${what} ${JSON.stringify(rest)}`;
}
