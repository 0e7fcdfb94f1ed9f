import { stringify } from "yaml";
import { INJECTED } from "../../../src/api/names.ts";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "../product.ts";
import { accepted } from "./accepted.ts";
import { broken } from "./checks.ts";
import { type History, histories, type Step } from "./step.ts";
import { isRefusal, Storage } from "./storage.ts";
import { Twins } from "./twins.ts";

const OURS = "models";
/** Where nobody judges. */
const PLAIN = "plain";
const AT_A_TIME = 8;

/** What came of many histories. */
export interface Report {
  histories: number;
  /** Whose object could not be created: a rule or the CRD refused it. */
  neverCreated: number;
  /** To which the product added something at their creation. */
  completed: number;
  steps: number;
  refused: number;
  /** How often which rule, or the CRD, refused something. */
  refusals: Record<string, number>;
  /** With the seed's history and its steps up to there. */
  problems: string[];
}

/** Starts the product, and lets so many histories happen, several at a time. */
export async function runHistories(count: number, seed: number): Promise<Report> {
  const values = ["reconciler=off", `webhooks.excludedNamespaces={${PLAIN}}`];
  const product = await startProduct({ scheduler: false, kwok: false, audit: false, values });
  try {
    for (const name of [OURS, PLAIN]) await product.plane.kubectl(["create", "namespace", name]);
    await setDefaults(product.admin, LENIENT);
    return await happen(product, histories(count, seed));
  } finally {
    await product.stop();
  }
}

async function happen(product: Product, all: readonly History[]): Promise<Report> {
  const report: Report = {
    histories: all.length,
    neverCreated: 0,
    completed: 0,
    steps: 0,
    refused: 0,
    refusals: {},
    problems: [],
  };
  const source = { from: "file", file: product.plane.kubeconfig } as const;
  const client = new KubeClient({ source, userAgent: "people", timeoutMs: 60_000 });
  const left = [...all.entries()];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, history] = next;
      await one(client, history, index, report).catch((error: Error) => {
        report.problems.push(`history ${index}: ${error.stack}`);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  client.close();
  return report;
}

async function one(client: KubeClient, history: History, index: number, report: Report): Promise<void> {
  const resource = history.kind === "ModelServing" ? MODEL_SERVINGS : MODEL_BOOSTERS;
  const name = `h${index}`;
  const ours = new Storage(client, resource, { namespace: OURS, name });
  const plain = new Storage(client, resource, { namespace: PLAIN, name });
  const twins = new Twins({ ...history, manifest: accepted(history.manifest) }, ours, plain);
  twins.onRefusal = (message) => {
    const [rule = "the CRD"] = /[a-z0-9-]+\/[a-z0-9-]+(?=\))/.exec(message) ?? [];
    report.refusals[rule] = (report.refusals[rule] ?? 0) + 1;
  };
  let before = await twins.begin();
  if (before === undefined) {
    report.neverCreated += 1;
    return;
  }
  if (before.ours.metadata.annotations?.[INJECTED] !== undefined) report.completed += 1;
  for (const [position, step] of history.steps.entries()) {
    if (step.do === "new defaults") {
      await setDefaults(client, step.layer);
      continue;
    }
    const after = await twins.take(step);
    report.steps += 1;
    if (after === undefined) report.refused += 1;
    else {
      const found = [...broken(history.kind, step, before, after), ...(await unsettled(ours))];
      const path = history.steps.slice(0, position + 1).map((each) => describe(each));
      report.problems.push(...found.map((what) => `history ${index}, ${path.join("; ")}: ${what}`));
      if (found.length > 0) break;
    }
    before = await twins.now();
  }
  await Promise.all([ours.remove(), plain.remove()]);
}

/** What is stored is written again as it is: nothing may come of that. */
async function unsettled(ours: Storage): Promise<string[]> {
  const before = await ours.read();
  const again = await ours.replace((stored) => stored);
  if (!again.ok) return [`what is stored is refused: ${again.failure.message}`];
  const same = again.value.metadata.resourceVersion === before.metadata.resourceVersion;
  return same ? [] : ["what is stored does not stay as it is when it is written again"];
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
