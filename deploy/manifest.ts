import { join } from "node:path";

/** Runs helm and gives its output. */
export type Helm = (args: readonly string[]) => Promise<string>;

/** Folder of the chart. */
export const CHART = join(import.meta.dirname, "chart");

/** Release and namespace of deploy/install.yaml. */
export const RELEASE = "kthena-ascend";
export const NAMESPACE = "kthena-ascend-system";

const HEAD = `# Rendered from deploy/chart by \`npm run render\`: change that, not this.
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/**
 * The text of deploy/install.yaml: what helm renders with the chart's own values, and the namespace for it.
 *
 * @throws Error of helm
 */
export async function installManifest(helm: Helm): Promise<string> {
  const rendered = await helm(["template", RELEASE, CHART, "--namespace", NAMESPACE]);
  return `${HEAD}${rendered.replaceAll(/\n+---\n/g, "\n---\n")}`;
}
