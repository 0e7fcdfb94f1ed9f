import type { Server } from "node:https";
import { Server as NetServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";

/** How a server leaves. Times in milliseconds. */
export interface DrainOptions {
  /** How long everything is served as before, new connections too, while the world learns of the un-readiness. */
  graceMs: number;
  /**
   * How long a connection may then be quiet until it is closed; those in use end with their next answer. By default a
   * second, and less where the grace is less.
   */
  lingerMs?: number;
  /** When everything still open is cut, counted from the start. */
  limitMs: number;
}

/** What the server's answers look at meanwhile. */
export interface DrainState {
  /** Readiness is refused. */
  draining: boolean;
  /** Every answer ends its connection. */
  closing: boolean;
}

/** What is drained. */
export interface Drained {
  server: Server;
  /** Connections on which nothing has been asked for yet. */
  unused: ReadonlySet<TLSSocket>;
}

const LINGER_MS = 1000;
const LOOK_MS = 50;

/**
 * Takes a listening server out of service without failing a request of a client that is still sending.
 *
 * Closing a connection that looks idle can cut a request that is on its way in. So the connections in use are told
 * to close with their answers first, and only those that stay quiet are closed from this side.
 *
 * @returns how many connections had to be cut at the limit
 */
export async function drainConnections(
  { server, unused }: Drained,
  state: DrainState,
  { graceMs, lingerMs = Math.min(LINGER_MS, graceMs), limitMs }: DrainOptions,
): Promise<number> {
  const end = performance.now() + limitMs;
  state.draining = true;
  await pause(graceMs);
  state.closing = true;
  const stop = new AbortController();
  const gone = stopAccepting(server).then(() => stop.abort());
  const mostMs = Math.max(0, end - performance.now());
  await quietly(pause(Math.min(lingerMs, mostMs), undefined, { signal: stop.signal }));
  while (!stop.signal.aborted && performance.now() < end) {
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
    await quietly(pause(LOOK_MS, undefined, { signal: stop.signal }));
  }
  if (stop.signal.aborted) return 0;
  const left = await connections(server);
  server.closeAllConnections();
  await Promise.race([gone, pause(LOOK_MS)]);
  return left;
}

/** Frees the port. `server.close()` would do so too, but cuts idle connections at once. Resolves with the last one. */
function stopAccepting(server: Server): Promise<void> {
  return new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}

/** A pause that is cut short is no error. */
function quietly(pausing: Promise<unknown>): Promise<unknown> {
  return pausing.catch(() => undefined);
}
