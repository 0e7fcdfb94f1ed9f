import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "./control-plane/command.ts";

/** `npm run cluster` as a person has it. */

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "kthena-ascend-test-"));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** Starts it with a folder for temporary files to itself, so that what it leaves there is seen. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(scratch, "run-"));
  const child = spawn("npm", ["run", "--silent", "cluster"], {
    // npm keeps a cache of compiled code there, which is none of ours.
    env: {
      ...process.env,
      TMPDIR: folder,
      NODE_DISABLE_COMPILE_CACHE: "1",
      KTHENA_CONTROLLER_MANAGER: "",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const exited = once(child, "exit").then(([code]): unknown => code);
  const said = async (text: string) => {
    while (!output.includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended without saying ${text}:\n${output}`);
      await sleep(50);
    }
  };
  return { child, folder, exited, said, output: () => output };
}

/** Waits until nothing runs and nothing lies there any more; the guard may take a moment. */
async function nothingLeft(folder: string): Promise<void> {
  const runs = async () => (await processes()).some((line) => line.includes(folder));
  for (let tries = 0; tries < 100 && ((await runs()) || (await readdir(folder)).length > 0); tries += 1) {
    await sleep(100);
  }
  expect((await processes()).filter((line) => line.includes(folder))).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
}

async function processes(): Promise<readonly string[]> {
  const ids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  return Promise.all(ids.map((id) => readFile(join("/proc", id, "cmdline"), "utf8").catch(() => "")));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(-child.pid, signal);
}

test("what it prints can be pasted, line by line; SIGTERM to npm ends it and leaves nothing", async () => {
  const run = await start();
  await run.said("Ctrl-C ends");
  const lines = run.output().split("\n");
  const exports = lines.filter((line) => line.startsWith("export "));
  expect(exports).toHaveLength(2);
  expect(exports[0]).toMatch(/^export KUBECONFIG=\S+$/);
  const commands = lines.filter((line) => line.startsWith("kubectl ") && !line.includes(" edit "));
  expect(commands).toHaveLength(5);
  const answers: string[] = [];
  for (const command of commands) {
    const script = [...exports, command].join("\n");
    const { stdout, stderr } = await runCommand("sh", ["-c", script], { cwd: process.cwd(), mayFail: true });
    answers.push(stdout + stderr);
  }
  expect(answers[1]).toBe("modelserving.workload.serving.volcano.sh/qwen3-32b created\n");
  expect(answers[2]).toContain("name: HCCL_IF_IP");
  expect(answers[3]).toContain('The ModelServing "too-few-npus" is invalid');
  expect(answers[4]).toContain("kind: AscendDefaults");
  run.child.kill("SIGTERM");
  expect(await run.exited).toBe(0);
  await nothingLeft(run.folder);
});

test("Ctrl-C, which reaches npm and all of its children, ends it and leaves nothing", async () => {
  const run = await start();
  await run.said("Ctrl-C ends");
  signalGroup(run.child, "SIGINT");
  await run.exited;
  await nothingLeft(run.folder);
});

test("SIGTERM while it starts leaves nothing either", async () => {
  const run = await start();
  while ((await readdir(run.folder)).length === 0) await sleep(20);
  await sleep(1_000);
  run.child.kill("SIGTERM");
  await run.exited;
  await nothingLeft(run.folder);
});

test("Kthena's controllers are started when they are named, and told when they do not run", async () => {
  const program = join(scratch, "controllers");
  await writeFile(program, `#!/bin/sh\necho "$@" >${scratch}/arguments\nexec sleep 1000\n`);
  await chmod(program, 0o755);
  const run = await start({ KTHENA_CONTROLLER_MANAGER: program });
  await run.said("Kthena's controllers run too");
  const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(run.output())?.[1];
  expect(await readFile(join(scratch, "arguments"), "utf8")).toBe(
    `--kubeconfig=${kubeconfig} --enable-webhook=false\n`,
  );
  run.child.kill("SIGTERM");
  await run.exited;
  await nothingLeft(run.folder);
  await writeFile(program, "#!/bin/sh\necho no such flag\nexit 3\n");
  const failed = await start({ KTHENA_CONTROLLER_MANAGER: program });
  expect(await failed.exited).toBe(1);
  expect(failed.output()).toContain("no such flag");
});

test("without Go and without a cache it says what to do", async () => {
  const bin = join(scratch, "bin");
  await mkdir(bin);
  for (const name of ["npm", "node", "sh"]) await symlink(await onPath(name), join(bin, name));
  const run = await start({ PATH: bin, KTHENA_ASCEND_CACHE: join(scratch, "cache"), KUBEBUILDER_ASSETS: "" });
  expect(await run.exited).toBe(1);
  expect(run.output()).toContain("The local control plane lacks etcd, kube-apiserver, kubectl,");
  expect(run.output()).toContain("Go 1.26 or newer is needed and no go is on the PATH");
  expect(run.output()).toContain("https://go.dev/doc/install");
});

async function onPath(name: string): Promise<string> {
  return (await runCommand("sh", ["-c", `command -v ${name}`])).stdout.trim();
}
