// `npm run bench:audit -- [--models 5000]`: `kthena-ascend audit`, and with it new defaults, as a process of its own
// against an API server that hands out so many models and two pods of each: how long, how much processor time and
// memory. What is there is made in this process and handed out as the API server does, page by page.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { auditWorld, type World } from "./audit-world.ts";
import { processUsage } from "./process-usage.ts";
import { table } from "./table.ts";

const { values } = parseArgs({ options: { models: { type: "string" } } });
const sizes = (values.models ?? "1000,5000").split(",").map(Number);
// As it is installed: read as TypeScript it would take 30 MiB more.
const main = join(import.meta.dirname, "..", "dist", "main.js");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

interface Run {
  seconds: number;
  cpuSeconds: number;
  peakMiB: number;
  items: number;
}

const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-bench-"));
const rows: (string | number)[][] = [];
try {
  const head = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
  const newDefaults = join(folder, "new.yaml");
  await writeFile(newDefaults, `${head}hccl: {socketIfname: bond0}\n`);
  for (const size of sizes) {
    await using world = await auditWorld(size);
    const kubeconfig = join(folder, "kubeconfig.yaml");
    await writeFile(kubeconfig, kubeconfigOf(world));
    for (const [what, args] of [
      ["audit", []],
      ["audit --defaults", ["--defaults", newDefaults]],
    ] as const) {
      const { seconds, cpuSeconds, peakMiB, items } = await run([...args, `--kubeconfig=${kubeconfig}`]);
      if (items !== world.objects) throw new Error(`${items} of ${world.objects} objects were audited`);
      rows.push([what, size, world.objects, seconds.toFixed(1), cpuSeconds.toFixed(1), peakMiB]);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
print(`\n${table(["what", "models", "objects with pods", "s", "s of CPU", "peak MiB"], rows)}`);

async function run(args: readonly string[]): Promise<Run> {
  const began = performance.now();
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const all = [main, "audit", "--output=json", "--fail-on=never", ...args];
  const child = spawn(process.execPath, all, { stdio: [...stdio] });
  const ended = once(child, "exit");
  let peakMiB = 0;
  let cpuSeconds = 0;
  const look = setInterval(async () => {
    const usage = await processUsage(child.pid).catch(() => undefined);
    if (!usage) return;
    peakMiB = Math.max(peakMiB, Math.round(usage.peakRss / 2 ** 20));
    cpuSeconds = Math.max(cpuSeconds, usage.cpu / 1e6);
  }, 50);
  let text = "";
  for await (const chunk of child.stdout ?? []) text += chunk;
  const [code] = await ended;
  clearInterval(look);
  if (code !== 0) throw new Error(`audit ended with ${code}`);
  const { items } = JSON.parse(text) as { items: unknown[] };
  return { seconds: (performance.now() - began) / 1000, cpuSeconds, peakMiB, items: items.length };
}

function kubeconfigOf({ url }: World): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "bench",
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    clusters: [{ name: "bench", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "bench", user: {} }],
  });
}
