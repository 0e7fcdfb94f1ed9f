import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/self-made.ts";
import { findBinaries } from "./control-plane/binaries.ts";
import { runCommand } from "./control-plane/command.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, peerCrdFolder } from "./control-plane/crds.ts";

/** The commands of the pages of deploy/, run as they stand there, on nodes that kwok plays. */

const PAGES = ["deploy/README.md", "deploy/certificates.md", "deploy/running.md"];

const ROOT = join(import.meta.dirname, "..", "..");
/** What needs a container engine, or the output of one. */
const NOT_HERE = /^(docker|kubectl .* logs|npm ci) |^kubectl .* edit /;
/** Of an installation whose replicas run: test/cluster/pages.cluster.test.ts; of none: test/docs/console-blocks.test.ts. */
const ELSEWHERE = [" check --wait", " serve --port"];
/** Pages that show an installation beside those of deploy/. */
const SHORT = ["README.md", "deploy/chart/README.md"];

let plane: ControlPlane;
let folder: string;

beforeAll(async () => {
  const controllers = ["deployment-controller", "replicaset-controller"];
  plane = await startControlPlane({ controllers, crdFolders: [crdFolder(), peerCrdFolder()] });
  await plane.kubectl(["create", "namespace", "models"]);
  // Stored before the webhooks are there, which nobody answers here.
  const stored = join(ROOT, "examples", "modelserving", "single-node.complete.yaml");
  await plane.kubectl(["apply", "-f", stored]);
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-readme-"));
  await checkout();
});

afterAll(async () => {
  await plane?.stop();
  if (folder) await rm(folder, { recursive: true });
});

/** A folder that looks like the checkout, beside what the reader brings. */
async function checkout(): Promise<void> {
  for (const name of ["deploy", "src", "node_modules", "package.json"]) {
    await symlink(join(ROOT, name), join(folder, name));
  }
  await copyFile(join(ROOT, "examples", "modelserving", "single-node.yaml"), join(folder, "model.yaml"));
  const ca = await issueCa("company", 10);
  const { cert, key } = await issueLeaf(ca, {
    dnsNames: ["kthena-ascend.kthena-ascend-system.svc"],
    days: 5,
  });
  await writeFile(join(folder, "ca.crt"), ca.cert);
  await writeFile(join(folder, "tls.crt"), cert);
  await writeFile(join(folder, "tls.key"), key);
  const { paths } = await findBinaries(() => {});
  await mkdir(join(folder, "bin"));
  for (const name of ["helm", "kubectl"] as const) await symlink(paths[name], join(folder, "bin", name));
}

async function consoleBlocks(names = PAGES): Promise<string[]> {
  const pages = await Promise.all(names.map((page) => readFile(join(ROOT, page), "utf8")));
  const blocks = pages.flatMap((page) => [...page.matchAll(/```console\n([\s\S]*?)```/g)]);
  return blocks.map(([, block = ""]) => block);
}

async function run(block: string): Promise<void> {
  const commands = block.split(/^\$ /m).filter((command) => command !== "" && !NOT_HERE.test(command));
  const PATH = [join(folder, "bin"), join(ROOT, "node_modules", ".bin"), process.env.PATH].join(":");
  const homes = Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, folder]));
  const env = { ...process.env, ...homes, PATH, KUBECONFIG: plane.kubeconfig };
  const script = ["set -euo pipefail", ...commands].join("\n");
  await runCommand("bash", ["-c", script], { cwd: folder, env, timeoutMs: 150_000 });
}

/** Ways through the section: pieces of the blocks that a reader would run one after the other. */
const WAYS: Record<string, readonly string[]> = {
  helm: [
    "check --pre",
    "defaults.platform=cce",
    "deploy/chart --namespace kthena-ascend-system\n",
    "get pods",
    "delete mutatingwebhookconfiguration",
    "deploy/chart --namespace kthena-ascend-system\n",
    "failurePolicy=Ignore",
    "prometheusRule.enabled=true",
    "review --cluster -f model.yaml",
    "uninject --keep",
    "helm uninstall",
    "kubectl replace -f",
  ],
  kubectl: ["sed ", "delete mutatingwebhookconfiguration", "sed ", "kubectl delete -f"],
  "cert-manager": ["mode=certManager", "helm uninstall"],
  files: ["mode=files", "helm uninstall"],
  rollback: [
    "check --pre",
    "defaults.platform=cce",
    "failurePolicy=Ignore",
    "helm rollback",
    "helm uninstall",
  ],
};

async function webhooks(): Promise<string[]> {
  const kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
  return (await plane.kubectl(["get", kinds, "-o=name"])).stdout.split("\n").filter(Boolean);
}

test.each(Object.entries(WAYS))("from installing to uninstalling: %s", async (_way, pieces) => {
  const blocks = await consoleBlocks();
  const removed = pieces.findIndex((piece) => piece === "helm uninstall" || piece === "kubectl delete -f");
  for (const [index, piece] of pieces.entries()) {
    const [block, ...others] = blocks.filter((text) => text.includes(piece));
    expect([block, ...others]).toHaveLength(1);
    await run(block ?? "");
    const gone = index >= removed || piece.startsWith("delete mutating") || piece === "check --pre";
    expect(await webhooks()).toHaveLength(gone ? 0 : 2);
  }
  const namespace = await plane.kubectl(["get", "namespace", "kthena-ascend-system"], { mayFail: true });
  expect(namespace.stderr).toContain("not found");
});

test("what uninject --keep gave takes the annotations away, and leaves the pods' template as it was", async () => {
  const { stdout } = await plane.kubectl(["get", "modelserving", "qwen3-32b", "-n=models", "-o", "json"]);
  const { metadata, spec } = JSON.parse(stdout);
  expect(
    Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith("kthena-ascend.io/")),
  ).toEqual([]);
  expect(metadata.generation).toBe(1);
  expect(JSON.stringify(spec)).toContain("HCCL_IF_IP");
});

test.each(SHORT)("%s installs it too", async (page) => {
  const commands = (await consoleBlocks([page])).flatMap((block) => block.split(/^\$ /m));
  const installing = commands.filter((command) => command.startsWith("helm install"));
  expect(installing).toHaveLength(1);
  await run(`$ ${installing[0]?.replace(" CHART ", " deploy/chart ")}`);
  expect(await webhooks()).toHaveLength(2);
  const removing = (await consoleBlocks()).filter((block) => block.includes("helm uninstall"));
  await run(removing[0] ?? "");
  expect(await webhooks()).toHaveLength(0);
});

test("no command is left out, except those that need a container engine", async () => {
  const pieces = Object.values(WAYS).flat();
  const others = (await consoleBlocks()).filter(
    (block) => ![...pieces, ...ELSEWHERE].some((piece) => block.includes(piece)),
  );
  expect(others).toEqual([expect.stringMatching(/^\$ docker build .*\n\$ docker push .*\n$/)]);
});
