import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART } from "../../../deploy/manifest.ts";

/** One query of the dashboard. */
export interface PanelQuery {
  panel: string;
  expr: string;
  /** Labels that its legend shows. */
  labels: readonly string[];
}

/** The dashboard as Grafana reads it, as far as it asks for data. */
export interface Dashboard {
  /** How the values of the variable `job` are found. */
  jobs: { label: string; selector: string };
  /** With the variables in them. */
  queries: PanelQuery[];
}

interface Written {
  templating: { list: { name: string; query: string | { query: string } }[] };
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
}

/** Reads the chart's dashboard. */
export async function readDashboard(): Promise<Dashboard> {
  const text = await readFile(join(CHART, "files", "dashboard.json"), "utf8");
  const { templating, panels } = JSON.parse(text) as Written;
  const { query } = templating.list.find(({ name }) => name === "job") ?? {};
  const asked = typeof query === "object" ? query.query : "";
  const [, selector = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(asked) ?? [];
  const queries = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ panel: title, expr, labels: labelsOf(legendFormat) })),
  );
  return { jobs: { label, selector }, queries };
}

function labelsOf(legend: string): string[] {
  return [...legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = ""]) => label);
}

/** What Grafana asks for, with all jobs chosen. */
export function filledIn(expr: string, jobs: readonly string[]): string {
  return expr.replaceAll("$job", `(${jobs.join("|")})`).replaceAll("$__rate_interval", "1m");
}

/** The selectors in an expression that name labels. */
export function selectorsOf(expr: string): string[] {
  return [...new Set(expr.match(/[a-zA-Z_:][\w:]*\{[^{}]*\}/g))];
}
