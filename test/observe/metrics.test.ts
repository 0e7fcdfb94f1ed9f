import { expect, test } from "vitest";
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
