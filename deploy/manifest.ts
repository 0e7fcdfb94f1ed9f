import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { objectOf } from "../src/api/json.ts";
import { defaultsSchema } from "../src/defaults/document.ts";

/** Runs helm and gives its output. */
export type Helm = (args: readonly string[]) => Promise<string>;

/** Folder of the chart. */
export const CHART = join(import.meta.dirname, "chart");
/** The chart's schema of its values. */
export const VALUES_SCHEMA = join(CHART, "values.schema.json");
/** The manifest for those who install with kubectl. */
export const INSTALL_MANIFEST = join(import.meta.dirname, "install.yaml");

/** Release and namespace of the manifest. */
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

/** The chart's schema of its values as it should be: the part for `defaults` is that of the document. */
export async function valuesSchema(): Promise<object> {
  const schema = JSON.parse(await readFile(VALUES_SCHEMA, "utf8"));
  const document = z.toJSONSchema(defaultsSchema, { target: "draft-7", io: "input" });
  const { $schema: _, definitions: recursive, ...defaults } = document;
  // References in it start at the root of the whole schema.
  const own = Object.entries(schema.definitions).filter(([name]) => !name.startsWith("__"));
  const definitions = { ...Object.fromEntries(own), ...objectOf(recursive) };
  return { ...schema, properties: { ...schema.properties, defaults }, definitions };
}
