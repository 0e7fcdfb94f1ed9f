import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import { portNumber } from "./deployment.ts";
import type { Replica } from "./replica.ts";

/**
 * What kube-proxy does for one Service: whoever connects to its cluster IP gets to one of the replicas that are
 * its endpoints at that moment. Connections that stand are left alone, whatever becomes of the replica.
 */

export type ServiceProxy = {
  /** Connections that were handed on, by name of the replica. */
  readonly connections: ReadonlyMap<string, number>;
  /** Ends every connection that stands, so that each must be made anew. */
  cut(): void;
  /** From now on these alone are called, whatever their probes say; all that are Ready again where none are named. */
  only(replicas: readonly Replica[]): void;
  close(): Promise<void>;
};

type ServicePort = { readonly port: number; readonly targetPort: number | string };

/** Listens on every port of the Service; `endpoints` says who is Ready now. */
export async function startServiceProxy(
  plane: ControlPlane,
  service: { readonly namespace: string; readonly name: string },
  endpoints: () => readonly Replica[],
): Promise<ServiceProxy> {
  const args = ["get", "service", service.name, `--namespace=${service.namespace}`, "-o", "json"];
  const { spec } = JSON.parse((await plane.kubectl(args)).stdout) as {
    spec: { clusterIP: string; ports: readonly ServicePort[] };
  };
  const connections = new Map<string, number>();
  const open = new Set<Socket>();
  let turn = 0;
  let chosen: readonly Replica[] = [];
  const next = () => {
    const ready = chosen.length > 0 ? chosen : endpoints();
    turn += 1;
    return ready[turn % Math.max(ready.length, 1)];
  };
  const servers = spec.ports.map(({ port, targetPort }) =>
    listen(spec.clusterIP, port, (client) => {
      const replica = next();
      if (replica === undefined) {
        client.resetAndDestroy();
        return;
      }
      connections.set(replica.name, (connections.get(replica.name) ?? 0) + 1);
      const target = portNumber(targetPort, replica.template.ports);
      join(client, connect({ host: replica.address, port: target }), open);
    }),
  );
  const listening = await Promise.all(servers);
  return {
    connections,
    cut() {
      for (const socket of open) socket.destroy();
    },
    only(replicas) {
      chosen = replicas;
      for (const socket of open) socket.destroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      await Promise.all(listening.map(closed));
    },
  };
}

async function listen(host: string, port: number, onClient: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onClient);
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    const hint = port < 1024 ? "; ports below 1024 need root, or net.ipv4.ip_unprivileged_port_start=0" : "";
    throw new Error(`cannot listen on the Service's ${host}:${port}: ${String(error)}${hint}`);
  }
  return server;
}

function join(client: Socket, replica: Socket, open: Set<Socket>): void {
  for (const [from, to] of [
    [client, replica],
    [replica, client],
  ] as const) {
    open.add(from);
    from.setNoDelay(true);
    from.pipe(to);
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => open.delete(from));
  }
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
