import type { Server } from "node:https";
import { type FastifyInstance, fastify, LogController } from "fastify";
import type { Logger } from "pino";
import type { Reviewer } from "../admission/verdict.ts";
import { readBodies } from "./body.ts";
import { clientCheck } from "./client-certificate.ts";
import { boundConnections } from "./connection-bound.ts";
import { type DrainOptions, type DrainState, drainConnections } from "./drain.ts";
import { handleErrors } from "./errors.ts";
import { LIMITS, type Limits } from "./limits.ts";
import type { Observation } from "./observation.ts";
import { sendText } from "./reply.ts";
import { reviewRoute } from "./review-route.ts";
import { logHandshakes, replaceCertificate, type ServingCertificate, secureOptions } from "./tls.ts";
import { unusedConnections } from "./unused-connections.ts";
import { type Shed, WorkUnderWay } from "./work-under-way.ts";

export type { DrainOptions } from "./drain.ts";
export type { Observation } from "./observation.ts";
export type { ServingCertificate } from "./tls.ts";
export type { Shed } from "./work-under-way.ts";

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
  /** Called each time that something is given up so that the rest goes on. */
  onShed?: (what: Shed) => void;
  /**
   * PEM of the CAs that sign the API server's client certificate: review paths then answer who shows one of theirs.
   * Without it they answer everybody.
   */
  clientCa?: string;
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
   * The same for the CAs of clients. Only where there were some at the start.
   * @throws Error of OpenSSL where it is no PEM; what was before stays in force
   */
  replaceClientCa: (pem: string) => void;
  /** Bytes that requests hold. */
  bytesUnderWay: () => number;
  /**
   * Leaves without a failed request: not ready at once, answers on for `graceMs` while the API server still sends,
   * then takes no new connection, answers what is under way and ends; at `limitMs` at the latest. A second call
   * waits for the first.
   */
  drain: (how: DrainOptions) => Promise<void>;
}

/** Makes the server; it does not listen yet. */
export function createAdmissionServer(options: ServerOptions): AdmissionServer {
  const { log, onReview, onShed = () => {} } = options;
  const limits = { ...LIMITS, ...options.limits };
  const state: DrainState = { draining: false, closing: false };
  const secure = { tls: options.tls, clientCa: options.clientCa };
  const app = createApp(secure, limits);
  const server = app.server as unknown as Server;
  const under = new WorkUnderWay(limits.underWayBytes, onShed);
  readBodies(app, under, limits.bodyBytes);
  boundConnections(server, limits.connections, () => onShed("connection"));
  const unused = unusedConnections(server);
  logHandshakes(server, log);
  handleErrors(app, { log, onReview, state, bodyBytes: limits.bodyBytes });
  healthRoutes(app, state, options.readiness);
  const onRequest = secure.clientCa === undefined ? [] : [clientCheck(state)];
  for (const [path, reviewer] of Object.entries(options.routes)) {
    app.post(path, { onRequest }, reviewRoute({ path, reviewer, state, log, onReview }));
  }
  const looking = setInterval(() => under.cutUnread(limits.answer), limits.check).unref();
  let drained: Promise<void> | undefined;
  const drain = async (how: DrainOptions): Promise<void> => {
    const cut = await drainConnections({ server, unused }, state, how);
    if (cut > 0) log.warn({ connections: cut }, "cut connections that did not end in time");
    clearInterval(looking);
    await app.close();
  };
  const secureWith = (changed: Partial<typeof secure>): void => {
    const next = { ...secure, ...changed };
    replaceCertificate(server, next.tls, next.clientCa);
    Object.assign(secure, next);
  };
  return {
    listen: (where) => listen(app, server, where),
    replaceCertificate: (tls) => secureWith({ tls }),
    replaceClientCa: (clientCa) => secureWith({ clientCa }),
    bytesUnderWay: () => under.bytes,
    drain: (how) => {
      drained ??= drain(how);
      return drained;
    },
  };
}

interface Secure {
  tls: ServingCertificate;
  clientCa: string | undefined;
}

function createApp({ tls, clientCa }: Secure, limits: Limits): FastifyInstance {
  const app = fastify({
    https: {
      ...secureOptions(tls, clientCa),
      // Asked for and not insisted on: probes have none.
      ...(clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
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
