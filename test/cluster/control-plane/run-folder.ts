import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Binaries } from "./binaries.ts";

/**
 * The folder of one control plane, and a guard that outlives this process: a small shell that waits for the
 * end of its standard input. That comes when the control plane is stopped, and just as well when this process
 * exits, is interrupted or is killed outright. Then it kills what still runs and removes the folder.
 */

export type RunFolders = {
  readonly root: string;
  readonly logs: string;
  readonly pids: string;
  readonly kubeconfigs: string;
  /** Environment for everything that runs in it: no proxies, no one's home folder. */
  readonly env: NodeJS.ProcessEnv;
};

export type RunFolder = RunFolders & {
  /** Keeps the logs when the rest is removed. */
  keepLogs(): Promise<void>;
  /** Removes the folder, and gives back when that is done. */
  remove(): Promise<void>;
};

const guardScript = `
trap '' HUP INT TERM
cd /
cat >/dev/null
for file in "$1"/pids/*; do
  [ -f "$file" ] && kill -s KILL -- "-$(cat "$file")" 2>/dev/null
done
for try in 1 2 3 4 5; do
  if [ -e "$1/keep-logs" ]; then
    find "$1" -mindepth 1 -maxdepth 1 ! -name logs ! -name keep-logs -exec rm -rf {} + && rm "$1/keep-logs" && break
  else
    rm -rf "$1" && break
  fi
  sleep 0.2
done 2>/dev/null
`;

export async function makeRunFolder(binaries: Binaries): Promise<RunFolder> {
  const root = await mkdtemp(join(tmpdir(), "kthena-ascend-cluster-"));
  const guard = spawn("/bin/sh", ["-c", guardScript, "guard", root], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const folder = (name: string) => join(root, name);
  for (const name of ["logs", "pids", "kubeconfigs", "home"]) await mkdir(folder(name));
  return {
    root,
    logs: folder("logs"),
    pids: folder("pids"),
    kubeconfigs: folder("kubeconfigs"),
    env: cleanEnvironment(binaries, folder("home")),
    keepLogs: () => writeFile(folder("keep-logs"), ""),
    remove: () => endGuard(guard),
  };
}

async function endGuard(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null || guard.signalCode !== null) return;
  const exited = once(guard, "exit");
  guard.stdin?.end();
  await exited;
}

/** Memory against time: what Go collects less often takes a fifth less of the processor. */
const goMemory = { GOGC: "300", GOMEMLIMIT: "768MiB" };

function cleanEnvironment(binaries: Binaries, home: string): NodeJS.ProcessEnv {
  const folders = new Set([dirname(binaries.paths.kubectl), dirname(binaries.paths.helm)]);
  const path = [...folders, process.env.PATH ?? "/usr/bin:/bin"].join(":");
  const { NODE_COMPILE_CACHE } = process.env;
  return {
    PATH: path,
    HOME: home,
    TMPDIR: tmpdir(),
    LANG: "C.UTF-8",
    ...goMemory,
    ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
  };
}
