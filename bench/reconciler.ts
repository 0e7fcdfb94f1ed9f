// `npm run bench:reconciler -- [--sizes 1000,5000]`: so many ModelBoosters with their children and four pods each on a
// real API server, and `kthena-ascend reconcile` as a process of its own: how long from its start until all conditions
// are right, how many writes that takes, and its memory; then the same again, when nothing is left to write.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { KubeClient } from "../src/kube/client.ts";
import { NAMESPACES } from "../src/kube/resource.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane/control-plane.ts";
import { crdFolder, podGroupCrdFolder } from "../test/cluster/control-plane/crds.ts";
import { freePorts } from "../test/cluster/control-plane/loopback.ts";
import type { ManagedProcess } from "../test/cluster/control-plane/managed-process.ts";
import { mustBe } from "../test/cluster/kthena-controllers/objects.ts";
import { populate } from "./reconciler-world.ts";
import { table } from "./table.ts";

interface Run {
  seconds: number;
  written: number;
  conflicts: number;
  reads: number;
  peakMiB: number;
  heapMiB: number;
}

const { values } = parseArgs({ options: { sizes: { type: "string" } } });
const sizes = (values.sizes ?? "1000,5000").split(",").map(Number);
const print = (text: string): void => void process.stdout.write(`${text}\n`);
// As it is installed: read as TypeScript it would take 30 MiB more.
const main = join(import.meta.dirname, "..", "dist", "main.js");

/** As the chart starts it with `reconciler: separate`. */
const FLAGS = ["--max-old-space-size=320", "--max-semi-space-size=4"];

const rows: (string | number)[][] = [];
for (const size of sizes) {
  const crdFolders = [crdFolder(), podGroupCrdFolder()];
  const plane = await startControlPlane({
    crdFolders,
    controllerManager: false,
    scheduler: false,
    kwok: false,
  });
  try {
    const began = performance.now();
    await fill(plane, size);
    print(`${size} ModelBoosters with children and ${size * 4} pods made in ${seconds(began).toFixed(0)} s`);
    const cold = await run(plane, size, "cold");
    const again = await run(plane, size, "again");
    rows.push(row(size, "nothing written yet", cold), row(size, "all right already", again));
  } finally {
    await plane.stop();
  }
}
print(
  `\n${table(["ModelBoosters", "at the start", "s to all looked at", "ms each", "writes", "conflicts", "peak MiB", "heap MiB"], rows)}`,
);

function row(size: number, state: string, { seconds, written, conflicts, peakMiB, heapMiB }: Run) {
  return [
    size,
    state,
    seconds.toFixed(1),
    ((seconds * 1000) / size).toFixed(1),
    written,
    conflicts,
    peakMiB,
    heapMiB,
  ];
}

async function fill(plane: ControlPlane, size: number): Promise<void> {
  const client = new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "bench" });
  for (const name of ["models", "bench"]) mustBe(await client.create(NAMESPACES, { metadata: { name } }));
  await populate(client, size);
  client.close();
}

/** One process from its start until its queue is empty. */
async function run(plane: ControlPlane, size: number, name: string): Promise<Run> {
  const [port = 0] = await freePorts(plane.host, 1);
  const args = ["reconcile", "--release=bench", "--namespace=bench", `--kubeconfig=${plane.kubeconfig}`];
  const where = [`--metrics-port=${port}`, `--bind-address=${plane.host}`, "--lease-seconds=5"];
  const process_ = plane.addProcess({
    name: `reconcile-${name}`,
    file: process.execPath,
    args: [...FLAGS, main, ...args, ...where],
  });
  const began = performance.now();
  process_.start();
  const metrics = async () => {
    const answer = await fetch(`http://${plane.host}:${port}/metrics`).catch(() => undefined);
    return answer?.ok ? readMetrics(await answer.text()) : new Map<string, number>();
  };
  const value = (from: Map<string, number>, key: string) => from.get(`kthena_ascend_${key}`) ?? 0;
  const outcome = (from: Map<string, number>, what: string) =>
    value(from, `reconciles_total{outcome="${what}"}`);
  let now = await metrics();
  const looked = () => outcome(now, "written") + outcome(now, "unchanged");
  const queued = () =>
    value(now, 'reconciler_queue{queue="conditions"}') + value(now, 'reconciler_queue{queue="oversight"}');
  const over = async () => {
    now = await metrics();
    return looked() >= size && queued() === 0;
  };
  // Throws with the end of the log where the process ends before.
  await process_.waitUntil(over, 1_200_000);
  const taken = seconds(began);
  // What was written comes back by the watch and is looked at once more.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  now = await metrics();
  const peakMiB = await peak(process_);
  await process_.stop();
  return {
    seconds: taken,
    written: outcome(now, "written"),
    conflicts: outcome(now, "conflict") + outcome(now, "failed"),
    reads: outcome(now, "unchanged"),
    peakMiB,
    heapMiB: Math.round((now.get("nodejs_heap_size_used_bytes") ?? 0) / 2 ** 20),
  };
}

async function peak(process_: ManagedProcess): Promise<number> {
  const text = await readFile(`/proc/${process_.pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}

function readMetrics(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
