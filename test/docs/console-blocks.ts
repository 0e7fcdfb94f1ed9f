import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..");
/** `# exit code N` behind a command says how it ends where that is not 0. */
const EXIT_CODE = /# exit code (\d+)\s*$/;

/** A command of a page, and the output that the page shows of it: the `diff` or `text` block right behind. */
export interface Shown {
  page: string;
  command: string;
  output: string | undefined;
}

/** The names of all pages, as git lists them. */
export async function pageNames(): Promise<string[]> {
  const args = ["ls-files", "-co", "--exclude-standard", "*.md"];
  const { stdout } = await promisify(execFile)("git", args, { cwd: ROOT });
  return stdout.split("\n").filter((name) => name !== "");
}

/** The text of a page. */
export function readPage(page: string): Promise<string> {
  return readFile(join(ROOT, page), "utf8");
}

/** The commands of a page's `console` blocks, in their order: each begins with `$ `. */
export function commandsOf(page: string, text: string): Shown[] {
  const blocks = text.matchAll(/^```console\n([\s\S]*?)^```\n(?:\n```(?:diff|text)\n([\s\S]*?)^```$)?/gm);
  return [...blocks].flatMap(([, block = "", output]) => {
    const commands = block.split(/^\$ /m).slice(1);
    return commands.map((command, index) => ({
      page,
      command: command.trim(),
      output: index === commands.length - 1 ? output : undefined,
    }));
  });
}

/** The `diff` and `text` blocks that follow no command. */
export function blocksWithoutCommand(text: string): string[] {
  const rest = text.replace(/^```console\n[\s\S]*?^```\n(?:\n```(?:diff|text)\n[\s\S]*?^```$)?/gm, "");
  return [...rest.matchAll(/^```(?:diff|text)\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** How a command of a page ended. */
export interface Ended {
  code: number | null;
  expected: number;
  stdout: string;
  stderr: string;
}

/** A folder that looks like the checkout, beside the manifests and defaults of a reader. */
export async function readersFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-pages-"));
  const links = [
    "bench",
    "certs-scripts",
    "deploy",
    "examples",
    "node_modules",
    "package.json",
    "src",
    "test",
  ];
  for (const name of links) await symlink(join(ROOT, name), join(folder, name));
  await mkdir(join(folder, "bin"));
  // npx looks for a program in node_modules/.bin, as the shell does here, and takes a second for it.
  await writeFile(join(folder, "bin", "npx"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const program = `#!/bin/sh\nexec node ${join(ROOT, "src", "main.ts")} "$@"\n`;
  await writeFile(join(folder, "bin", "kthena-ascend"), program, { mode: 0o755 });
  const single = await readFile(join(ROOT, "examples", "modelserving", "single-node.yaml"), "utf8");
  await writeFile(join(folder, "model.yaml"), single);
  const complete = join(ROOT, "examples", "modelserving", "single-node.complete.yaml");
  await writeFile(join(folder, "exported.yaml"), await readFile(complete, "utf8"));
  await mkdir(join(folder, "manifests"));
  await writeFile(join(folder, "manifests", "model.yaml"), single);
  const head = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
  await writeFile(join(folder, "defaults.yaml"), `${head}platform: mindcluster\nhardware: a3\n`);
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n" },
    status: { capacity: { cpu: "8" } },
  };
  await writeFile(
    join(folder, "facts.yaml"),
    JSON.stringify({ apiVersion: "v1", kind: "List", items: [node] }),
  );
  await writeFile(join(folder, "wrong.yaml"), `${head}hccl:\n  socketIfName: eth0\n`);
  await writeFile(join(folder, "site.yaml"), `${head}platform: mindcluster\n`);
  await writeFile(join(folder, "team.yaml"), `${head}rules: {"*": warn}\n`);
  return folder;
}

/** Runs a command as a reader would, in his shell. `kubeconfig`: of his cluster, where he has one. */
export async function runAsReader(command: string, folder: string, kubeconfig?: string): Promise<Ended> {
  const child = readersShell(command, folder, kubeconfig);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, expected: Number(EXIT_CODE.exec(command)?.[1] ?? 0), stdout, stderr };
}

/** Whether a command that does not end begins to serve, which its log tells; it is ended then. */
export async function servesAsReader(command: string, folder: string): Promise<boolean> {
  const child = readersShell(`exec ${command}`, folder);
  const closed = once(child, "close");
  let log = "";
  const serving = new Promise<boolean>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (/"msg":"[^"]*(listening|serving)/.test(log)) resolve(true);
    });
    void closed.then(() => resolve(false));
  });
  const serves = await serving;
  if (child.pid !== undefined && serves) process.kill(-child.pid, "SIGKILL");
  await closed;
  return serves;
}

/** A shell of its own process group, without a cluster of whoever runs the tests. */
function readersShell(
  command: string,
  folder: string,
  kubeconfig = join(folder, "no-kubeconfig"),
): ChildProcessByStdio<null, Readable, Readable> {
  const PATH = [join(folder, "bin"), join(ROOT, "node_modules", ".bin"), process.env.PATH].join(":");
  const { FORCE_COLOR: _force, ...rest } = process.env;
  const env = { ...rest, PATH, NO_COLOR: "1", KUBECONFIG: kubeconfig, KUBE_EDITOR: "true" };
  return spawn("bash", ["-euo", "pipefail", "-c", command], {
    cwd: folder,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Removes it. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true });
}

/**
 * Whether a page shows an output: to the letter, except that a line `…` stands for any lines, and for what the run
 * takes (`31.5 ms`) and how long an annotation that is left out is.
 */
export function shows(shown: string, output: string): boolean {
  const left = withoutTimes(output).split("\n");
  let from = 0;
  for (const [index, part] of withoutTimes(shown).trimEnd().split(/^…\n?/m).entries()) {
    const lines = part === "" ? [] : part.replace(/\n$/, "").split("\n");
    const at = placeOf(lines, left, from, index > 0);
    if (at < 0) return false;
    from = at + lines.length;
  }
  return shown.trimEnd().endsWith("…") || left.slice(from).join("").trim() === "";
}

/** Where the lines stand from a place on: right there, or anywhere behind a gap. */
function placeOf(lines: readonly string[], all: readonly string[], from: number, anywhere: boolean): number {
  const last = anywhere ? all.length - lines.length : from;
  for (let at = from; at <= last; at += 1) {
    if (lines.every((line, index) => all[at + index] === line)) return at;
  }
  return -1;
}

function withoutTimes(text: string): string {
  return text.replace(/\d+(?:\.\d+)? ms/g, "N ms").replace(/# \d+ characters$/gm, "# N characters");
}
