import { expect } from "vitest";
import { eventually } from "../manifest-user.ts";
import { filledIn, readDashboard, selectorsOf } from "./dashboard.ts";
import { alertsOf, type Rules } from "./rules.ts";
import type { Prometheus, Sample } from "./server.ts";

/** How long a machine that is busy may take until it has read what is there. */
const PATIENCE_MS = 40_000;

/** Everything that the dashboard asks for is there, with the labels that its legends show. */
export async function dashboardHasData(prometheus: Prometheus): Promise<void> {
  const { jobs, queries } = await readDashboard();
  const values = await prometheus.labelValues(jobs.label, jobs.selector);
  expect(values).not.toEqual([]);
  expect(queries.length).toBeGreaterThan(20);
  for (const { panel, expr, labels } of queries) {
    const look = () => prometheus.query(filledIn(expr, values));
    const found = await eventually(`${panel}: ${expr}`, look, hasNumbers, PATIENCE_MS);
    for (const { metric } of found)
      for (const label of labels) expect(metric[label], `${panel}: ${label} of ${expr}`).toBeTruthy();
  }
}

/** All rules can be evaluated, and every selector in them finds something but those that are not to be looked for. */
export async function alertsHaveData(
  prometheus: Prometheus,
  rules: Rules,
  notLookedFor: (selector: string) => boolean,
): Promise<void> {
  const alerts = alertsOf(rules);
  const evaluated = await eventually(
    "all rules are evaluated",
    () => prometheus.rules(),
    (all) => all.every(({ health }) => health !== "unknown"),
    PATIENCE_MS,
  );
  expect(evaluated.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert));
  for (const { name, health, lastError } of evaluated)
    expect([name, health, lastError]).toEqual([name, "ok", undefined]);
  for (const { expr } of alerts) {
    await prometheus.query(expr);
    for (const selector of selectorsOf(expr).filter((one) => !notLookedFor(one)))
      await eventually(
        selector,
        () => prometheus.query(selector),
        (found) => found.length > 0,
        PATIENCE_MS,
      );
  }
}

const hasNumbers = (found: readonly Sample[]): boolean => found.some(({ value }) => !Number.isNaN(value));
