import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where Prometheus' programs are. */
export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
}

/**
 * Finds Prometheus' programs on the PATH. Undefined where they are not there, which is told on standard error.
 *
 * @throws where `PROMETHEUS_REQUIRED` is set and they are missing
 */
export function findPrometheus(env: NodeJS.ProcessEnv = process.env): PrometheusPrograms | undefined {
  const folders = (env.PATH ?? "").split(delimiter);
  const [prometheus, promtool] = ["prometheus", "promtool"].map((name) =>
    folders.map((folder) => join(folder, name)).find(isProgram),
  );
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const missing = "prometheus and promtool are not on the PATH (.ci/ensure-prometheus prints where they are)";
  if (env.PROMETHEUS_REQUIRED) throw new Error(missing);
  process.stderr.write(`skipped, because ${missing}\n`);
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
