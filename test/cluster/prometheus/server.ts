import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { Replica } from "../installation/replica.ts";
import { RELEASE, RELEASE_NAMESPACE } from "../product.ts";
import type { PrometheusPrograms } from "./programs.ts";
import type { Rules } from "./rules.ts";

/** A sample of the answer to a query: its labels, and the value now. */
export interface Sample {
  metric: Readonly<Record<string, string>>;
  value: number;
}

/** A rule as Prometheus has evaluated it. */
export interface Evaluated {
  name: string;
  state: "inactive" | "pending" | "firing";
  health: "ok" | "err" | "unknown";
  lastError?: string;
}

/** A running Prometheus. */
export interface Prometheus {
  /** @throws where Prometheus cannot read or answer the query */
  query: (query: string) => Promise<Sample[]>;
  /** Values of a label among the series of a selector. */
  labelValues: (label: string, selector: string) => Promise<string[]>;
  rules: () => Promise<Evaluated[]>;
  stop: () => Promise<void>;
}

/** What it is to read, and to judge. */
export interface Watched {
  replicas: readonly Replica[];
  /** As the ServiceMonitor has it. */
  endpoint: { port: string; honorLabels: boolean };
  rules: Rules;
}

const PORT = 9090;

/**
 * Starts a Prometheus that reads the replicas each second, with the labels that the Prometheus Operator gives what it
 * finds behind a Service, and the API server, as an administrator may.
 */
export async function startPrometheus(
  plane: ControlPlane,
  { prometheus }: PrometheusPrograms,
  watched: Watched,
): Promise<Prometheus> {
  const folder = join(plane.folder, "prometheus");
  await mkdir(folder);
  await writeFile(join(folder, "rules.yaml"), stringify(watched.rules));
  await writeFile(join(folder, "prometheus.yaml"), stringify(configOf(plane, watched)));
  const address = `${plane.newAddress()}:${PORT}`;
  const args = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--log.level=warn"];
  const running = plane.addProcess({
    name: "prometheus",
    file: prometheus,
    args: [...args, `--web.listen-address=${address}`],
    cwd: folder,
  });
  running.start();
  const ready = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await running.waitUntil(ready, 20_000);
  const ask = async <T>(path: string, parameters: Record<string, string>): Promise<T> => {
    const answer = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
    if (status !== "success") throw new Error(`${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  return {
    query: async (query) => {
      const { result } = await ask<{ result: { metric: Sample["metric"]; value: [number, string] }[] }>(
        "query",
        { query },
      );
      return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
    labelValues: (label, selector) => ask(`label/${label}/values`, { "match[]": selector }),
    rules: async () =>
      (await ask<{ groups: { rules: Evaluated[] }[] }>("rules", {})).groups.flatMap((one) => one.rules),
    stop: () => running.stop(),
  };
}

function configOf(plane: ControlPlane, { replicas, endpoint }: Watched): object {
  const service = `${RELEASE}-metrics`;
  const targets = replicas.map(({ name, address, template }) => ({
    targets: [`${address}:${template.ports.get(endpoint.port)}`],
    labels: { job: service, namespace: RELEASE_NAMESPACE, service, pod: name, endpoint: endpoint.port },
  }));
  return {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: ["rules.yaml"],
    scrape_configs: [
      { job_name: "replicas", honor_labels: endpoint.honorLabels, static_configs: targets },
      {
        job_name: "apiserver",
        scheme: "https",
        authorization: { credentials: plane.adminToken },
        tls_config: { ca_file: plane.caFile },
        static_configs: [{ targets: [new URL(plane.server).host] }],
        // Of thousands of series these are asked for.
        metric_relabel_configs: [
          { source_labels: ["__name__"], regex: "apiserver_admission_webhook_.+", action: "keep" },
        ],
      },
    ],
  };
}
