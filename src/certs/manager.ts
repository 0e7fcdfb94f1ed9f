import type { KubeClient } from "../kube/client.ts";
import { Informer } from "../kube/informer.ts";
import { LeaderElection } from "../kube/lease.ts";
import { keyOf, type Place, SECRETS } from "../kube/resource.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import type { ServiceName } from "./bundle.ts";
import { Issuer } from "./issuer.ts";
import type { WebhookConfigurationRef } from "./publish.ts";
import { type CertificatePolicy, leafProblem, type RotationStep } from "./rotate.ts";
import type { KeyPair } from "./self-made.ts";
import { type Leaf, readSecret, type Secret } from "./store.ts";
import { type TrustVerdict, TrustWatch } from "./trust-watch.ts";
import { fingerprint, holdsAt, lifeOf } from "./x509.ts";

/** A wall clock that has moved so much against the one that never jumps was put right. */
const STEP_MS = 5_000;
const CLOCK_LOOKED_AT_MS = 5_000;

/** Certificates that this software makes itself. */
export interface ManagedOptions {
  /** Namespace and name of the Secret. */
  secret: Place;
  /** The certificates' own Lease. */
  lease: Place;
  /** This replica; no two may have the same. */
  identity: string;
  service: ServiceName;
  targets: readonly WebhookConfigurationRef[];
  policy: CertificatePolicy;
  /** Told of the first pair, and of each new one: to be served from now on. */
  onPair(pair: KeyPair): void;
  onStep?(step: RotationStep): void;
  leaseDurationMs?: number;
}

/** How the certificates are doing, for readiness, metrics and `check`. */
export interface CertificateState {
  ready: boolean;
  /** Why not. */
  why?: string;
  /** Whether this replica is the one that issues. */
  issuing: boolean;
  /** Wall clock milliseconds. */
  leafUntil?: number;
  caUntil?: number;
  rotating: boolean;
}

/**
 * The certificates of one replica: it serves from the Secret and follows it; while it holds the Lease it also
 * looks after the Secret and the bundle.
 */
export class CertificateManager {
  readonly #options: ManagedOptions;
  readonly #around: Surroundings;
  readonly #secret: Informer<Secret>;
  readonly #trust: TrustWatch;
  readonly #election: LeaderElection;
  readonly #issuer: Issuer;
  readonly #waiting = new Set<() => void>();
  #wake = new AbortController();
  #serving: Leaf | undefined;

  constructor(client: KubeClient, options: ManagedOptions, surroundings: Surroundings) {
    const { secret, lease, identity, leaseDurationMs } = options;
    this.#options = options;
    this.#around = surroundings;
    const fieldSelector = `metadata.name=${secret.name}`;
    const what = {
      resource: SECRETS,
      fieldSelector,
      ...(secret.namespace ? { namespace: secret.namespace } : {}),
    };
    this.#secret = new Informer(client, what, surroundings);
    this.#trust = new TrustWatch(client, options, surroundings);
    const mayWrite = () => this.#election.holds();
    this.#issuer = new Issuer(client, { ...options, mayWrite }, surroundings);
    const duration = leaseDurationMs === undefined ? {} : { leaseDurationMs };
    const lead = (signal: AbortSignal) => this.#lead(signal);
    this.#election = new LeaderElection(client, { lease, identity, lead, ...duration }, surroundings);
  }

  /** Begins to follow the Secret, and to try for the Lease. */
  start(): void {
    this.#secret.onChange((_key, current) => this.#follow(current));
    this.#trust.onChange(() => this.#wake.abort());
    this.#secret.start();
    this.#trust.start();
    this.#election.start();
  }

  /** Gives the Lease back and ends. What is served goes on being served. */
  async stop(): Promise<void> {
    this.#wake.abort();
    await this.#election.stop();
    await Promise.all([this.#secret.stop(), this.#trust.stop()]);
    for (const wake of this.#waiting) wake();
  }

  /** Waits for the first pair that can be served; undefined where there is none in time. */
  async firstPair(timeoutMs: number): Promise<KeyPair | undefined> {
    if (!this.#serving) {
      const over = new AbortController();
      const wake = () => over.abort();
      this.#waiting.add(wake);
      await this.#around.clock.sleep(timeoutMs, over.signal);
      this.#waiting.delete(wake);
    }
    return this.#serving && pairOf(this.#serving);
  }

  get state(): CertificateState {
    const stored = readSecret(this.#stored());
    const verdict = this.#verdict();
    return {
      ready: verdict.trusted,
      ...(verdict.trusted ? {} : { why: verdict.why }),
      issuing: this.#election.holds(),
      ...(this.#serving ? { leafUntil: lifeOf(this.#serving.certificate).to } : {}),
      ...(stored.ca ? { caUntil: lifeOf(stored.ca.certificate).to } : {}),
      rotating: stored.next !== undefined,
    };
  }

  #verdict(): TrustVerdict {
    if (!this.#serving) {
      const why = leafProblem(readSecret(this.#stored()), this.#around.clock.now(), this.#options.policy);
      return { trusted: false, why: why ?? "there is no serving certificate yet" };
    }
    if (!holdsAt(this.#serving.certificate, this.#around.clock.now())) {
      return { trusted: false, why: "the serving certificate has expired" };
    }
    return this.#trust.verdict(this.#serving.certificate);
  }

  #stored(): Secret | undefined {
    return this.#secret.store.get(keyOf(this.#options.secret));
  }

  #follow(secret: Secret | undefined): void {
    this.#wake.abort();
    const stored = readSecret(secret);
    this.#issuer.remember(stored);
    const problem = leafProblem(stored, this.#around.clock.now(), this.#options.policy);
    if (problem !== undefined || !stored.leaf) {
      this.#around.log.warn({ problem, also: stored.problems }, "the Secret's certificate is not served");
      return;
    }
    this.#serve(stored.leaf);
  }

  #serve(leaf: Leaf): void {
    if (this.#serving && fingerprint(this.#serving.certificate) === fingerprint(leaf.certificate)) return;
    this.#serving = leaf;
    const until = new Date(lifeOf(leaf.certificate).to).toISOString();
    this.#around.log.info(
      { serial: leaf.certificate.x509.serialNumber, until },
      "serving certificate in force",
    );
    for (const wake of this.#waiting) wake();
    this.#options.onPair(pairOf(leaf));
  }

  async #lead(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const pause = await this.#issuer.turn();
      if (pause === 0) continue;
      await this.#rest(pause, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  /**
   * Sleeps so long, or until the wall clock was put right: a machine that was asleep finds its certificates expired,
   * long before the time at which they would have been looked at.
   */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#around;
    const ahead = () => clock.now() - clock.monotonic();
    const [end, before] = [clock.monotonic() + ms, ahead()];
    while (!signal.aborted && clock.monotonic() < end && Math.abs(ahead() - before) < STEP_MS) {
      await clock.sleep(Math.min(end - clock.monotonic(), CLOCK_LOOKED_AT_MS), signal);
    }
  }
}

function pairOf({ certificate, key }: Leaf): KeyPair {
  return { cert: certificate.pem, key };
}
