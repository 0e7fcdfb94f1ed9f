import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "../control-plane/binary-cache.ts";
import { runCommand } from "../control-plane/command.ts";

/** Flux's own apply engine (github.com/fluxcd/pkg/ssa), built with Go once per version and kept outside the checkout. */

/** What the engine did with one object: `created`, `configured`, `unchanged`. */
export interface FluxChange {
  step: "first" | "second" | "drift";
  /** `ModelServing/models/qwen3-32b`. */
  subject: string;
  action: string;
}

/** Applies manifests twice and looks for drift, as Flux does. Throws where the engine fails. */
export async function fluxApply(
  kubeconfig: string,
  namespace: string,
  manifests: string,
): Promise<FluxChange[]> {
  const program = await fluxProgram();
  const args = ["--kubeconfig", kubeconfig, "--namespace", namespace];
  const { stdout } = await runCommand(program, args, { input: manifests });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as FluxChange);
}

/** The path of the program; builds it (about 4 minutes on 2 cores) where it is not there yet. */
export async function fluxProgram(): Promise<string> {
  const folder = join(cacheRoot(), "flux", await pinnedHash());
  const program = join(folder, "flux-apply");
  const there = await access(program).then(
    () => true,
    () => false,
  );
  if (there) return program;
  await mkdir(folder, { recursive: true });
  const scratch = `${program}.${process.pid}`;
  await runCommand("go", ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", scratch, "."], {
    cwd: import.meta.dirname,
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" },
    timeoutMs: 30 * 60_000,
  });
  await rename(scratch, program);
  return program;
}

async function pinnedHash(): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["go.mod", "go.sum", "main.go"]) {
    hash.update(`\n${file}\n`).update(await readFile(join(import.meta.dirname, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
