import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { listOf, objectOf } from "../../src/api/json.ts";
import { createMetrics, type StateMeasure } from "../../src/observe/metrics.ts";
import { startMetricsServer } from "../../src/server/metrics-server.ts";

const state: StateMeasure = {
  ready: true,
  certificates: { leaf: 1_800_000_000 },
  defaults: { "": true, team: false },
  leases: { defaults: true },
  informers: { pods: { synced: true, contactAgeMs: 1_500, failures: 2, objects: 7, unreadable: 1 } },
  eventsDropped: 3,
};

const review = {
  path: "/mutate",
  kind: "ModelServing",
  operation: "CREATE",
  outcome: "refused",
  skip: undefined,
  findings: [{ rule: "npu/count-shape", severity: "deny" }],
  seconds: 0.002,
};

async function lines(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split("\n").filter((line) => line.startsWith("kthena_ascend_") && !line.includes("_bucket"));
}

test("reviews are counted by what became of them, findings by rule, skips by reason", async () => {
  const metrics = createMetrics(() => state);
  metrics.review(review);
  metrics.review({ ...review, outcome: "skipped", skip: "no-npu", findings: [] });
  const found = await lines(metrics);
  expect(found).toContain(
    'kthena_ascend_reviews_total{path="/mutate",kind="ModelServing",operation="CREATE",outcome="refused"} 1',
  );
  expect(found).toContain('kthena_ascend_findings_total{rule="npu/count-shape",severity="deny"} 1');
  expect(found).toContain('kthena_ascend_skips_total{reason="no-npu"} 1');
  expect(found).toContain('kthena_ascend_review_duration_seconds_count{path="/mutate"} 2');
});

test("what an alert asks for is there before it happens, on the paths that are served", async () => {
  const metrics = createMetrics(() => state);
  const before = await lines(metrics);
  expect(before.filter((line) => line.startsWith("kthena_ascend_reviews_total"))).toEqual([]);
  for (const what of ["body", "review", "answer", "connection"])
    expect(before).toContain(`kthena_ascend_shed_total{what="${what}"} 0`);
  metrics.expectReviews(["/mutate", "/other"]);
  const found = await lines(metrics);
  const pod = 'path="/mutate",kind="Pod",operation="CREATE"';
  expect(found).toContain(`kthena_ascend_reviews_total{${pod},outcome="failed"} 0`);
  expect(found).toContain(
    'kthena_ascend_reviews_total{path="/other",kind="",operation="",outcome="unreadable"} 0',
  );
  expect(found.join()).not.toContain("/validate");
});

test("what every webhook of the chart is called for is counted from 0 on", async () => {
  const text = await readFile(join(import.meta.dirname, "../../deploy/install.yaml"), "utf8");
  const webhooks = parseAllDocuments(text).flatMap((document) => listOf(objectOf(document.toJS()).webhooks));
  const metrics = createMetrics(() => state);
  metrics.expectReviews(["/mutate", "/validate", "/mutate-status"]);
  const found = await lines(metrics);
  expect(webhooks.length).toBeGreaterThan(8);
  for (const { clientConfig, rules } of webhooks.map(objectOf)) {
    const { path } = objectOf(objectOf(clientConfig).service);
    for (const { operations, resources } of listOf(rules).map(objectOf))
      for (const operation of listOf(operations))
        for (const resource of listOf(resources)) {
          const kind = found.find((line) => kindIn(line)?.toLowerCase() === singular(String(resource)));
          const labels = `path="${path}",kind="${kind && kindIn(kind)}",operation="${operation}"`;
          expect(found).toContain(`kthena_ascend_reviews_total{${labels},outcome="failed"} 0`);
        }
  }
});

const kindIn = (line: string): string | undefined => /kind="(\w+)"/.exec(line)?.[1];
const singular = (resource: string): string => resource.replace(/s(\/.*)?$/, "");

test("a kind that is not ours does not make a label of its own", async () => {
  const metrics = createMetrics(() => state);
  for (const kind of ["Foo", "Bar"]) metrics.review({ ...review, kind });
  expect((await lines(metrics)).filter((line) => line.includes('kind="other"'))).toHaveLength(1);
});

test("state is read at each scrape, and what is gone is gone", async () => {
  let now = state;
  const metrics = createMetrics(() => now);
  expect(await lines(metrics)).toContain('kthena_ascend_defaults_valid{namespace="team"} 0');
  expect(await lines(metrics)).toContain('kthena_ascend_informer_contact_age_seconds{resource="pods"} 1.5');
  now = { ...state, ready: false, defaults: { "": true } };
  const after = await lines(metrics);
  expect(after).toContain("kthena_ascend_ready 0");
  expect(after.some((line) => line.includes('namespace="team"'))).toBe(false);
});

test("metrics are served on a port of their own, and nothing else is there", async () => {
  const metrics = createMetrics(() => state);
  const server = await startMetricsServer(metrics.registry, { host: "127.0.0.1", port: 0 });
  const at = `http://127.0.0.1:${server.port}`;
  const served = await fetch(`${at}/metrics`);
  expect(served.headers.get("content-type")).toContain("text/plain");
  expect(await served.text()).toContain("kthena_ascend_ready 1");
  expect((await fetch(`${at}/mutate`)).status).toBe(404);
  await server.close();
  await expect(fetch(`${at}/metrics`)).rejects.toThrow();
});
