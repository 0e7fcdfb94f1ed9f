import { parse } from "yaml";
import { CHART, type Helm, NAMESPACE, RELEASE } from "../../../deploy/manifest.ts";

/** One alert as the chart renders it. */
export interface Alert {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** What the chart's PrometheusRule holds: a file of rules, as Prometheus reads it. */
export interface Rules {
  groups: { name: string; rules: Alert[] }[];
}

/** Where the pages are said to be. */
export const DOCUMENTATION = "https://docs.example.com/kthena-ascend";

/** Renders the rules. `values` as `--set` takes them. */
export async function renderRules(helm: Helm, values: readonly string[] = []): Promise<Rules> {
  return (await render(helm, "prometheusRule", values)).spec as Rules;
}

/** How the ServiceMonitor has metrics read. */
export async function renderEndpoint(helm: Helm): Promise<{ port: string; honorLabels: boolean }> {
  const { endpoints } = (await render(helm, "serviceMonitor", [])).spec as { endpoints: never[] };
  const [endpoint, ...more] = endpoints;
  if (endpoint === undefined || more.length > 0) throw new Error("not one endpoint");
  return endpoint;
}

async function render(helm: Helm, what: string, values: readonly string[]): Promise<{ spec: unknown }> {
  const set = [`metrics.${what}.enabled=true`, `documentation=${DOCUMENTATION}/`, ...values];
  const only = ["--show-only", `templates/${what.toLowerCase()}.yaml`];
  const args = ["template", RELEASE, CHART, `--namespace=${NAMESPACE}`, ...only];
  return parse(await helm([...args, ...set.flatMap((value) => ["--set", value])]));
}

/** All alerts. */
export function alertsOf({ groups }: Rules): Alert[] {
  return groups.flatMap(({ rules }) => rules);
}
