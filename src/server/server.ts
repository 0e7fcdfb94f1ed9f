import type { Server } from "node:https";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import type { Logger } from "pino";
import type { Reviewer } from "../admission/verdict.ts";
import { handleErrors } from "./errors.ts";
import { reviewRoute } from "./review-route.ts";

/** Certificate and key as PEM. */
export interface ServingCertificate {
  cert: string;
  key: string;
}

/** Whether the server should get requests, and why not. */
export interface Readiness {
  ready: boolean;
  reasons: string[];
}

/** What became of one review, for metrics. */
export interface Observation {
  path: string;
  kind: string;
  operation: string;
  outcome: string;
  skipReason?: string | undefined;
  seconds: number;
}

/** What the server is made of. */
export interface ServerOptions {
  /** Path to reviewer: `/mutate`, `/validate`. */
  routes: Readonly<Record<string, Reviewer>>;
  tls: ServingCertificate;
  log: Logger;
  readiness: () => Readiness;
  onReview?: (observation: Observation) => void;
}

/** An UPDATE carries two objects of up to 3 MB; controller-runtime has the same limit. */
const BODY_LIMIT = 7 * 1024 * 1024;
/** The API server keeps idle connections for 90 s; closing earlier would break a request under way. */
const KEEP_ALIVE_MS = 95_000;
const HEADERS_MS = 32_000;

/** The HTTPS server of the webhooks. */
export interface AdmissionServer {
  /** Starts listening; gives the port. */
  listen: (where: { host: string; port: number; reusePort?: boolean }) => Promise<number>;
  /** New connections get this certificate; those that are open go on. */
  replaceCertificate: (pair: ServingCertificate) => void;
  /**
   * Leaves without a failed request: not ready at once, answers on for `graceMs` while the API server still sends,
   * then takes no new connection, answers what is under way and ends; at `limitMs` at the latest.
   */
  drain: (how: { graceMs: number; limitMs: number }) => Promise<void>;
}

/** Makes the server; it does not listen yet. */
export function createAdmissionServer(options: ServerOptions): AdmissionServer {
  const state = { draining: false, closing: false };
  const app = fastify({
    https: { ...options.tls, minVersion: "TLSv1.2" },
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: HEADERS_MS,
    disableRequestLogging: true,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    exposeHeadRoutes: false,
  });
  const server = app.server as unknown as Server;
  server.headersTimeout = HEADERS_MS;
  rawBodies(app);
  handleErrors(app, options.log);
  app.addHook("onSend", (_request, reply, payload, done) => {
    // A client that keeps its connection would send the next request to a server that is gone.
    if (state.closing) reply.header("connection", "close");
    done(null, payload);
  });
  healthRoutes(app, () =>
    state.draining ? { ready: false, reasons: ["shutting down"] } : options.readiness(),
  );
  for (const [path, reviewer] of Object.entries(options.routes)) {
    app.post(path, reviewRoute({ path, reviewer, log: options.log, onReview: options.onReview }));
  }
  return {
    listen: async ({ host, port, reusePort }) => {
      await app.listen({ host, port, ...(reusePort ? { reusePort } : {}) } as { host: string; port: number });
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    },
    replaceCertificate: (pair) => server.setSecureContext({ ...pair, minVersion: "TLSv1.2" }),
    drain: (how) => drain(app, server, state, how),
  };
}

/** Bodies come as they are: they are parsed once, and a key named `__proto__` is data like any other. */
function rawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
}

function healthRoutes(app: FastifyInstance, readiness: () => Readiness): void {
  app.get("/healthz", (_request, reply) => text(reply, 200, "ok"));
  app.get("/readyz", (_request, reply) => {
    const { ready, reasons } = readiness();
    return text(reply, ready ? 200 : 503, ready ? "ok" : reasons.join("\n"));
  });
}

function text(reply: FastifyReply, code: number, body: string): FastifyReply {
  return reply.code(code).type("text/plain; charset=utf-8").send(`${body}\n`);
}

async function drain(
  app: FastifyInstance,
  server: Server,
  state: { draining: boolean; closing: boolean },
  { graceMs, limitMs }: { graceMs: number; limitMs: number },
): Promise<void> {
  const limit = setTimeout(() => server.closeAllConnections(), limitMs);
  state.draining = true;
  await pause(graceMs);
  state.closing = true;
  // Each kept connection learns with its next answer that it has to go; a quiet one is closed with the server.
  await pause(Math.min(500, graceMs));
  await app.close();
  clearTimeout(limit);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
