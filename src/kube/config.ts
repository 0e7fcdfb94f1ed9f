import { KubeConfig } from "@kubernetes/client-node";
import { failureOfThrow, type Result } from "./failure.ts";

/** Where the address of the API server and the credentials come from. */
export type ConfigSource =
  | { from: "in-cluster" }
  /** A kubeconfig file; `context` in place of its current one. */
  | { from: "file"; file: string; context?: string }
  /** In-cluster, or what kubectl would take: KUBECONFIG, then ~/.kube/config. */
  | { from: "default"; context?: string }
  | { from: "text"; kubeconfig: string }
  /** An address with a token. */
  | { from: "explicit"; server: string; ca?: string; token?: string; skipTlsVerify?: boolean };

/** Reads the configuration anew at each call: credentials on disk change while the process runs. */
export function loadKubeConfig(source: ConfigSource): Result<KubeConfig> {
  const config = new KubeConfig();
  try {
    fill(config, source);
    if ("context" in source && source.context !== undefined) config.setCurrentContext(source.context);
    if (config.getCurrentCluster() === null) {
      const message = `no cluster for context ${JSON.stringify(config.getCurrentContext() ?? "")}`;
      return { ok: false, failure: { code: 0, reason: "Config", message } };
    }
    return { ok: true, value: config };
  } catch (error) {
    return { ok: false, failure: failureOfThrow(error, "Config") };
  }
}

function fill(config: KubeConfig, source: ConfigSource): void {
  switch (source.from) {
    case "in-cluster":
      config.loadFromCluster();
      return;
    case "file":
      config.loadFromFile(source.file);
      return;
    case "default":
      config.loadFromDefault();
      return;
    case "text":
      config.loadFromString(source.kubeconfig);
      return;
    case "explicit": {
      const { server, ca, token, skipTlsVerify = false } = source;
      const caData = ca === undefined ? {} : { caData: Buffer.from(ca).toString("base64") };
      config.loadFromClusterAndUser(
        { name: "explicit", server, skipTLSVerify: skipTlsVerify, ...caData },
        { name: "explicit", ...(token === undefined ? {} : { token }) },
      );
    }
  }
}
