import { Agent, type RequestOptions, request } from "node:https";
import { pino } from "pino";
import type { Verdict } from "../../src/admission/verdict.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import { type ServingPair, selfMadePair } from "../../src/certs/self-made.ts";
import { type AdmissionServer, createAdmissionServer, type ServerOptions } from "../../src/server/server.ts";

/** An answer over the wire. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A server on a free port with what a test needs to talk to it. */
export interface Running {
  server: AdmissionServer;
  port: number;
  pair: ServingPair;
  lines: string[];
  ready: { ready: boolean; reasons: string[] };
  send: (path: string, body: string | Buffer | undefined, options?: RequestOptions) => Promise<Answer>;
  stop: () => Promise<void>;
}

/** Admits everything unchanged. */
export function admit({ uid }: AdmissionRequest): Verdict {
  return { response: { uid, allowed: true }, outcome: "unchanged", findings: [], operations: 0 };
}

/** Starts a server with the given reviewers; `like`: with the certificate of another. */
export async function start(
  routes: ServerOptions["routes"],
  more: Pick<ServerOptions, "limits" | "onReview" | "onShed" | "clientCa"> = {},
  like?: ServingPair,
): Promise<Running> {
  const pair = like ?? (await selfMadePair({ dnsNames: ["localhost"], days: 1 }));
  const lines: string[] = [];
  const ready = { ready: true, reasons: [] as string[] };
  const log = pino({ base: {} }, { write: (line: string) => void lines.push(line) });
  const server = createAdmissionServer({ routes, tls: pair, log, readiness: () => ready, ...more });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const send: Running["send"] = (path, body, options = {}) => post(port, pair.ca, path, body, options);
  return { server, port, pair, lines, ready, send, stop: () => server.drain({ graceMs: 0, limitMs: 500 }) };
}

/** One request with its own connection, or over the agent that is given. */
export function post(
  port: number,
  ca: string,
  path: string,
  body: string | Buffer | undefined,
  options: RequestOptions = {},
): Promise<Answer> {
  const { headers, ...rest } = options;
  const all = { "content-type": "application/json", ...headers };
  return new Promise((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const sent = request({ host: "localhost", port, ca, path, method, headers: all, ...rest }, (reply) => {
      const parts: Buffer[] = [];
      reply.on("data", (part: Buffer) => parts.push(part));
      reply.on("error", reject);
      reply.on("end", () =>
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers,
          text: Buffer.concat(parts).toString(),
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A review of the creation of an object. */
export function review(request: Partial<AdmissionRequest> = {}, apiVersion = "admission.k8s.io/v1"): string {
  const kind = { group: "workload.serving.volcano.sh", version: "v1alpha1", kind: "ModelServing" };
  const full = { uid: "u-1", kind, operation: "CREATE", name: "m", namespace: "n", object: {}, ...request };
  return JSON.stringify({ apiVersion, kind: "AdmissionReview", request: full });
}

/** An agent that keeps one connection open. */
export function keepAlive(ca: string): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, ca });
}
