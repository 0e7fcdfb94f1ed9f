import { copyFile, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  commandsOf,
  pageNames,
  readersFolder,
  readPage,
  removeFolder,
  runAsReader,
  type Shown,
  shows,
} from "../docs/console-blocks.ts";
import { runnerOf } from "../docs/runners.ts";
import { findBinaries } from "./control-plane/binaries.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { installQueue, playControllers } from "./installation/played.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import { eventually, type ManifestUser, manifestOf, userIn } from "./manifest-user.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "./product.ts";

/** The commands of the pages that need an installation with models, as they stand there, in their order. */

const ROOT = join(import.meta.dirname, "..", "..");
const OWN = "test/cluster/pages.cluster.test.ts";
const PLACE = { namespace: "models", name: "qwen3-32b" };

const shown: Shown[] = [];
for (const page of await pageNames()) shown.push(...commandsOf(page, await readPage(page)));
const commands = shown.filter((one) => runnerOf(one)?.suite === OWN);

let product: Product;
let owner: ManifestUser;
let folder: string;
let kubeconfig: string;
let playing: NodeJS.Timeout;

beforeAll(async () => {
  product = await startProduct({ crdFolders: [crdFolder(), podGroupCrdFolder()] });
  await playControllers(product.plane);
  await installQueue(product.plane, "default");
  folder = await readersFolder();
  const { paths } = await findBinaries(() => {});
  await symlink(paths.kubectl, join(folder, "bin", "kubectl"));
  kubeconfig = await prodKubeconfig();
  owner = await userIn(product.plane, PLACE.namespace);
  const example = join(ROOT, "examples", "modelserving", "single-node.yaml");
  await owner.apply(manifestOf(await readFile(example, "utf8")));
  await createPods(product.admin, PLACE);
  const ready = () => reportServing(product.admin, PLACE, true).catch(() => {});
  await ready();
  playing = setInterval(() => void ready(), 300);
  await writeFile(join(folder, "new.yaml"), document("bond0"));
  await copyFile(kubeconfig, join(folder, "prod.kubeconfig"));
  const all = "modelservings,modelservers,modelroutes";
  const { stdout } = await product.plane.kubectl(["get", all, "--all-namespaces", "-o", "yaml"]);
  await writeFile(join(folder, "export.yaml"), stdout);
});

afterAll(async () => {
  clearInterval(playing);
  await product?.stop();
  if (folder) await removeFolder(folder);
});

/** A kubeconfig whose current context is `prod`. */
async function prodKubeconfig(): Promise<string> {
  const file = join(folder, "kubeconfig");
  await copyFile(product.plane.kubeconfig, file);
  const { stdout } = await product.plane.kubectl(["config", "current-context"]);
  await product.plane.kubectl([`--kubeconfig=${file}`, "config", "rename-context", stdout.trim(), "prod"]);
  return file;
}

function document(socketIfname: string): string {
  return `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: ${socketIfname}}\n`;
}

/** Changes the cluster's defaults, and waits until they hold. */
async function useInterface(name: string): Promise<void> {
  const patch = JSON.stringify({ data: { "defaults.yaml": document(name) } });
  const map = ["configmap", "kthena-ascend-defaults", `--namespace=${RELEASE_NAMESPACE}`];
  await product.plane.kubectl(["patch", ...map, "--type=merge", "-p", patch]);
  const trial = await readFile(join(folder, "manifests", "model.yaml"), "utf8");
  const text = trial.replace("name: qwen3-32b", "name: trial").replace(/^ {2}namespace:.*\n/m, "");
  await eventually(
    `defaults with ${name}`,
    async () => (await owner.run(["create", "--dry-run=server", "-o", "json", "-f", "-"], text)).stdout,
    (stdout) => stdout.includes(`"${name}"`),
  );
}

async function interfaceOfModel(): Promise<string | undefined> {
  const model = JSON.stringify(await owner.get("modelserving", PLACE.name));
  return /"HCCL_SOCKET_IFNAME","value":"(\w+)"/.exec(model)?.[1];
}

