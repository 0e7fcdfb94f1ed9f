import { expect, test } from "vitest";
import { SMALL } from "../../bench/cluster/options.ts";
import { loadTable, podTable } from "../../bench/cluster/report.ts";
import { runLoad } from "../../bench/cluster/run.ts";

/** `npm run bench:cluster`, at a size at which its figures say nothing: every answer is right. */

const OPTIONS = { ...SMALL, creates: 4, underWay: [4], pods: 10 };
const WAYS = ["no webhook", "null webhook", "replay", "this one, one replica", "this one, two"];

test("beside no webhook, one that does nothing and a replay, one and two replicas give the right answers under load", async () => {
  const tables: string[] = [];
  const failed: string[] = [];
  await runLoad(OPTIONS, {
    started: ({ bytes }) => expect(bytes).toBeGreaterThan(OPTIONS.large ?? 0),
    load: (turn, underWay, seen) => {
      expect([...seen.keys()]).toEqual(WAYS);
      tables.push(loadTable(turn, underWay, seen));
    },
    pods: (turn, seen) => {
      expect([...seen.keys()]).toEqual(WAYS);
      tables.push(podTable(turn, OPTIONS.pods, seen));
    },
    failed: (what) => failed.push(what),
    progress: () => {},
  });
  expect(failed).toEqual([]);
  expect(tables).toHaveLength(2);
  // Every cell was measured.
  expect(tables.join("\n")).not.toMatch(/NaN|Infinity|undefined/);
});
