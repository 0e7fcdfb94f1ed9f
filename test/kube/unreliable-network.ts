import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP forwarder that can be cut, or let nothing through. */
export interface UnreliableNetwork {
  /** Address to use in place of the target's. */
  port: number;
  /** Resets all connections; new ones work. */
  cut(): void;
  /** From now on connections are accepted and nothing is passed on, either way. */
  swallow(): void;
  /** Resets all connections, and refuses new ones. */
  refuse(): void;
  /** Works again. Connections from before stay as they are. */
  heal(): void;
  close(): void;
}

/** Puts one in front of a server of this machine, at the same address. */
export async function unreliableNetwork(target: URL): Promise<UnreliableNetwork> {
  const sockets = new Set<Socket>();
  let mode: "works" | "swallows" | "refuses" = "works";
  const server = createServer((near) => {
    if (mode === "refuses") return void near.resetAndDestroy();
    const far = connect(Number(target.port), target.hostname);
    let dead = mode === "swallows";
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => {
        dead ||= mode === "swallows";
        if (!dead) to.write(chunk);
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        sockets.delete(from);
        if (!dead) to.destroy();
      });
    }
  });
  server.listen(0, target.hostname);
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    swallow: () => {
      mode = "swallows";
    },
    refuse: () => {
      mode = "refuses";
      cut();
    },
    heal: () => {
      mode = "works";
    },
    close: () => {
      server.close();
      cut();
    },
  };
}
