import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, get, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { answer } from "../../src/api/admission-review.ts";
import type { WebhookConfiguration } from "../../src/certs/bundle.ts";
import type { Installation } from "../../src/certs/installation.ts";
import { CertificateManager } from "../../src/certs/manager.ts";
import { DEFAULT_POLICY } from "../../src/certs/rotate.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { fingerprint, readCertificate } from "../../src/certs/x509.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { Informer } from "../../src/kube/informer.ts";
import { type Log, silentLog, systemClock } from "../../src/kube/surroundings.ts";

/** One replica: an HTTPS server that serves what its certificate manager says. */
export interface Replica {
  identity: string;
  manager: CertificateManager;
  port: number;
  /** Fingerprints of what it has served, in order. */
  served: string[];
  /** Steps that it did as the issuer. */
  steps: string[];
  /** What the API server did not allow it. */
  forbidden: string[];
  stop(): Promise<void>;
}

/** Starts a replica under the given account, and resolves when it serves. */
export async function startReplica(options: {
  client: KubeClient;
  installation: Installation;
  identity: string;
  settleMs: number;
  /** Where to listen; more than one replica may listen there. */
  host?: string;
  port?: number;
}): Promise<Replica> {
  const { client, installation, identity } = options;
  const served: string[] = [];
  const steps: string[] = [];
  const forbidden: string[] = [];
  let server: Server | undefined;
  const manager = new CertificateManager(
    client,
    {
      ...installation,
      identity,
      policy: { ...DEFAULT_POLICY, dnsNames: dnsNamesOf(installation.service), settleMs: options.settleMs },
      leaseDurationMs: 5_000,
      onPair(pair) {
        const certificate = readCertificate(pair.cert);
        if (certificate) served.push(fingerprint(certificate));
        server?.setSecureContext(pair);
      },
      onStep: (step) => {
        if (step.do !== "nothing" && step.do !== "wait") steps.push(step.do);
      },
    },
    { clock: systemClock, random: Math.random, log: listening(forbidden) },
  );
  manager.start();
  const pair = await manager.firstPair(20_000);
  if (!pair) throw new Error(`${identity} has no certificate: ${manager.state.why}`);
  server = createServer(pair, (request, response) => void admit(request, response));
  const { host = "127.0.0.1", port: wanted = 0 } = options;
  server.listen({ host, port: wanted, reusePort: wanted !== 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    identity,
    manager,
    port,
    served,
    steps,
    forbidden,
    async stop() {
      await manager.stop();
      client.close();
      server?.close();
      server?.closeAllConnections();
    },
  };
}

/** Admits whatever it is asked, over a connection of its own each time, so that each has a handshake. */
async function admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("connection", "close");
  if (request.method !== "POST") return void response.end("ok");
  const { uid } = ((await json(request)) as { request: { uid: string } }).request;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answer({ uid, allowed: true })));
}

/** Requests without an end, each verified with the bundle that an API server would use at that moment. */
export class TlsLoop implements AsyncDisposable {
  requests = 0;
  readonly failures: { replica: string; problem: string }[] = [];
  readonly #installation: Installation;
  readonly #informers: Informer<WebhookConfiguration>[];
  readonly #running: Promise<void>[];
  #stopped = false;

  private constructor(
    installation: Installation,
    informers: Informer<WebhookConfiguration>[],
    replicas: readonly Replica[],
  ) {
    this.#installation = installation;
    this.#informers = informers;
    this.#running = replicas.map((replica) => this.#run(replica));
  }

  static async start(
    client: KubeClient,
    installation: Installation,
    replicas: readonly Replica[],
  ): Promise<TlsLoop> {
    const informers = installation.targets.map(({ resource, name }) => {
      const what = { resource, fieldSelector: `metadata.name=${name}` };
      const around = { clock: systemClock, random: Math.random, log: silentLog };
      const informer = new Informer<WebhookConfiguration>(client, what, around);
      informer.start();
      return informer;
    });
    for (const informer of informers) await informer.waitForSync(5_000);
    return new TlsLoop(installation, informers, replicas);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#running, ...this.#informers.map((informer) => informer.stop())]);
  }

  async #run(replica: Replica): Promise<void> {
    const { service } = this.#installation;
    while (!this.#stopped) {
      for (const informer of this.#informers) {
        for (const configuration of informer.store.values()) {
          for (const { clientConfig } of configuration.webhooks ?? []) {
            if (clientConfig.service?.name !== service.name) continue;
            const ca = Buffer.from(clientConfig.caBundle ?? "", "base64").toString();
            const problem = await request(replica.port, ca, `${service.name}.${service.namespace}.svc`);
            this.requests += 1;
            if (problem) this.failures.push({ replica: replica.identity, problem });
          }
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function request(port: number, ca: string, servername: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    // A connection each: kept ones would not look at the certificate again.
    get({ host: "127.0.0.1", port, ca, servername, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(undefined));
    }).on("error", (error) => resolve(error.message));
  });
}

function listening(forbidden: string[]): Log {
  const note = (details: object, message: string) => {
    if ("code" in details && details.code === 403) forbidden.push(message);
  };
  return { ...silentLog, info: note, warn: note, error: note };
}
