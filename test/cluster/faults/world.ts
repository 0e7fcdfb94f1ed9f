import { readFile } from "node:fs/promises";
import { MODEL_BOOSTERS, MODEL_SERVINGS } from "../../../src/cluster/kinds.ts";
import { KubeClient } from "../../../src/kube/client.ts";
import { Informer } from "../../../src/kube/informer.ts";
import { type AnyObject, keyOf } from "../../../src/kube/resource.ts";
import { silentLog, systemClock } from "../../../src/kube/surroundings.ts";
import type { Installation } from "../installation/installation.ts";
import { type Peer, startPeer } from "../peer/peer.ts";
import { type Product, startProduct } from "../product.ts";
import { Gate } from "./gate.ts";
import { isComplete, type Model, modelOf } from "./models.ts";
import { ApplyStream } from "./stream.ts";

/** Where people's models are judged by the product, and where by a webhook that does nothing. */
export const OURS = "models";
export const PLAIN = "plain";

const EXAMPLES = ["modelserving/single-node", "modelserving/prefill-decode", "modelbooster/plain"];
const PEOPLE = 3;

/** The product, a webhook that does nothing, two replicas each, and one way to the API server for the product's. */
export interface World {
  product: Product;
  peer: Peer;
  gate: Gate;
  /** Both, for what happens to both. */
  installations: readonly [Installation, Installation];
  models: readonly Model[];
  /** Begins to apply in a namespace. */
  apply: (namespace: string) => ApplyStream;
  /** What was stored in OURS since the last call and is not complete, in words. */
  notInjected: () => string[];
  stop: () => Promise<void>;
}

/** Starts all of it; nothing is applied yet. */
export async function startWorld(): Promise<World> {
  const gates: Gate[] = [];
  const product = await startProduct({
    scheduler: false,
    kwok: false,
    values: [`webhooks.excludedNamespaces={${PLAIN}}`],
    run: {
      kubeconfig: async (file) => {
        const [, server = ""] = /server: (\S+)/.exec(await readFile(file, "utf8")) ?? [];
        gates[0] ??= await Gate.before(server);
        return gates[0].kubeconfig(file);
      },
    },
  });
  const [gate] = gates;
  if (gate === undefined) throw new Error("no replica was started");
  for (const name of [OURS, PLAIN]) await product.plane.kubectl(["create", "namespace", name]);
  const peer = await startPeer(product.plane, { name: "null", replicas: 2, namespaces: [PLAIN] });
  await peer.install();
  const source = { from: "file", file: product.plane.kubeconfig } as const;
  const client = new KubeClient({ source, userAgent: "people" });
  const stored = await watchStored(client);
  const models = await Promise.all(EXAMPLES.map((example) => modelOf(`${example}.yaml`)));
  const apply = (namespace: string) => {
    const check = (object: AnyObject) =>
      namespace === PLAIN || isComplete(object) ? undefined : `answered without what is injected`;
    return new ApplyStream(client, { namespace, models, people: PEOPLE, check });
  };
  return {
    product,
    peer,
    gate,
    installations: [product.installation, peer.installation],
    models,
    apply,
    notInjected: stored.notInjected,
    stop: async () => {
      await stored.stop();
      client.close();
      gate.open();
      await peer.stop();
      await product.installation.stop();
      await gate.close();
      product.admin.close();
      // Not `product.stop()`: an API server that has just started forbids what it has not read the Roles of.
      await product.plane.stop();
    },
  };
}

/** Follows everything that is ever stored in OURS. */
async function watchStored(client: KubeClient) {
  const around = { clock: systemClock, random: Math.random, log: silentLog };
  let found: string[] = [];
  const informers = [MODEL_SERVINGS, MODEL_BOOSTERS].map((resource) => {
    const informer = new Informer<AnyObject>(client, { resource, namespace: OURS }, around);
    informer.onChange((_key, current) => {
      if (current && !isComplete(current)) {
        const { resourceVersion = "" } = current.metadata;
        found.push(`${resource.kind} ${keyOf(current)} at ${resourceVersion}`);
      }
    });
    informer.start();
    return informer;
  });
  await Promise.all(informers.map((informer) => informer.waitForSync(30_000)));
  return {
    notInjected: () => {
      const all = found;
      found = [];
      return all;
    },
    stop: async () => {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}
