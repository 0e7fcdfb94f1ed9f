import { expect, test } from "vitest";
import { runHistories } from "./histories/run.ts";

/** As `npm run histories`, at a size that fits here. */
const COUNT = 40;
const SEED = 1;

test("whatever happens to a model, its people's values stay, nothing restarts unasked, and every state settles", async () => {
  const report = await runHistories(COUNT, SEED);
  expect(report.problems).toEqual([]);
  expect(report.completed).toBeGreaterThan(COUNT / 4);
  expect(report.steps - report.refused).toBeGreaterThan(COUNT);
});
