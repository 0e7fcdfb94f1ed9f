import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { FileAuth } from "@kubernetes/client-node/dist/file_auth.js";
import type { KubeContext } from "./config.ts";

/** Puts what a call needs of TLS and credentials into its options; through a proxy, its agent too. */
export interface Credentials {
  /** @throws Error where a file cannot be read, or a plugin gives no credential */
  applyTo(options: RequestOptions): Promise<void>;
}

/**
 * Credentials of a cluster. Files are read at each call, exec plugins and token files keep what they got for as long
 * as it holds; both are client-node's own. What a replica never has (a proxy, auth providers of single clouds, OIDC)
 * is left to client-node's KubeConfig, which takes 80 MiB to load and so is loaded only then.
 */
export function credentialsOf(access: KubeContext): Credentials {
  const own = [new ExecAuth(), new FileAuth()].find((provider) => provider.isAuthProvider(access.user));
  const foreign = access.user.authProvider && own === undefined;
  if (foreign || access.cluster.proxyUrl) return byLibrary(access);
  return {
    async applyTo(options) {
      options.headers = {};
      applyTls(access, options);
      await own?.applyAuthentication(access.user, options);
      applyUser(access, options);
    },
  };
}

function applyTls({ cluster, user }: KubeContext, options: RequestOptions): void {
  if (cluster.server.startsWith("http:") && !cluster.skipTLSVerify)
    throw new Error("the API server's address is http: that needs insecure-skip-tls-verify");
  if (cluster.skipTLSVerify) options.rejectUnauthorized = false;
  if (cluster.tlsServerName) options.servername = cluster.tlsServerName;
  const ca = fileOr(cluster.caFile, cluster.caData);
  const cert = fileOr(user.certFile, user.certData);
  const key = fileOr(user.keyFile, user.keyData);
  Object.assign(options, { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) });
}

function applyUser({ user }: KubeContext, options: RequestOptions): void {
  options.headers = {
    ...headersOf(options),
    ...(user.impersonateUser ? { "Impersonate-User": user.impersonateUser } : {}),
    ...(user.token ? { Authorization: `Bearer ${user.token}` } : {}),
  };
  if (user.username) options.auth = `${user.username}:${user.password}`;
}

/** client-node's providers write into an object of headers. */
function headersOf({ headers }: RequestOptions): Record<string, string> {
  return headers as Record<string, string>;
}

function fileOr(file: string | undefined, data: string | undefined): Buffer | undefined {
  if (file) return readFileSync(file);
  return data ? Buffer.from(data, "base64") : undefined;
}

function byLibrary({ cluster, user }: KubeContext): Credentials {
  const loading = import("@kubernetes/client-node").then(({ KubeConfig }) => {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(cluster, user);
    return config;
  });
  // Awaited at each call; before the first nobody would take a rejection.
  loading.catch(() => {});
  return {
    async applyTo(options) {
      options.headers ??= {};
      await (await loading).applyToHTTPSOptions(options);
      // client-node's own agent opens a connection per call; it is needed only to go through a proxy.
      if (!cluster.proxyUrl) delete options.agent;
    },
  };
}
