import { percentile, type Seen } from "./load.ts";

/** What was seen of one way in one turn. */
export interface Turn {
  creates: Seen;
  updates: Seen;
}

/** What was seen in all turns, by name of the way. */
export type Turns = ReadonlyMap<string, readonly Turn[]>;

/** How many pods of the burst are created at a time. */
export const PODS_UNDER_WAY = 32;

const REPLAY = "replay";

/** A table in Markdown of what was seen with so many under way: the best of the turns of each. */
export function loadTable(turns: number, underWay: number, all: Turns): string {
  const header = ["", "creates/s", "lean p50 ms", "÷ replay", "p99", "÷ replay", "complete p50", "÷ replay"];
  const more = ["large p50", "÷ replay", "updates/s", "p50", "p99", "large p50", "failed"];
  const rows = [...all].map(([name, seen]) => {
    const replay = all.get(REPLAY) ?? [];
    const creates = seen.map((turn) => turn.creates);
    const updates = seen.map((turn) => turn.updates);
    const beside = (sort: string, share: number): string[] => {
      const own = best(creates, sort, share);
      const theirs = best(
        replay.map((turn) => turn.creates),
        sort,
        share,
      );
      return [own.toFixed(1), (own / theirs).toFixed(2)];
    };
    return [
      name,
      rate(creates),
      ...beside("lean", 0.5),
      ...beside("lean", 0.99),
      ...beside("complete", 0.5),
      ...beside("large", 0.5),
      rate(updates),
      best(updates, "lean", 0.5).toFixed(1),
      best(updates, "lean", 0.99).toFixed(1),
      best(updates, "large", 0.5).toFixed(1),
      failures([...creates, ...updates]),
    ];
  });
  return `${underWay} under way, ${bestOf(turns)}:\n\n${markdown([...header, ...more], rows)}`;
}

/** The same for a burst of pods. */
export function podTable(turns: number, pods: number, all: ReadonlyMap<string, readonly Seen[]>): string {
  const rows = [...all].map(([name, seen]) => {
    const ratio = best(seen, "pod", 0.5) / best(all.get(REPLAY) ?? [], "pod", 0.5);
    return [
      name,
      rate(seen),
      best(seen, "pod", 0.5).toFixed(1),
      ratio.toFixed(2),
      best(seen, "pod", 0.99).toFixed(1),
      failures(seen),
    ];
  });
  const what = `${pods} pods of one model, ${PODS_UNDER_WAY} under way, ${bestOf(turns)}`;
  return `${what}:\n\n${markdown(["", "pods/s", "p50 ms", "÷ replay", "p99 ms", "failed"], rows)}`;
}

function best(turns: readonly Seen[], sort: string, share: number): number {
  return Math.min(...turns.map(({ latencies }) => percentile(latencies.get(sort) ?? [], share)));
}

/** Of all turns: a failure is no less one in the best of them. */
function failures(turns: readonly Seen[]): string {
  return String(turns.reduce((sum, { failed }) => sum + failed, 0));
}

function bestOf(turns: number): string {
  return turns === 1 ? "one turn" : `best of ${turns} turns`;
}

function rate(turns: readonly Seen[]): string {
  return Math.max(...turns.map(({ requests, seconds }) => requests / seconds)).toFixed(0);
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
