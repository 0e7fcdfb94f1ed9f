import { createServer } from "node:http";
import type { Registry } from "prom-client";

/** The server of the metrics: plain HTTP on a port of its own, which no webhook traffic reaches. */
export interface MetricsServer {
  port: number;
  close: () => Promise<void>;
}

const MOST_CONNECTIONS = 64;
/** How long a request may take to come, and a connection be quiet. */
const LATE_MS = 30_000;

/**
 * Serves `GET /metrics`.
 * @throws Error of the operating system, such as EADDRINUSE
 */
export async function startMetricsServer(
  registry: Registry,
  where: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("only /metrics is served here\n");
      return;
    }
    try {
      const text = await registry.metrics();
      response.writeHead(200, { "content-type": registry.contentType }).end(text);
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" }).end(`${(error as Error).message}\n`);
    }
  });
  // Plain HTTP in the cluster: a few scrapers, and nothing else may take memory here.
  server.maxConnections = MOST_CONNECTIONS;
  server.requestTimeout = LATE_MS;
  server.timeout = LATE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where.port, where.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : where.port,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
