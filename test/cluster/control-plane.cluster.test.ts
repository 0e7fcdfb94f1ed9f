import { spawn } from "node:child_process";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forbiddenForGood } from "./control-plane/audit-log.ts";
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "./control-plane/control-plane.ts";

const bare: ControlPlaneOptions = { controllerManager: false, scheduler: false, kwok: false };

/** Process ids of what runs for a control plane: their command lines name its folder. */
async function processesOf(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(join("/proc", entry, "cmdline"), "utf8").catch(() => "");
    if (line.includes(folder)) found.push(Number(entry));
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function pod(name: string, npus: string, more: object = {}): string {
  const resources = {
    requests: { "huawei.com/ascend-1980": npus },
    limits: { "huawei.com/ascend-1980": npus },
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", ...more },
    spec: { schedulerName: "volcano", containers: [{ name: "vllm", image: "vllm", resources }] },
  });
}

describe("with everything in it", () => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane({ audit: true, users: [{ name: "nobody", groups: [] }] });
  });

  afterAll(async () => {
    await plane?.stop();
  });

  test("nodes are Ready and have NPUs", async () => {
    const path = "{range .items[*]}{.status.allocatable.huawei\\.com/ascend-1980} ";
    const ready = '{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    const { stdout } = await plane.kubectl(["get", "nodes", "-o", `jsonpath=${path}${ready}`]);
    expect(stdout).toBe("8 True\n8 True\n");
  });

  test("pods that ask for NPUs run until there are none left", async () => {
    for (const name of ["a", "b", "c"]) await plane.kubectl(["create", "-f", "-"], { input: pod(name, "8") });
    await plane.kubectl(["wait", "--for=condition=Ready", "pod/a", "pod/b", "--timeout=30s"]);
    const { stdout } = await plane.kubectl(["get", "pod", "c", "-o", "jsonpath={.status.phase}"]);
    expect(stdout).toBe("Pending");
    await plane.kubectl(["delete", "pod", "a", "--wait"]);
    await plane.kubectl(["wait", "--for=condition=Ready", "pod/c", "--timeout=30s"]);
  });

  test("what an owner leaves behind is collected, and a namespace with what is in it", async () => {
    await plane.kubectl(["create", "configmap", "owner"]);
    const uid = (await plane.kubectl(["get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}"])).stdout;
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid }];
    await plane.kubectl(["create", "-f", "-"], { input: pod("owned", "1", { ownerReferences }) });
    await plane.kubectl(["delete", "configmap", "owner"]);
    await plane.kubectl(["wait", "--for=delete", "pod/owned", "--timeout=30s"]);
    await plane.kubectl(["create", "namespace", "passing"]);
    await plane.kubectl(["create", "configmap", "within", "--namespace=passing"]);
    await plane.kubectl(["delete", "namespace", "passing", "--timeout=30s"]);
  });

  test("a restarted API server keeps the data, and its clients carry on", async () => {
    await plane.kubectl(["create", "configmap", "kept", "--from-literal=a=1"]);
    await plane.restartApiServer();
    expect((await plane.kubectl(["get", "configmap", "kept", "-o", "jsonpath={.data.a}"])).stdout).toBe("1");
    await plane.kubectl(["create", "-f", "-"], { input: pod("later", "0") });
    await plane.kubectl(["wait", "--for=condition=Ready", "pod/later", "--timeout=60s"]);
  });

  test("what a user may not do stands in the audit log, until it may after all", async () => {
    const kubeconfig = await plane.kubeconfigFor({ user: "nobody" });
    const list = () => plane.kubectl(["get", "secrets"], { kubeconfig, mayFail: true });
    expect((await list()).stderr).toContain("forbidden");
    const forbidden = async () => forbiddenForGood(await plane.auditEvents(), "nobody");
    expect(await forbidden()).toContain("list /api/v1/namespaces/default/secrets");
    const binding = ["create", "rolebinding", "late", "--clusterrole=admin", "--user=nobody"];
    await plane.kubectl([...binding, "--namespace=default"]);
    while ((await list()).code !== 0) await sleep(100); // the API server learns of it in a moment
    expect(await forbidden()).not.toContain("list /api/v1/namespaces/default/secrets");
  });
});

test("two at once do not see each other, and each stops without a process or folder left", async () => {
  const planes = await Promise.all([startControlPlane(bare), startControlPlane(bare)]);
  const [one, other] = planes;
  if (one === undefined || other === undefined) throw new Error("two control planes");
  await one.kubectl(["create", "configmap", "here"]);
  const elsewhere = await other.kubectl(["get", "configmap", "here"], { mayFail: true });
  expect(elsewhere.stderr).toContain("not found");
  for (const plane of planes) expect(await processesOf(plane.folder)).not.toEqual([]);
  await one.stop();
  await other.kubectl(["get", "namespaces"]);
  await other.stop();
  for (const plane of planes) {
    expect(await processesOf(plane.folder)).toEqual([]);
    expect(await exists(plane.folder)).toBe(false);
  }
});

test("a program that does not start is told with the end of its log, and the logs are kept", async () => {
  const failed = startControlPlane({ ...bare, apiServerArguments: ["--no-such-flag"], log: () => {} });
  const message = await failed.then(
    () => "it started",
    (error: Error) => error.message,
  );
  expect(message).toContain("kube-apiserver ended");
  expect(message).toContain("unknown flag: --no-such-flag");
  const logs = /All logs of this control plane: (.+)$/.exec(message)?.[1] ?? "";
  try {
    expect(await readFile(join(logs, "kube-apiserver.log"), "utf8")).toContain("--no-such-flag");
    expect(await readdir(join(logs, ".."))).toEqual(["logs"]);
    expect(await processesOf(join(logs, ".."))).toEqual([]);
  } finally {
    await rm(join(logs, ".."), { recursive: true, force: true });
  }
});

test("logs are kept on request, and nothing else", async () => {
  const lines: string[] = [];
  const plane = await startControlPlane({ ...bare, log: (line) => lines.push(line) });
  await plane.stop({ keepLogs: true });
  try {
    expect(lines.at(-1)).toContain(plane.logsDir);
    expect(await readdir(plane.folder)).toEqual(["logs"]);
    expect(await readdir(plane.logsDir)).toContain("etcd.log");
  } finally {
    await rm(plane.folder, { recursive: true, force: true });
  }
});

test("a process that is killed outright leaves nothing behind either", async () => {
  const program = `
    import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, "control-plane", "control-plane.ts"))};
    const plane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false });
    process.stdout.write(plane.folder);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
  const folder = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(String(text))),
  );
  expect(await processesOf(folder)).not.toEqual([]);
  child.kill("SIGKILL");
  for (let tries = 0; tries < 100 && (await exists(folder)); tries += 1) await sleep(100);
  expect(await exists(folder)).toBe(false);
  for (let tries = 0; tries < 100 && (await processesOf(folder)).length > 0; tries += 1) await sleep(100);
  expect(await processesOf(folder)).toEqual([]);
});
