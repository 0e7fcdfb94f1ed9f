import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { Socket } from "node:net";

interface Connection {
  key: string;
  socket: Socket;
  address: string;
  /** Requests on it that are not answered yet. */
  busy: number;
  /** Whether anything was ever asked on it. */
  used: boolean;
}

/**
 * Bounds how many connections are open: each costs some 70 KiB for TLS alone. A new one beyond the bound takes the
 * place of another on which nothing is under way: of the address with the most connections, one that was never used
 * first, then the one that was idle longest. So whoever opens many loses his own, and API servers keep theirs. Where
 * all are busy, the new one is closed.
 */
export function boundConnections(server: Server, most: number, onShed: () => void): void {
  /** Those used last are last. */
  const open = new Map<string, Connection>();
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const key = keyOf(socket);
    open.set(key, { key, socket, address, busy: 0, used: false });
    socket.once("close", () => {
      if (open.get(key)?.socket === socket) open.delete(key);
    });
    if (open.size <= most) return;
    const victim = leastNeeded(open.values(), socket) ?? open.get(key);
    open.delete(victim?.key ?? key);
    victim?.socket.destroy();
    onShed();
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const key = keyOf(socket);
    const connection = open.get(key);
    if (!connection) return;
    connection.busy += 1;
    connection.used = true;
    response.once("close", () => {
      connection.busy -= 1;
      if (open.get(key) !== connection) return;
      open.delete(key);
      open.set(key, connection);
    });
  });
}

/** A TLS socket and the plain one beneath it have the same. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function leastNeeded(open: Iterable<Connection>, newest: Socket): Connection | undefined {
  const idle = [...open].filter(({ busy, socket }) => busy === 0 && socket !== newest);
  const counts = new Map<string, number>();
  for (const { address } of idle) counts.set(address, (counts.get(address) ?? 0) + 1);
  let best: Connection | undefined;
  const weight = ({ address, used }: Connection): number => (counts.get(address) ?? 0) * 2 + Number(!used);
  for (const connection of idle) if (!best || weight(connection) > weight(best)) best = connection;
  return best;
}
