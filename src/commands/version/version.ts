import { readFile } from "node:fs/promises";
import { type ClusterAccess, withCluster } from "../cluster/connect.ts";
import { type InstallationWish, readInstallation } from "../cluster/installation.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { jsonText } from "../terminal.ts";

/** What `version` is to print. */
export interface VersionOptions {
  /** undefined: of this program only. */
  cluster: (ClusterAccess & InstallationWish) | undefined;
  output: "text" | "json";
}

interface Versions {
  client: string;
  /** Of the installation; undefined where there is none, or it may not be read. */
  server?: string | undefined;
  kubernetes?: string | undefined;
  node: string;
}

/** Prints the versions. A cluster that does not answer is told, and the exit code is 2. */
export async function showVersion({ cluster, output }: VersionOptions, console: Console): Promise<number> {
  const client = await ownVersion();
  const node = process.versions.node;
  if (!cluster) return shown({ client, node }, output, console, EXIT.ok);
  try {
    const versions = await withCluster(cluster, async (connected) => {
      const { version } = await readInstallation(connected.client, cluster);
      return { client, node, server: version, kubernetes: connected.serverVersion };
    });
    return shown(versions, output, console, EXIT.ok);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    shown({ client, node }, output, console, EXIT.ok);
    console.complain([error.message]);
    return EXIT.unreadable;
  }
}

function shown(versions: Versions, output: "text" | "json", console: Console, code: number): number {
  if (output === "json") console.out(jsonText(versions));
  else {
    const { client, server, kubernetes, node } = versions;
    console.print([
      `client: ${client} (Node ${node})`,
      ...(kubernetes === undefined
        ? []
        : [`server: ${server ?? "not installed, or not to be read"}`, `kubernetes: ${kubernetes}`]),
    ]);
  }
  return code;
}

/** The version in the package's own package.json, which lies beside the built program and the sources alike. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  return String((JSON.parse(text) as { version?: unknown }).version);
}
