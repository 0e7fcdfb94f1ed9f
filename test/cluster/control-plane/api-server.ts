import { readFile, writeFile } from "node:fs/promises";
import { get as httpGet } from "node:http";
import { get as httpsGet, type RequestOptions } from "node:https";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Credentials, Endpoint } from "./credentials.ts";
import { freePorts } from "./loopback.ts";
import type { ManagedProcess } from "./managed-process.ts";
import type { RunFolders } from "./run-folder.ts";
import { addProcess, type Site } from "./site.ts";

/** etcd and the API server. */

const startTimeoutMs = 60_000;

export async function startEtcd(site: Site): Promise<string> {
  const { folders, loopback } = site;
  const [port = 0] = await freePorts(loopback.host, 1);
  const url = `http://${loopback.host}:${port}`;
  const args = [
    `--data-dir=${join(folders.root, "etcd")}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=http://${loopback.host}:0`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
  const etcd = addProcess(site, { name: "etcd", file: site.binaries.paths.etcd, args });
  etcd.start();
  await etcd.waitUntil(() => answersOk(httpGet, `${url}/health`, {}), startTimeoutMs);
  return url;
}

export type ApiServerOptions = {
  readonly etcdUrl: string;
  readonly credentials: Credentials;
  readonly extraArguments: readonly string[];
  /** Where every request is recorded, if anywhere. */
  readonly auditLog: string | undefined;
};

export type ApiServer = { readonly process: ManagedProcess; readonly endpoint: Endpoint };

export async function makeApiServer(site: Site, options: ApiServerOptions): Promise<ApiServer> {
  const { folders, loopback } = site;
  const [port = 0] = await freePorts(loopback.host, 1);
  const certificates = join(folders.root, "certificates");
  const { tokenFile, serviceAccountKey } = options.credentials;
  const args = [
    `--etcd-servers=${options.etcdUrl}`,
    `--bind-address=${loopback.host}`,
    `--advertise-address=${loopback.host}`,
    `--secure-port=${port}`,
    `--cert-dir=${certificates}`,
    `--token-auth-file=${tokenFile}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${serviceAccountKey}`,
    `--service-account-signing-key-file=${serviceAccountKey}`,
    `--service-cluster-ip-range=${loopback.serviceRange}`,
    "--authorization-mode=RBAC",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
    "--allow-privileged=true",
    "--endpoint-reconciler-type=none", // its Endpoints may not have loopback addresses
    "--profiling=false",
    ...(await auditArguments(options.auditLog, folders)),
    ...options.extraArguments,
  ];
  const spec = { name: "kube-apiserver", file: site.binaries.paths["kube-apiserver"], args };
  const endpoint = {
    server: `https://${loopback.host}:${port}`,
    caFile: join(certificates, "apiserver.crt"), // made by the API server at its first start, with its CA
  };
  return { process: addProcess(site, spec), endpoint };
}

export async function startApiServer(apiServer: ApiServer, adminToken: string): Promise<void> {
  apiServer.process.start();
  const { server, caFile } = apiServer.endpoint;
  const isReady = async () => {
    const ca = await readFile(caFile).catch(() => undefined);
    if (ca === undefined) return false;
    const options = { ca, headers: { authorization: `Bearer ${adminToken}` } };
    return (
      (await answersOk(httpsGet, `${server}/readyz`, options)) &&
      (await answersOk(httpsGet, `${server}/api/v1/namespaces/default`, options))
    );
  };
  await apiServer.process.waitUntil(isReady, startTimeoutMs);
}

function answersOk(get: typeof httpsGet | typeof httpGet, url: string, options: RequestOptions) {
  return new Promise<boolean>((resolve) => {
    const request = get(url, { ...options, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

async function auditArguments(log: string | undefined, folders: RunFolders): Promise<readonly string[]> {
  if (log === undefined) return [];
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived", "ResponseStarted"],
    rules: [{ level: "Metadata" }],
  };
  const file = join(folders.root, "audit-policy.yaml");
  await writeFile(file, stringify(policy));
  return [`--audit-policy-file=${file}`, `--audit-log-path=${log}`];
}
