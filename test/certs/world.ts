import { bundlePatch, entriesOf, type WebhookConfiguration } from "../../src/certs/bundle.ts";
import {
  type CertificatePolicy,
  DEFAULT_POLICY,
  nextStep,
  type RotationStep,
} from "../../src/certs/rotate.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { Settling } from "../../src/certs/settling.ts";
import { executed } from "../../src/certs/steps.ts";
import {
  ROTATE_ANNOTATION,
  readSecret,
  type Secret,
  type Stored,
  secretPatchOf,
} from "../../src/certs/store.ts";
import { type Certificate, readBundle, signedBy } from "../../src/certs/x509.ts";
import { systemClock } from "../../src/kube/surroundings.ts";

export const SERVICE = { name: "hook", namespace: "ka" };
export const POLICY: CertificatePolicy = { ...DEFAULT_POLICY, dnsNames: dnsNamesOf(SERVICE) };
const DAY = 86_400_000;

/**
 * A cluster in memory, with time of its own. API servers and replicas take up each change up to `lagMs` late: a
 * rotation is right when every certificate that may still be served is trusted by every bundle that may still be used.
 */
export class World {
  now = Date.UTC(2030, 0, 1);
  readonly lagMs = 50_000;
  secret: Secret | undefined;
  configurations: WebhookConfiguration[] = [configuration("mutating"), configuration("validating")];
  readonly steps: string[] = [];
  readonly policy: CertificatePolicy;
  #settling = this.#newSettling();
  #remembered: Stored | undefined;
  #leaves: { leaf: Certificate; at: number }[] = [];
  #bundles: { cas: Certificate[]; at: number }[] = [];

  constructor(policy: CertificatePolicy = POLICY) {
    this.policy = policy;
  }

  /** A new process takes over: it remembers nothing. */
  crash(): void {
    this.#settling = this.#newSettling();
    this.#remembered = undefined;
  }

  get stored(): Stored {
    return readSecret(this.secret);
  }

  /** What each configuration trusts. */
  get trusted(): Certificate[][] {
    return this.configurations.map((one) => entriesOf(one, SERVICE).flatMap(({ trusted }) => trusted));
  }

  /** One turn. */
  async turn(): Promise<RotationStep> {
    const { stored } = this;
    const entries = this.configurations.flatMap((one) => entriesOf(one, SERVICE));
    const seen = { stored, remembered: this.#remembered, entries, ...this.#settling.look(stored, entries) };
    if (stored.problems.length === 0) this.#remembered = stored;
    const step = nextStep(seen, this.now, this.policy);
    await this.#do(step);
    return step;
  }

  /** Turns until there is nothing to do; `between` is called after each step. */
  async settle(between: () => void = () => {}): Promise<string[]> {
    const begin = this.steps.length;
    for (let turn = 0; turn < 60; turn += 1) {
      const step = await this.turn();
      if (step.do === "nothing") return this.steps.slice(begin);
      if (step.do === "wait") this.pass(step.ms);
      else between();
    }
    throw new Error(`no end: ${this.steps.slice(begin, begin + 20).join(", ")}`);
  }

  pass(ms: number): void {
    this.now += ms;
  }

  days(days: number): void {
    this.pass(days * DAY);
  }

  ask(what: string): void {
    if (this.secret) this.secret.metadata.annotations = { [ROTATE_ANNOTATION]: what };
  }

  damage(change: (data: Record<string, string>) => void): void {
    if (this.secret?.data) change(this.secret.data);
  }

  /** Pairs of a certificate that may be served now and a bundle that may be used now which do not go together. */
  clashes(): number {
    this.#note();
    const recent = <T extends { at: number }>(history: T[]): T[] =>
      history.filter(
        (_, index) =>
          (history[index + 1]?.at ?? this.now) > this.now - this.lagMs || index === history.length - 1,
      );
    let clashes = 0;
    for (const { leaf } of recent(this.#leaves)) {
      for (const { cas } of recent(this.#bundles)) if (!cas.some((ca) => signedBy(leaf, ca))) clashes += 1;
    }
    return clashes;
  }

  /** From here on the past does not count. */
  forget(): void {
    this.#leaves = [];
    this.#bundles = [];
    this.#note();
  }

  async #do(step: RotationStep): Promise<void> {
    if (step.do === "nothing" || step.do === "wait") return;
    this.steps.push(step.do === "issue-leaf" ? `issue-leaf from ${step.from}` : step.do);
    if (step.do === "publish") {
      for (const one of this.configurations) {
        for (const operation of bundlePatch(one, SERVICE, ({ trusted }) =>
          step.keep ? [...step.trust, ...trusted] : step.trust,
        )) {
          const index = Number(operation.path.split("/")[2]);
          const entry = one.webhooks?.[index];
          if (entry && operation.op === "add") entry.clientConfig.caBundle = String(operation.value);
        }
      }
    } else {
      const { change, request } = await executed(step, this.stored, this.policy, new Date(this.now));
      const patch = secretPatchOf(change, "1", request) as { data: Record<string, string | null> };
      const data = Object.entries(patch.data).filter((pair): pair is [string, string] => pair[1] !== null);
      const annotations =
        request === undefined
          ? this.secret?.metadata.annotations
          : request
            ? { [ROTATE_ANNOTATION]: request }
            : {};
      this.secret = {
        metadata: { name: "s", ...(annotations ? { annotations } : {}) },
        data: Object.fromEntries(data),
      };
    }
    this.#note();
  }

  #note(): void {
    const leaf = this.stored.leaf?.certificate;
    if (leaf && this.#leaves.at(-1)?.leaf.pem !== leaf.pem) this.#leaves.push({ leaf, at: this.now });
    for (const one of this.configurations) {
      for (const { clientConfig } of one.webhooks ?? []) {
        if (clientConfig.service?.name !== SERVICE.name) continue;
        const cas = readBundle(Buffer.from(clientConfig.caBundle ?? "", "base64").toString()).certificates;
        const text = (list: Certificate[]) => list.map(({ pem }) => pem).join("");
        if (text(this.#bundles.at(-1)?.cas ?? []) !== text(cas)) this.#bundles.push({ cas, at: this.now });
      }
    }
  }

  #newSettling(): Settling {
    return new Settling({ ...systemClock, monotonic: () => this.now });
  }
}

/** A configuration with two entries of ours and one that leads elsewhere. */
export function configuration(name: string): WebhookConfiguration {
  const entry = (webhook: string, service: string) => ({
    name: webhook,
    clientConfig: { service: { name: service, namespace: "ka" } },
  });
  return {
    metadata: { name, resourceVersion: "7" },
    webhooks: [entry("a.ka", "hook"), entry("foreign", "other"), entry("b.ka", "hook")],
  };
}
