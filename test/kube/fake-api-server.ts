import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { json } from "node:stream/consumers";
import { KubeClient } from "../../src/kube/client.ts";

/** One call as it came in. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: unknown;
  response: ServerResponse;
}

/** An HTTP server that answers as the test says: for faults that a real API server does not have on demand. */
export interface FakeApiServer extends AsyncDisposable {
  client: KubeClient;
  url: string;
  calls: Call[];
  /** How many connections were opened. */
  connections(): number;
  /** Resets every connection. */
  cut(): void;
}

/** Starts one. The answer function may write to `call.response`, or give a status code and a body. */
export async function fakeApiServer(
  answer: (call: Call) => unknown,
  options: { timeoutMs?: number } = {},
): Promise<FakeApiServer> {
  const calls: Call[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const body = request.headers["content-length"] ? await json(request).catch(() => undefined) : undefined;
    const { method = "", headers } = request;
    const call = { method, path: url.pathname, query: url.searchParams, headers, body, response };
    calls.push(call);
    const given = await answer(call);
    // Answer functions of one expression give the response or its socket: they have done it themselves.
    if (response.headersSent || given === undefined || given instanceof EventEmitter) return;
    const [code, content] = Array.isArray(given) ? given : [200, given];
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(content));
  });
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new KubeClient({
    source: { from: "explicit", server: url, token: "t0", skipTlsVerify: true },
    userAgent: "kthena-ascend/test",
    ...options,
  });
  return {
    client,
    url,
    calls,
    connections: () => connections,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      client.close();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** metav1.Status of a refusal. */
export function status(code: number, reason: string, message = reason): [number, object] {
  return [code, { apiVersion: "v1", kind: "Status", status: "Failure", code, reason, message }];
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
