import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Where built programs are kept: outside the checkout, a folder for each set of pinned versions. */

const modules = ["kubernetes", "kwok", "helm"] as const;

export type BinaryCache = { readonly folder: string; readonly bin: string; readonly kwokStages: string };

export async function binaryCache(): Promise<BinaryCache> {
  const folder = join(cacheRoot(), "control-plane", await pinnedHash());
  return { folder, bin: join(folder, "bin"), kwokStages: join(folder, "kwok-stages") };
}

/** The folder of everything that is built once and kept; `KTHENA_ASCEND_CACHE` names another. */
export function cacheRoot(): string {
  const own = process.env.KTHENA_ASCEND_CACHE;
  if (own) return own;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kthena-ascend");
}

async function pinnedHash(): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const module of modules) {
    for (const file of ["go.mod", "go.sum"]) {
      hash.update(`\n${module}/${file}\n`).update(await readFile(join(import.meta.dirname, module, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

const scratchPrefix = "scratch-";

/** A folder beside the finished programs, from which they are renamed into place. */
export async function makeScratch(cache: BinaryCache): Promise<string> {
  return mkdtemp(join(cache.folder, scratchPrefix));
}

/** Removes what killed builds left behind; only under the lock. */
export async function removeScratch(cache: BinaryCache): Promise<void> {
  for (const name of await readdir(cache.folder)) {
    if (name.startsWith(scratchPrefix)) await rm(join(cache.folder, name), { recursive: true, force: true });
  }
}

const refreshMs = 5_000;
const staleMs = 30_000;

/**
 * Runs `work` while no other process builds into the same folder. The lock is a folder whose time is kept
 * fresh, so one left by a killed build is taken over; two builds at once would only be wasteful, since
 * every finished program is renamed into place.
 */
export async function withBuildLock<T>(
  cache: BinaryCache,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const lock = join(cache.folder, "building");
  await mkdir(cache.folder, { recursive: true });
  for (let waited = false; !(await tryLock(lock)); waited = true) {
    if (!waited) onWait();
    await sleep(1_000);
  }
  const refresh = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => {});
  }, refreshMs);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    await rm(lock, { recursive: true, force: true });
  }
}

async function tryLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    const age = await stat(lock).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > staleMs) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
