import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { env } from "node:process";
// By their paths: the package's entry loads its generated API of all of Kubernetes, 80 MiB that nothing here uses.
import {
  type Cluster,
  type Context,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from "@kubernetes/client-node/dist/config_types.js";
import { parse } from "yaml";
import { type Json, listOf, objectOf, stringOf } from "../api/json.ts";
import { failureOfThrow, type Result } from "./failure.ts";

/** Where the address of the API server and the credentials come from. */
export type ConfigSource =
  | { from: "in-cluster" }
  /** A kubeconfig file; `context` in place of its current one. */
  | { from: "file"; file: string; context?: string }
  /** What kubectl would take: KUBECONFIG, then ~/.kube/config; else in-cluster. */
  | { from: "default"; context?: string }
  | { from: "text"; kubeconfig: string }
  /** An address with a token. */
  | { from: "explicit"; server: string; ca?: string; token?: string; skipTlsVerify?: boolean };

/** One API server, and as whom it is spoken to. */
export interface KubeContext {
  cluster: Cluster;
  user: User;
  /** Namespace of the context (in a pod: the pod's own), where it has one. */
  namespace: string | undefined;
}

interface Kubeconfig {
  clusters: readonly Cluster[];
  users: readonly User[];
  contexts: readonly Context[];
  current: string | undefined;
}

/** Where a kubelet puts what a pod needs to speak to the API server (Kubernetes, "Accessing the API from a Pod"). */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Reads the configuration anew at each call: credentials on disk change while the process runs. */
export function loadAccess(source: ConfigSource): Result<KubeContext> {
  try {
    const config = configOf(source);
    const wanted = ("context" in source ? source.context : undefined) ?? config.current ?? "";
    const context = config.contexts.find(({ name }) => name === wanted);
    const cluster = config.clusters.find(({ name }) => name === context?.cluster);
    if (!context || !cluster) {
      const message = problemOf(config, source, wanted);
      return { ok: false, failure: { code: 0, reason: "Config", message } };
    }
    const user = config.users.find(({ name }) => name === context.user) ?? { name: "" };
    return { ok: true, value: { cluster, user, namespace: context.namespace || undefined } };
  } catch (error) {
    return { ok: false, failure: failureOfThrow(error, "Config") };
  }
}

/** Why a configuration names no cluster. */
function problemOf({ contexts }: Kubeconfig, source: ConfigSource, wanted: string): string {
  const names = [...new Set(contexts.map(({ name }) => name))];
  const file = source.from === "file" ? source.file : "the kubeconfig";
  if (names.includes(wanted))
    return `context ${JSON.stringify(wanted)} of ${file} names a cluster that is not in it`;
  const known = names.length === 0 ? "it has none" : `it has ${names.slice(0, 20).join(", ")}`;
  return wanted === ""
    ? `${file} names no current context; ${known}; choose one with --context`
    : `there is no context ${JSON.stringify(wanted)} in ${file}; ${known}`;
}

function configOf(source: ConfigSource): Kubeconfig {
  switch (source.from) {
    case "in-cluster":
      return inCluster();
    case "file":
      return fromFile(source.file);
    case "default":
      return asKubectl();
    case "text":
      return fromText(source.kubeconfig);
    case "explicit": {
      const { server, ca, token, skipTlsVerify = false } = source;
      const caData = ca === undefined ? {} : { caData: Buffer.from(ca).toString("base64") };
      const cluster = { server, skipTLSVerify: skipTlsVerify, ...caData };
      return single(cluster, token === undefined ? {} : { token });
    }
  }
}

function fromText(text: string, folder?: string): Kubeconfig {
  const config = objectOf(parse(text));
  const clusters = newClusters(config.clusters);
  const users = newUsers(config.users).map((user, at) =>
    withTokenFile(user, listOf(config.users)[at], folder),
  );
  const absolute = <F extends string>(entry: Partial<Record<F, string>>, ...fields: F[]): void => {
    for (const field of fields) {
      const file = entry[field];
      // Files in a kubeconfig are named from where it is.
      if (folder !== undefined && file) entry[field] = resolve(folder, file);
    }
  };
  for (const cluster of clusters) absolute(cluster, "caFile");
  for (const user of users) absolute(user, "certFile", "keyFile");
  const current = stringOf(config["current-context"]);
  return { clusters, users, contexts: newContexts(config.contexts), current };
}

/** client-node knows token files of pods only. */
function withTokenFile(user: User, entry: Json | undefined, folder = "."): User {
  const file = stringOf(objectOf(objectOf(entry).user).tokenFile);
  return file === undefined ? user : { ...user, authProvider: tokenFile(resolve(folder, file)) };
}

function tokenFile(file: string) {
  return { name: "tokenFile", config: { tokenFile: file } };
}

function fromFile(file: string): Kubeconfig {
  if (!existsSync(file)) throw new Error(`the kubeconfig ${file} does not exist`);
  try {
    return fromText(readFileSync(file, "utf8"), dirname(file));
  } catch (error) {
    const { message } = failureOfThrow(error, "Config");
    throw new Error(`the kubeconfig ${file} cannot be read: ${message}`, { cause: error });
  }
}

/** As kubectl does: of an entry that is in several files the first counts. */
function asKubectl(): Kubeconfig {
  const named = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const own = join(env.HOME ?? homedir(), ".kube", "config");
  const files = named.length > 0 ? named : existsSync(own) ? [own] : [];
  if (files.length === 0) {
    if (existsSync(join(SERVICE_ACCOUNT, "token"))) return inCluster();
    throw new Error(
      "there is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config; name one with --kubeconfig",
    );
  }
  // A file that KUBECONFIG names may be missing, as long as another is there.
  const there = files.filter((file) => existsSync(file));
  if (there.length === 0) throw new Error(`there is no kubeconfig: $KUBECONFIG names ${files.join(", ")}`);
  const configs = there.map(fromFile);
  return {
    clusters: configs.flatMap(({ clusters }) => clusters),
    users: configs.flatMap(({ users }) => users),
    contexts: configs.flatMap(({ contexts }) => contexts),
    current: configs.find(({ current }) => current)?.current,
  };
}

function inCluster(): Kubeconfig {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (host === "") throw new Error("KUBERNETES_SERVICE_HOST is not set: this process runs in no pod");
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const namespaceFile = join(SERVICE_ACCOUNT, "namespace");
  const namespace = existsSync(namespaceFile) ? { namespace: readFileSync(namespaceFile, "utf8") } : {};
  return single(
    { server, caFile: join(SERVICE_ACCOUNT, "ca.crt"), skipTLSVerify: false },
    { authProvider: tokenFile(join(SERVICE_ACCOUNT, "token")) },
    namespace,
  );
}

function single(
  cluster: Omit<Cluster, "name">,
  user: Omit<User, "name">,
  place: { namespace?: string } = {},
): Kubeconfig {
  const name = "only";
  return {
    clusters: [{ name, ...cluster }],
    users: [{ name, ...user }],
    contexts: [{ name, cluster: name, user: name, ...place }],
    current: name,
  };
}
