import { readFile } from "node:fs/promises";

/** What a process has used so far, as Linux tells it: bytes that are and at most were resident, processor time in µs. */
export async function processUsage(
  pid: number | undefined,
): Promise<{ rss: number; peakRss: number; cpu: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  const ticks = 1e6 / 100;
  const bytes = (pattern: RegExp): number => Number(pattern.exec(status)?.[1] ?? 0) * 1024;
  return { rss: bytes(/VmRSS:\s+(\d+)/), peakRss: bytes(/VmHWM:\s+(\d+)/), cpu: (user + system) * ticks };
}
