import type { Binaries } from "./binaries.ts";
import { claimLoopback, type Loopback } from "./loopback.ts";
import { ManagedProcess, type ProcessSpec } from "./managed-process.ts";
import { makeRunFolder, type RunFolder } from "./run-folder.ts";

/** What one control plane has on this machine: a folder, loopback networks, processes. */

export type Site = {
  readonly binaries: Binaries;
  readonly folders: RunFolder;
  readonly loopback: Loopback;
  readonly processes: ManagedProcess[];
};

export async function openSite(binaries: Binaries): Promise<Site> {
  const loopback = await claimLoopback();
  const folders = await makeRunFolder(binaries);
  return { binaries, folders, loopback, processes: [] };
}

export function addProcess(site: Site, spec: ProcessSpec): ManagedProcess {
  if (site.processes.some((other) => other.name === spec.name)) {
    throw new Error(`there is a process ${spec.name} already`);
  }
  const added = new ManagedProcess(spec, site.folders);
  site.processes.push(added);
  return added;
}

/** Kills everything, the newest first; nothing here is worth a graceful end. */
export async function closeSite(site: Site, keepLogs: boolean): Promise<void> {
  for (const running of site.processes.toReversed()) await running.stop("SIGKILL");
  if (keepLogs) await site.folders.keepLogs();
  await site.folders.remove();
  await site.loopback.release();
}
