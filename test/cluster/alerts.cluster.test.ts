import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Helm } from "../../deploy/manifest.ts";
import { findBinaries } from "./control-plane/binaries.ts";
import { runCommand } from "./control-plane/command.ts";
import { findPrometheus } from "./prometheus/programs.ts";
import { type Alert, alertsOf, DOCUMENTATION, renderRules } from "./prometheus/rules.ts";
import { type Firing, HEALTHY, STORIES, type Story } from "./prometheus/stories.ts";

/** The chart's alerts, by Prometheus' own promtool: no API server is needed, only helm. */

const programs = findPrometheus();
let folder: string;
let helm: Helm;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-alerts-"));
  const { paths } = await findBinaries(() => {});
  helm = async (args) => (await runCommand(paths.helm, args)).stdout;
});

afterAll(() => rm(folder, { recursive: true }));

/** Stories that go into one run of promtool. */
const GROUPS = new Map<string, Story[]>();
for (const story of STORIES) {
  const { values = [], everyMinutes = 1 } = story;
  const name = `${values[0] ?? "as installed"}, looked at every ${everyMinutes}m`;
  GROUPS.set(name, [...(GROUPS.get(name) ?? []), story]);
}

const promtool = (...args: string[]) =>
  runCommand(programs?.promtool ?? "promtool", args, { cwd: folder, mayFail: true });

/** A group of promtool's tests: at each minute every alert is asked for, those that are not to fire too. */
function testOf({ what, everyMinutes = 1, series = {}, at }: Story, alerts: readonly Alert[]) {
  const input = Object.entries({ ...HEALTHY, ...series });
  return {
    name: what,
    interval: `${everyMinutes}m`,
    input_series: input.map(([name, values]) => ({ series: name, values })),
    alert_rule_test: Object.entries(at).flatMap(([minute, firing]) =>
      alerts.map((rule) => ({
        eval_time: `${minute}m`,
        alertname: rule.alert,
        exp_alerts: firing.filter(({ alert }) => alert === rule.alert).map((one) => expected(one, rule)),
      })),
    ),
  };
}

function expected({ alert, severity, labels = {}, summary }: Firing, { annotations }: Alert) {
  const { description = "" } = annotations;
  expect(description).toMatch(/^[^{]{20,}$/);
  const runbook_url = `${DOCUMENTATION}/deploy/alerts.md#${alert.toLowerCase()}`;
  return {
    exp_labels: { ...labels, severity },
    exp_annotations: { runbook_url, summary, description },
  };
}

describe.skipIf(programs === undefined)("alerts (with promtool on the PATH)", () => {
  test.each([[[]], [["reconciler=off"]], [["reconciler=separate"]], [["webhooks.failurePolicy=Ignore"]]])(
    "promtool finds nothing wrong with the rules: %s",
    async (values) => {
      await writeFile(join(folder, "checked.yaml"), stringify(await renderRules(helm, values)));
      const { code, stdout, stderr } = await promtool("check", "rules", "--lint-fatal", "checked.yaml");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`${values.includes("reconciler=off") ? 12 : 16} rules found`);
    },
  );

  test.each([...GROUPS])("%s", async (_name, stories) => {
    const [{ values, everyMinutes = 1 } = {}] = stories;
    const rules = await renderRules(helm, values);
    await writeFile(join(folder, "rules.yaml"), stringify(rules));
    const tests = stories.map((story) => testOf(story, alertsOf(rules)));
    const file = { rule_files: ["rules.yaml"], evaluation_interval: `${everyMinutes}m`, tests };
    await writeFile(join(folder, "tests.yaml"), stringify(file));
    const { code, stdout, stderr } = await promtool("test", "rules", "tests.yaml");
    expect(code, `${stdout}${stderr}`).toBe(0);
  });

  test("every alert fires in one of these, and is quiet in another", async () => {
    const fires = STORIES.flatMap(({ at }) => Object.values(at).flat()).map(({ alert }) => alert);
    const names = alertsOf(await renderRules(helm)).map(({ alert }) => alert);
    expect([...new Set(fires)].sort()).toEqual(names.sort());
  });
});
