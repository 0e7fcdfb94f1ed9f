import type { Server } from "node:https";
import type { TLSSocket } from "node:tls";

/**
 * Keeps the connections that are open and on which nothing has been asked for. Go's HTTP client, which the API server
 * uses, opens one when it has none free and may then send over another that got free first. Node takes them for busy
 * (until the limit for headers), so `closeIdleConnections` leaves them open.
 */
export function unusedConnections(server: Server): ReadonlySet<TLSSocket> {
  const unused = new Set<TLSSocket>();
  server.on("secureConnection", (socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  server.on("request", ({ socket }) => unused.delete(socket as TLSSocket));
  return unused;
}
