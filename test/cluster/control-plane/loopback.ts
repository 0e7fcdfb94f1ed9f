import { once } from "node:events";
import { createServer, type Server } from "node:net";

/**
 * Each control plane has two neighbouring loopback networks to itself: one for its own programs, one for the
 * cluster IPs of Services. The API server dials a webhook's Service at its cluster IP, so a process that
 * listens on that address and port is reached through the real Service, without a kube-proxy. (Linux only:
 * elsewhere 127.0.0.1 is the one loopback address.)
 */

export type Loopback = {
  /** Address of etcd, the API server and the rest. */
  readonly host: string;
  /** Where cluster IPs are taken from, as CIDR. */
  readonly serviceRange: string;
  /** An address of the first network that has not been given out yet. */
  newAddress(): string;
  /** Lets other control planes have the networks. */
  release(): Promise<void>;
};

const claimPort = 45_999;
const tries = 100;

/** Takes networks that no other control plane on this machine holds: whoever listens on the claim has them. */
export async function claimLoopback(): Promise<Loopback> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const second = 16 + randomBelow(208);
    const third = 2 * randomBelow(128);
    const claim = await listen(`127.${second}.${third + 1}.254`, claimPort);
    if (claim === undefined) continue;
    const network = `127.${second}.${third + 1}`;
    let last = 1;
    return {
      host: `${network}.1`,
      serviceRange: `127.${second}.${third}.0/24`,
      newAddress() {
        if (last === 253) throw new Error(`all addresses of ${network}.0/24 have been given out`);
        last += 1;
        return `${network}.${last}`;
      },
      release: () => close(claim),
    };
  }
  throw new Error("no loopback network is free; addresses such as 127.16.1.1 need Linux");
}

/** Ports of `host` that are free now; nobody else uses that address, so they stay free. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(host, 0)));
  const ports: number[] = [];
  for (const server of servers) {
    const address = server?.address();
    if (server === undefined || address === null || typeof address !== "object") {
      throw new Error(`cannot listen on ${host}`);
    }
    ports.push(address.port);
    await close(server);
  }
  return ports;
}

async function listen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer();
  server.listen({ host, port });
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, "close");
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}
