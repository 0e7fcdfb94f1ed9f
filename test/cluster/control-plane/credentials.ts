import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { RunFolders } from "./run-folder.ts";

/** Who may talk to the API server: users with tokens, and the key that signs ServiceAccount tokens. */

export type User = { readonly name: string; readonly groups: readonly string[] };

export const adminUser = "admin";
export const componentUsers = {
  controllerManager: "system:kube-controller-manager",
  scheduler: "system:kube-scheduler",
  kwok: "kwok",
} as const;

export type Credentials = {
  readonly tokens: ReadonlyMap<string, string>;
  readonly tokenFile: string;
  readonly serviceAccountKey: string;
};

export async function makeCredentials(folders: RunFolders, extra: readonly User[]): Promise<Credentials> {
  const masters = [adminUser, ...Object.values(componentUsers)];
  const users = [...masters.map((name): User => ({ name, groups: ["system:masters"] })), ...extra];
  const tokens = new Map(users.map((user) => [user.name, randomBytes(16).toString("hex")]));
  const rows = users.map(
    (user) => `${tokens.get(user.name)},${user.name},${user.name},"${user.groups.join(",")}"`,
  );
  const tokenFile = join(folders.root, "tokens.csv");
  await writeFile(tokenFile, `${rows.join("\n")}\n`, { mode: 0o600 });
  const serviceAccountKey = join(folders.root, "service-account.key");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(serviceAccountKey, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  return { tokens, tokenFile, serviceAccountKey };
}

export function tokenOf(credentials: Credentials, user: string): string {
  const token = credentials.tokens.get(user);
  if (token === undefined) throw new Error(`no user ${user} was given when the control plane was started`);
  return token;
}

export type Endpoint = { readonly server: string; readonly caFile: string };

/** Writes a kubeconfig with everything inline, so that it works from any folder. */
export async function writeKubeconfig(
  folders: RunFolders,
  endpoint: Endpoint,
  user: { readonly name: string; readonly token: string; readonly namespace?: string },
): Promise<string> {
  const ca = await readFile(endpoint.caFile);
  const cluster = { server: endpoint.server, "certificate-authority-data": ca.toString("base64") };
  const namespace = user.namespace === undefined ? {} : { namespace: user.namespace };
  const name = "kthena-ascend";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name: user.name, user: { token: user.token } }],
    contexts: [{ name, context: { cluster: name, user: user.name, ...namespace } }],
    "current-context": name,
  };
  const file = join(folders.kubeconfigs, `${user.name.replaceAll(/[^A-Za-z0-9.-]+/g, "-")}.yaml`);
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}
