import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const DEPLOY = join(import.meta.dirname, "..", "..", "deploy");

test("every alert has its place in the page of alerts, and leads there", async () => {
  const template = await readFile(join(DEPLOY, "chart", "templates", "prometheusrule.yaml"), "utf8");
  const page = await readFile(join(DEPLOY, "alerts.md"), "utf8");
  const alerts = template.split(/^ +- alert: /m).slice(1);
  const names = alerts.map((text) => text.slice(0, text.indexOf("\n")));
  expect(names.length).toBeGreaterThan(5);
  const headings = [...page.matchAll(/^## (\S+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(names);
  for (const [index, name] of names.entries())
    expect(alerts[index]).toContain(`runbook_url: {{ $docs }}deploy/alerts.md#${name.toLowerCase()}\n`);
});
