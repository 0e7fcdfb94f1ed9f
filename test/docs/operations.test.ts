import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { listOf, objectOf } from "../../src/api/json.ts";
import { createMetrics } from "../../src/observe/metrics.ts";
import { reconcilerMetrics } from "../../src/observe/reconciler-metrics.ts";
import { readPage } from "./console-blocks.ts";

const page = await readPage("deploy/running.md");

/** Names in the first column of a table's rows that begin so; `_x` continues the name before it. */
function told(prefix: string): string[] {
  return [...page.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = ""]) => {
    const [first = "", ...more] = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    if (!first.startsWith(prefix)) return [];
    const stem = first.replace(/_[a-z]+$/, "");
    return [first, ...more.map((name) => `${stem}${name}`)];
  });
}

test("the page tells of every metric, and of no other", async () => {
  const nothing = {
    ready: true,
    certificates: {},
    defaults: {},
    leases: {},
    informers: {},
    eventsDropped: 0,
  };
  const { registry } = createMetrics(() => ({ ...nothing, bytesUnderWay: 0 }));
  reconcilerMetrics(registry, () => ({
    conditions: {},
    remarks: {},
    boosterRemarks: {},
    queued: {},
    leading: true,
  }));
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const own = names.filter((name) => name.startsWith("kthena_ascend_"));
  expect(own.length).toBeGreaterThan(15);
  expect(told("kthena_ascend_").sort()).toEqual(own.sort());
  for (const name of ["nodejs_eventloop_lag_p99_seconds", "nodejs_eventloop_lag_max_seconds"])
    expect(names).toContain(name);
});

test("the page has the failure policy of every webhook", async () => {
  const file = join(import.meta.dirname, "../../deploy/install.yaml");
  const objects = parseAllDocuments(await readFile(file, "utf8")).map((document) =>
    objectOf(document.toJS()),
  );
  const webhooks = objects.flatMap(({ webhooks: list }) => listOf(list).map(objectOf));
  const section = page.slice(page.indexOf("## Failure policies"), page.indexOf("## The server"));
  expect(webhooks.length).toBeGreaterThan(8);
  for (const { name, failurePolicy } of webhooks) {
    const [verb = "", ...what] = String(name)
      .replace(/\.kthena-ascend\.io$/, "")
      .split(".");
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    const row = rows.find(
      (line) =>
        line.includes(`\`${[verb, ...what].join(".")}\``) ||
        (line.includes(`\`${verb}\``) && line.includes(`\`${what.join(".")}\``)),
    );
    expect(row, String(name)).toContain(`| ${failurePolicy}:`);
  }
});
