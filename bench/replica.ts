import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Reviewer } from "../src/admission/verdict.ts";
import { at, type JsonObject, listOf, objectOf } from "../src/api/json.ts";
import { completed } from "./handler.ts";
import type { Exchange } from "./load.ts";
import { environmentOf, freePort, isReady, type Program, usageOf } from "./program.ts";
import { type SmallCluster, smallCluster } from "./small-cluster.ts";
import { modelServing } from "./subjects.ts";
import type { Target } from "./target.ts";

const NAMESPACE = "kthena-ascend-system";
const RELEASE = "kthena-ascend";
const PODS_EACH = 4;
const WORKLOADS = "/apis/workload.serving.volcano.sh/v1alpha1";
const NETWORKING = "/apis/networking.serving.volcano.sh/v1alpha1";

/** A replica as the chart installs it, in a cluster with so many models. Ends with its cluster. */
export async function startReplica(
  program: Program,
  mutate: Reviewer,
  models: number,
): Promise<{ target: Target; cluster: SmallCluster }> {
  const cluster = await smallCluster();
  await fill(cluster, mutate, models);
  const kubeconfig = join(dirname(program.main), "kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor(cluster.url));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    [
      program.main,
      "serve",
      ...[`--release=${RELEASE}`, `--namespace=${NAMESPACE}`, `--kubeconfig=${kubeconfig}`],
      ...[`--port=${port}`, `--metrics-port=${metricsPort}`, "--bind-address=127.0.0.1"],
      ...["--settle-seconds=0", "--drain-seconds=0", "--identity=bench"],
    ],
    { stdio: ["ignore", "ignore", "ignore"], env: environmentOf(program) },
  );
  const stop = (): void => {
    child.kill();
    void cluster[Symbol.asyncDispose]();
  };
  while (!(await isReady(port))) {
    if (child.exitCode !== null)
      throw new Error(`kthena-ascend serve --release ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { target: { kind: "ours", port, usage: () => usageOf(child), stop }, cluster };
}

async function fill(cluster: SmallCluster, mutate: Reviewer, models: number): Promise<void> {
  const document =
    "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: cce\nhardware: a2\n";
  const defaults = { name: "kthena-ascend-defaults", namespace: NAMESPACE };
  cluster.put("/api/v1/configmaps", [{ metadata: defaults, data: { "defaults.yaml": document } }]);
  cluster.put("/api/v1/namespaces", [
    { metadata: { name: NAMESPACE } },
    // Of the objects that are reviewed.
    { metadata: { name: "bench" } },
    ...Array.from({ length: 50 }, (_, index) => ({ metadata: { name: `models-${index}` } })),
  ]);
  const admission = "/apis/admissionregistration.k8s.io/v1";
  const service = { name: RELEASE, namespace: NAMESPACE, port: 443, path: "/validate" };
  const webhooks = [{ name: "validate.kthena-ascend.io", clientConfig: { service } }];
  for (const plural of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
    cluster.put(`${admission}/${plural}`, [{ metadata: { name: RELEASE }, webhooks }]);
  for (let index = 0; index < models; index++) await model(cluster, mutate, index);
}

/** A ModelBooster with its ModelServing as the webhook completed it, ModelServer, ModelRoute and running pods. */
async function model(cluster: SmallCluster, mutate: Reviewer, index: number): Promise<void> {
  const serving = await completed(mutate, modelServing(index));
  const name = `m${index}`;
  const namespace = `models-${index % 50}`;
  const of = (kind: string, owner?: string) => ({
    name,
    namespace,
    uid: `${kind}-${index}`,
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(owner
      ? { ownerReferences: [{ kind: owner, name, uid: `${owner}-${index}`, controller: true }] }
      : {}),
  });
  const { annotations, managedFields } = objectOf(serving.metadata);
  const full = { ...of("ModelServing", "ModelBooster"), annotations, managedFields } as JsonObject;
  const backend = {
    name: "b",
    type: "vLLM",
    modelURI: "hf://a/b",
    cacheURI: "hostpath:///mnt/cache",
    replicas: 1,
    workers: [],
  };
  cluster.put(`${WORKLOADS}/modelboosters`, [
    { metadata: { ...of("ModelBooster"), annotations } as JsonObject, spec: { backend } },
  ]);
  cluster.put(`${WORKLOADS}/modelservings`, [{ ...serving, metadata: full }]);
  const selector = { matchLabels: { "modelserving.volcano.sh/name": name } };
  cluster.put(`${NETWORKING}/modelservers`, [
    { metadata: of("ModelServer", "ModelBooster"), spec: { workloadSelector: selector } },
  ]);
  const rules = [{ targetModels: [{ modelServerName: name }] }];
  cluster.put(`${NETWORKING}/modelroutes`, [{ metadata: of("ModelRoute", "ModelBooster"), spec: { rules } }]);
  const [role] = listOf(at(serving, "spec", "template", "roles"));
  const spec = objectOf(at(objectOf(role), "entryTemplate", "spec"));
  for (let pod = 0; pod < PODS_EACH; pod++) cluster.put("/api/v1/pods", [podOf(name, namespace, pod, spec)]);
}

function podOf(serving: string, namespace: string, index: number, spec: JsonObject): JsonObject {
  const labels = {
    "modelserving.volcano.sh/name": serving,
    "modelserving.volcano.sh/group-name": `${serving}-0`,
    "modelserving.volcano.sh/role": "prefill",
  };
  const metadata = { name: `${serving}-0-prefill-${index}`, namespace, uid: `${serving}-${index}`, labels };
  const ready = [{ type: "Ready", status: "True" }];
  return { metadata, spec: { ...spec, nodeName: "n" }, status: { phase: "Running", conditions: ready } };
}

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "c", user: { token: "t" } }],
  });
}

/** The same bodies with what a replica answers: it knows more than its reviewer alone, and so says more. */
export function answeredBy(target: Target, exchanges: readonly Exchange[]): Promise<Exchange[]> {
  const ask = (body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const to = { host: "127.0.0.1", port: target.port, path: "/mutate", method: "POST", headers };
      const asked = request({ ...to, rejectUnauthorized: false }, (answer) =>
        text(answer).then(resolve, reject),
      );
      asked.on("error", reject).end(body);
    });
  return Promise.all(exchanges.map(async ({ body }) => ({ body, answer: await ask(body) })));
}