/** What has to be so before a command, beside what those before it left. */
const BEFORE: readonly { piece: string; prepare: () => Promise<unknown> }[] = [
  { piece: "refresh -n models --dry-run", prepare: () => useInterface("bond0") },
  {
    piece: "refresh --undo",
    prepare: async () => {
      const [state = ""] = (await readdir(folder)).filter((name) => name.startsWith("refresh-"));
      await rename(join(folder, state), join(folder, "refresh-20260601T120000Z.json"));
      await useInterface("eth0");
    },
  },
];

/** What a command prints, or leaves behind. */
const AFTER: readonly { piece: string; look: (out: string) => unknown }[] = [
  {
    piece: "review --cluster -f model.yaml",
    look: (out) => expect(out).toContain("server: restored as it is stored, nothing restarts"),
  },
  {
    piece: "--live modelserving/qwen3-32b",
    look: (out) => expect(out).toContain("admitted, nothing to add"),
  },
  {
    piece: "kubectl get nodes,queues",
    look: async () => expect(await readFile(join(folder, "facts.yaml"), "utf8")).toContain("kind: Queue"),
  },
  { piece: "explain modelserving/", look: (out) => expect(out).toContain("HCCL_SOCKET_IFNAME") },
  { piece: "explain pod/", look: (out) => expect(out).toContain("qwen3-32b-0-server-0-0") },
  {
    piece: "uninject modelserving/",
    look: async () => {
      const lean = await readFile(join(folder, "model.yaml"), "utf8");
      expect(lean).toContain("name: qwen3-32b");
      expect(lean).not.toMatch(/HCCL|injected/);
    },
  },
  {
    piece: "uninject --keep",
    look: async () => expect(await readFile(join(folder, "complete.yaml"), "utf8")).toContain("HCCL_IF_IP"),
  },
  { piece: "audit -d new.yaml --diff", look: (out) => expect(out).toContain("bond0") },
  { piece: "audit --against", look: (out) => expect(out).toContain("this version") },
  {
    piece: "audit -d new.yaml -o html",
    look: async () => expect(await readFile(join(folder, "audit.html"), "utf8")).toMatch(/<html[\s\S]*qwen3/),
  },
  { piece: "-o junit", look: (out) => expect(out).toContain("<testsuite") },
  {
    piece: "refresh -n models --dry-run",
    look: async (out) => {
      expect(out).toContain("1 model in 1 wave: 2 pods with 8 NPUs restart.");
      expect(await interfaceOfModel()).toBe("eth0");
    },
  },
  {
    piece: "refresh -n models --max-unavailable 2",
    look: async () => expect(await interfaceOfModel()).toBe("bond0"),
  },
  { piece: "edit configmap", look: (out) => expect(out).toContain("Edit cancelled, no changes made") },
  { piece: "refresh --undo", look: async () => expect(await interfaceOfModel()).toBe("eth0") },
  { piece: "defaults --namespace models", look: (out) => expect(out).toContain("socketIfname: eth0") },
];

test.each(commands)("$page: $command", { timeout: 200_000 }, async ({ command, output }) => {
  for (const { prepare } of BEFORE.filter(({ piece }) => command.includes(piece))) await prepare();
  const ended = await runAsReader(command, folder, kubeconfig);
  expect(ended, `${ended.stdout}\n${ended.stderr}`).toMatchObject({ code: ended.expected });
  if (output !== undefined && !shows(output, ended.stdout)) expect(output).toBe(ended.stdout);
  for (const { look } of AFTER.filter(({ piece }) => command.includes(piece)))
    await look(`${ended.stdout}${ended.stderr}`);
});

test("every command that is prepared or looked at stands in a page", () => {
  const pieces = [...BEFORE, ...AFTER].map(({ piece }) => piece);
  const unknown = pieces.filter((piece) => !commands.some(({ command }) => command.includes(piece)));
  expect(unknown).toEqual([]);
});
