import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KubeClient } from "../../src/kube/client.ts";
import { type ControlPlane, startControlPlane } from "../cluster/control-plane/control-plane.ts";

/** A real API server without controllers, and its administrator. */
export interface RealCluster {
  plane: ControlPlane;
  admin: KubeClient;
  apiServerPid(): Promise<number>;
  /** A client with a token; through another port of the same address where one is given. */
  clientWith(token: string, port?: number): KubeClient;
}

/** Starts one. */
export async function realCluster(): Promise<RealCluster> {
  const plane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false });
  const ca = await readFile(plane.caFile, "utf8");
  return {
    plane,
    admin: new KubeClient({ source: { from: "file", file: plane.kubeconfig }, userAgent: "cluster-test" }),
    apiServerPid: async () => Number(await readFile(join(plane.folder, "pids", "kube-apiserver"), "utf8")),
    clientWith(token, port) {
      const url = new URL(plane.server);
      if (port !== undefined) url.port = String(port);
      return new KubeClient({
        source: { from: "explicit", server: url.origin, ca, token },
        userAgent: "kthena-ascend/cluster-test",
      });
    },
  };
}
