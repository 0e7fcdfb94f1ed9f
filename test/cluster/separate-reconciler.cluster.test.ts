import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lease } from "../../src/kube/lease-record.ts";
import { type AnyObject, LEASES, NAMESPACES } from "../../src/kube/resource.ts";
import { boosterBackend } from "./booster-backend.ts";
import { BoosterWatch, expecting, kthenaPass } from "./booster-watch.ts";
import { mainEntry } from "./installation/installation.ts";
import { MODEL_BOOSTERS, MODEL_ROUTES, mustBe } from "./kthena-controllers/objects.ts";
import { type Product, RELEASE, RELEASE_NAMESPACE, startProduct } from "./product.ts";

/** The chart with `reconciler: separate`: the webhook answers for the status, a Deployment of its own writes. */

let product: Product;
let watch: BoosterWatch;

beforeAll(async () => {
  product = await startProduct({ values: ["reconciler=separate"], scheduler: false, kwok: false });
  watch = new BoosterWatch(product.admin);
  await watch.start();
});

afterAll(async () => {
  await watch?.stop();
  await product?.stop();
});

interface Deployment {
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: { serviceAccountName: string; containers: { args: string[] }[] };
    };
  };
}

test("a process started as its Deployment says does the work, and the webhook's replicas none of it", async () => {
  const { plane, admin } = product;
  const place = { namespace: "models", name: "m" };
  mustBe(await admin.create(NAMESPACES, { metadata: { name: "models" } }));
  const worker = {
    type: "server",
    image: "engine:1",
    replicas: 1,
    pods: 1,
    config: { "tensor-parallel-size": 1 },
  };
  const backend = boosterBackend(worker);
  mustBe(await admin.create(MODEL_BOOSTERS, { metadata: place, spec: { backend } } as AnyObject));
  // The webhook alone keeps what Kthena writes true, but nobody writes of himself.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(watch.versions(place)).toHaveLength(1);
  await kthenaPass(admin, place);
  await watch.says(place, expecting("False ChildrenMissing"));

  const name = `${RELEASE}-reconciler`;
  const { stdout } = await plane.kubectl(["get", "deployment", name, "-n", RELEASE_NAMESPACE, "-o", "json"]);
  const { template, selector }: Deployment["spec"] = JSON.parse(stdout).spec;
  expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  const account = template.spec.serviceAccountName;
  const kubeconfig = await plane.kubeconfigFor({ serviceAccount: account, namespace: RELEASE_NAMESPACE });
  const where = ["--kubeconfig", kubeconfig, "--bind-address", plane.newAddress(), "--identity", "alone"];
  const args = [mainEntry, ...(template.spec.containers[0]?.args ?? []), ...where];
  const running = plane.addProcess({ name: "reconcile", file: process.execPath, args, cwd: process.cwd() });
  running.start();
  await watch.says(place, expecting("False PodsNotReady"), 30_000);
  const lease = async () =>
    mustBe(await admin.get<Lease>(LEASES, { namespace: RELEASE_NAMESPACE, name })).spec?.holderIdentity;
  expect(await lease()).toBe("alone");
  mustBe(await admin.remove(MODEL_ROUTES, place));
  await watch.says(place, expecting("False ChildrenMissing"));
  await running.stop();
  expect(await lease()).toBe("");
});

test("its Service of metrics chooses its pods, the webhook's Service does not", async () => {
  const { plane } = product;
  const get = async <T>(kind: string, name: string): Promise<T> => {
    const { stdout } = await plane.kubectl(["get", kind, name, "-n", RELEASE_NAMESPACE, "-o", "json"]);
    return JSON.parse(stdout).spec;
  };
  const { template } = await get<Deployment["spec"]>("deployment", `${RELEASE}-reconciler`);
  const selector = async (name: string) => (await get<{ selector: object }>("service", name)).selector;
  expect(template.metadata.labels).toMatchObject(await selector(`${RELEASE}-reconciler-metrics`));
  expect(template.metadata.labels).not.toMatchObject(await selector(RELEASE));
});
