import type { KubeClient } from "../kube/client.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { type CertificateFiles, readPair, watchPair } from "./files.ts";
import type { Installation } from "./installation.ts";
import { CertificateManager } from "./manager.ts";
import type { CertificatePolicy } from "./rotate.ts";
import { type KeyPair, selfMadePair } from "./self-made.ts";
import { dnsNamesOf } from "./service-names.ts";
import { TrustWatch } from "./trust-watch.ts";
import { holdsAt, lifeOf, readBundle, readCertificate } from "./x509.ts";

/** Where the serving certificate of a replica comes from. */
export type CertificateSource = { installation: Installation } & (
  | { from: "managed"; identity: string; policy: CertificatePolicy; leaseDurationMs: number }
  | { from: "files"; files: CertificateFiles }
);

/** The serving certificate of one replica, whichever way it comes, and whether the published bundles trust it. */
export class ClusterCertificates {
  readonly #around: Surroundings;
  readonly #source: CertificateSource;
  readonly #manager: CertificateManager | undefined;
  readonly #trust: TrustWatch | undefined;
  #serve: (pair: KeyPair) => void = () => {};
  #pair: KeyPair | undefined;
  #unwatch: (() => void) | undefined;

  constructor(client: KubeClient, source: CertificateSource, around: Surroundings) {
    this.#source = source;
    this.#around = around;
    const { installation } = source;
    if (source.from === "managed") {
      const onPair = (pair: KeyPair) => this.#take(pair);
      this.#manager = new CertificateManager(client, { ...installation, ...source, onPair }, around);
    } else this.#trust = new TrustWatch(client, installation, around);
  }

  /**
   * Begins, and gives what is to be served at first. A managed certificate can be a while in coming: until then one
   * that nobody trusts lets the replica say that it is alive and not ready.
   * @throws Error that names the file and the problem
   */
  async start(): Promise<KeyPair> {
    if (this.#source.from === "files") {
      const { files } = this.#source;
      const current = await readPair(files);
      this.#pair = current;
      const { log } = this.#around;
      this.#unwatch = watchPair(files, { log, current, onPair: (pair) => this.#take(pair) });
      this.#trust?.start();
      return current;
    }
    const { service } = this.#source.installation;
    const placeholder = await selfMadePair({ dnsNames: dnsNamesOf(service), days: 1 });
    this.#manager?.start();
    return this.#pair ?? placeholder;
  }

  /** Tells each pair that is to be served from now on. */
  onPair(serve: (pair: KeyPair) => void): void {
    this.#serve = serve;
    if (this.#pair) serve(this.#pair);
  }

  async stop(): Promise<void> {
    this.#unwatch?.();
    await Promise.all([this.#manager?.stop(), this.#trust?.stop()]);
  }

  /** Why reviews cannot come here yet; empty where they can. */
  get missing(): string[] {
    if (this.#manager) return this.#manager.state.ready ? [] : [this.#manager.state.why ?? "no certificate"];
    const [leaf, ...intermediates] = readBundle(this.#pair?.cert ?? "").certificates;
    if (!leaf || !this.#trust) return ["there is no serving certificate"];
    if (!holdsAt(leaf, this.#around.clock.now())) return ["the serving certificate is not valid now"];
    const verdict = this.#trust.verdict(leaf, intermediates);
    return verdict.trusted ? [] : [verdict.why];
  }

  /** Whether this replica is the one that issues. */
  get issuing(): boolean {
    return this.#manager?.state.issuing ?? false;
  }

  /** Seconds since 1970 until which each certificate holds. */
  get expiry(): Record<string, number> {
    const { leafUntil, caUntil } = this.#manager?.state ?? this.#filesState();
    return {
      ...(leafUntil === undefined ? {} : { leaf: leafUntil / 1000 }),
      ...(caUntil === undefined ? {} : { ca: caUntil / 1000 }),
    };
  }

  #filesState(): { leafUntil?: number; caUntil?: number } {
    const leaf = this.#pair && readCertificate(this.#pair.cert);
    return leaf ? { leafUntil: lifeOf(leaf).to } : {};
  }

  #take(pair: KeyPair): void {
    this.#serve(pair);
    this.#pair = pair;
  }
}
