import type { Server } from "node:https";
import { type FastifyInstance, fastify, LogController } from "fastify";
import type { Logger } from "pino";
import type { Reviewer } from "../admission/verdict.ts";
import { type DrainOptions, type DrainState, drainConnections } from "./drain.ts";
import { handleErrors } from "./errors.ts";
import { LIMITS, type Limits } from "./limits.ts";
import type { Observation } from "./observation.ts";
import { sendText } from "./reply.ts";
import { reviewRoute } from "./review-route.ts";
import { logHandshakes, replaceCertificate, type ServingCertificate, secureOptions } from "./tls.ts";
import { unusedConnections } from "./unused-connections.ts";

export type { DrainOptions } from "./drain.ts";
export type { Observation } from "./observation.ts";
export type { ServingCertificate } from "./tls.ts";

/** Whether the server should get requests, and why not. */
export interface Readiness {
  ready: boolean;
  reasons: string[];
}

/** What the server is made of. */
export interface ServerOptions {
  /** Path to reviewer: `/mutate`, `/validate`. */
  routes: Readonly<Record<string, Reviewer>>;
  tls: ServingCertificate;
  log: Logger;
  readiness: () => Readiness;
  /** Called after each answer on a review path, also for what was no review. What it throws is logged. */
  onReview?: (observation: Observation) => void;
  /** Other limits than those for the API server. */
  limits?: Partial<Limits>;
}

/** The HTTPS server of the webhooks. */
export interface AdmissionServer {
  /**
   * Starts listening; gives the port.
   * @throws Error of the operating system, such as EADDRINUSE
   */
  listen: (where: { host: string; port: number; reusePort?: boolean }) => Promise<number>;
  /**
   * New connections get this certificate; those that are open go on.
   * @throws Error of OpenSSL where the pair is no pair; the one before stays in force
   */
  replaceCertificate: (pair: ServingCertificate) => void;
  /**
   * Leaves without a failed request: not ready at once, answers on for `graceMs` while the API server still sends,
   * then takes no new connection, answers what is under way and ends; at `limitMs` at the latest. A second call
   * waits for the first.
   */
  drain: (how: DrainOptions) => Promise<void>;
}

/** Makes the server; it does not listen yet. */
export function createAdmissionServer(options: ServerOptions): AdmissionServer {
  const { log, onReview } = options;
  const limits = { ...LIMITS, ...options.limits };
  const state: DrainState = { draining: false, closing: false };
  const app = createApp(options.tls, limits);
  const server = app.server as unknown as Server;
  const unused = unusedConnections(server);
  logHandshakes(server, log);
  handleErrors(app, { log, onReview, state, bodyBytes: limits.bodyBytes });
  healthRoutes(app, state, options.readiness);
  for (const [path, reviewer] of Object.entries(options.routes)) {
    app.post(path, reviewRoute({ path, reviewer, state, log, onReview }));
  }
  let drained: Promise<void> | undefined;
  const drain = async (how: DrainOptions): Promise<void> => {
    const cut = await drainConnections({ server, unused }, state, how);
    if (cut > 0) log.warn({ connections: cut }, "cut connections that did not end in time");
    await app.close();
  };
  return {
    listen: (where) => listen(app, server, where),
    replaceCertificate: (pair) => replaceCertificate(server, pair),
    drain: (how) => {
      drained ??= drain(how);
      return drained;
    },
  };
}

function createApp(tls: ServingCertificate, limits: Limits): FastifyInstance {
  const app = fastify({
    https: {
      ...secureOptions(tls),
      handshakeTimeout: limits.handshake,
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      connectionsCheckingInterval: limits.check,
    },
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: limits.keepAlive,
    requestTimeout: limits.request,
    // One line a review is written here; two a request with a logger of its own each would cost as much as TLS.
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    exposeHeadRoutes: false,
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  // Bodies reach the route as text and are parsed once, there.
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) =>
    done(null, body),
  );
  return app;
}

function healthRoutes(app: FastifyInstance, state: DrainState, readiness: () => Readiness): void {
  app.get("/healthz", (_request, reply) => sendText(reply, state, 200, "ok"));
  app.get("/readyz", (_request, reply) => {
    const { ready, reasons } = state.draining ? { ready: false, reasons: ["shutting down"] } : readiness();
    sendText(reply, state, ready ? 200 : 503, ready ? "ok" : reasons.join("\n"));
  });
}

async function listen(
  app: FastifyInstance,
  server: Server,
  { host, port, reusePort = false }: { host: string; port: number; reusePort?: boolean },
): Promise<number> {
  // fastify's type does not know the option but hands it on to Node.
  const where: { host: string; port: number } = { host, port, ...(reusePort ? { reusePort } : {}) };
  await app.listen(where);
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
