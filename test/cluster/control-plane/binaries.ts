import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type BinaryCache, binaryCache, removeScratch, withBuildLock } from "./binary-cache.ts";
import { buildPrograms, copyKwokStages, goProblem, type Log } from "./go-build.ts";
import { type ProgramName, programNames } from "./programs.ts";

/**
 * Finds the programs of the control plane, or builds them.
 *
 * 1. `KUBEBUILDER_ASSETS`, when set, is a folder with at least kube-apiserver, etcd and kubectl, as in
 *    envtest; whatever program it holds is taken from there. An API server much older than the pinned one
 *    may not suit the pinned controller manager and scheduler: put those into the folder as well.
 * 2. The rest comes from the cache, and is built with Go when it is not there.
 * 3. Without a Go that can build, helm and kubectl are looked for on the PATH (any version), since these two
 *    are often installed. Anything else that is missing is an error that says what to do.
 */

export type Binaries = {
  readonly paths: Readonly<Record<ProgramName, string>>;
  /** Folder with kwok's stage files. */
  readonly kwokStages: string;
};

export async function findBinaries(log: Log): Promise<Binaries> {
  const cache = await binaryCache();
  const found = await lookUp(cache);
  if (!(await isComplete(found, cache))) {
    const problem = await goProblem();
    if (problem === undefined) await buildMissing(cache, log);
    else await completeFromPath(found, cache, problem);
  }
  const paths = { ...found, ...(await lookUp(cache)) };
  const kwokStages = await stages(cache);
  if (!hasAll(paths) || kwokStages === undefined) throw new Error(`${cache.folder} changed during the build`);
  return { paths, kwokStages };
}

type Found = Partial<Record<ProgramName, string>>;

async function lookUp(cache: BinaryCache): Promise<Found> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets) await requireAssets(assets);
  const found: Found = {};
  for (const name of programNames) {
    const path = await firstUsable(name, assets ? [assets, cache.bin] : [cache.bin]);
    if (path !== undefined) found[name] = path;
  }
  return found;
}

async function requireAssets(folder: string): Promise<void> {
  for (const name of ["kube-apiserver", "etcd", "kubectl"]) {
    if ((await firstUsable(name, [folder])) === undefined) {
      throw new Error(`KUBEBUILDER_ASSETS=${folder} holds no ${name}; unset it to have one built with Go`);
    }
  }
}

async function firstUsable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

async function isComplete(found: Found, cache: BinaryCache): Promise<boolean> {
  return hasAll(found) && (await stages(cache)) !== undefined;
}

function hasAll(found: Found): found is Record<ProgramName, string> {
  return missing(found).length === 0;
}

function missing(found: Found): readonly ProgramName[] {
  return programNames.filter((name) => found[name] === undefined);
}

async function stages(cache: BinaryCache): Promise<string | undefined> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  return firstUsable("kwok-stages", assets ? [assets, cache.folder] : [cache.folder]);
}

async function buildMissing(cache: BinaryCache, log: Log): Promise<void> {
  const onWait = () => log("another process is building the control plane; waiting for it");
  await withBuildLock(cache, onWait, async () => {
    await removeScratch(cache);
    const names = missing(await lookUp(cache));
    if (names.includes("kube-apiserver")) {
      log(
        "building a Kubernetes control plane with Go: about 7 minutes on 2 cores, once per set of versions",
      );
    }
    await buildPrograms(cache, names, log);
    if ((await stages(cache)) === undefined) await copyKwokStages(cache);
    log(`the control plane is in ${cache.bin}`);
  });
}

async function completeFromPath(found: Found, cache: BinaryCache, problem: string): Promise<void> {
  for (const name of ["helm", "kubectl"] as const) {
    const path = found[name] ?? (await firstUsable(name, (process.env.PATH ?? "").split(delimiter)));
    if (path !== undefined) found[name] = path;
  }
  if (await isComplete(found, cache)) return;
  const lacking = [...missing(found), ...((await stages(cache)) ? [] : ["kwok-stages"])];
  throw new Error(
    [
      `The local control plane lacks ${lacking.join(", ")}, and cannot build it: ${problem}.`,
      "Install that version of Go (https://go.dev/doc/install) and run again: npm run control-plane builds",
      "all programs ahead of the tests. KUBEBUILDER_ASSETS may name a folder that holds those you have.",
    ].join("\n"),
  );
}
