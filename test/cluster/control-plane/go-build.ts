import { chmod, cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BinaryCache, makeScratch } from "./binary-cache.ts";
import { runCommand } from "./command.ts";
import { type ProgramName, programs } from "./programs.ts";

/** Builds the pinned programs with Go. */

const buildTimeoutMs = 60 * 60_000;

export type Log = (line: string) => void;

/** Says why Go cannot build the pinned modules here, or nothing when it can. */
export async function goProblem(): Promise<string | undefined> {
  const goMod = await readFile(join(moduleFolder("kubernetes"), "go.mod"), "utf8");
  const needed = /^go (\d+\.\d+)/m.exec(goMod)?.[1] ?? "1.26";
  const found = await runCommand("go", ["version"], {
    cwd: moduleFolder("kubernetes"), // where Go may switch to a newer toolchain by itself
    mayFail: true,
  }).catch(() => undefined);
  if (found === undefined) return `Go ${needed} or newer is needed and no go is on the PATH`;
  const version = /\bgo(\d+\.\d+)/.exec(found.stdout)?.[1];
  if (found.code !== 0 || version === undefined) return `go version failed: ${found.stderr.trim()}`;
  if (!isAtLeast(version, needed)) return `Go ${needed} or newer is needed, and this is Go ${version}`;
  return undefined;
}

function isAtLeast(version: string, needed: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = needed.split(".").map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

export async function buildPrograms(
  cache: BinaryCache,
  names: readonly ProgramName[],
  log: Log,
): Promise<void> {
  await mkdir(cache.bin, { recursive: true });
  const scratch = await makeScratch(cache);
  try {
    for (const [index, name] of names.entries()) {
      const started = Date.now();
      log(`building ${name} (${index + 1} of ${names.length})`);
      await buildProgram(name, join(scratch, name));
      await rename(join(scratch, name), join(cache.bin, name));
      log(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function buildProgram(name: ProgramName, output: string): Promise<void> {
  const program = programs[name];
  const cwd = moduleFolder(program.module);
  const goMod = await readFile(join(cwd, "go.mod"), "utf8");
  const version = new RegExp(`^\\s*(?:require )?${program.versionOf} (v\\S+)`, "m").exec(goMod)?.[1];
  if (version === undefined) throw new Error(`${cwd}/go.mod does not require ${program.versionOf}`);
  const flags = ["-s", "-w", ...program.versionFlags(version)].join(" ");
  const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", output];
  await runCommand("go", [...args, program.package], {
    cwd,
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
    timeoutMs: buildTimeoutMs,
  });
}

/** Copies the stages that kwok's own source ships: what makes a node Ready and a pod run. */
export async function copyKwokStages(cache: BinaryCache): Promise<void> {
  const listed = await runCommand("go", ["list", "-m", "-f", "{{.Dir}}", programs.kwok.versionOf], {
    cwd: moduleFolder("kwok"),
    env: { ...process.env, GOWORK: "off" },
    timeoutMs: buildTimeoutMs,
  });
  const source = join(listed.stdout.trim(), "kustomize", "stage");
  const scratch = await makeScratch(cache);
  try {
    for (const stage of kwokStageFiles) {
      const target = join(scratch, stage);
      await cp(join(source, stage), target);
      await chmod(target, 0o644); // the module cache is read-only
    }
    await rename(scratch, cache.kwokStages);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The stages that are always played, and those of pod/chaos, which a test may add to make containers fail. */
export const kwokStageFiles = [
  "node/fast/node-initialize.yaml",
  "node/heartbeat/node-heartbeat.yaml",
  "pod/fast/pod-ready.yaml",
  "pod/fast/pod-complete.yaml",
  "pod/fast/pod-delete.yaml",
  "pod/chaos/pod-container-running-failed.yaml",
  "pod/chaos/pod-init-container-running-failed.yaml",
] as const;

function moduleFolder(module: string): string {
  return join(import.meta.dirname, module);
}
