import type { KubeClient } from "../kube/client.ts";
import { describeFailure, type Failure, isConflict, isNotFound, type Result } from "../kube/failure.ts";
import { type Place, SECRETS } from "../kube/resource.ts";
import { backoffMs, type Surroundings } from "../kube/surroundings.ts";
import { TokenBucket } from "../kube/token-bucket.ts";
import { entriesOf, type ServiceName } from "./bundle.ts";
import { publishBundle, type ReadTarget, readTargets, type WebhookConfigurationRef } from "./publish.ts";
import { type CertificatePolicy, nextStep, type RotationStep, type Seen } from "./rotate.ts";
import { Settling } from "./settling.ts";
import { executed } from "./steps.ts";
import { readSecret, type Secret, type SecretChange, type Stored, secretPatchOf } from "./store.ts";

/** What an issuer looks after. */
export interface IssuerOptions {
  secret: Place;
  service: ServiceName;
  targets: readonly WebhookConfigurationRef[];
  policy: CertificatePolicy;
  /** Whether this replica may write right now. */
  mayWrite(): boolean;
  /** Told of each step before it is done, `nothing` and `wait` too. */
  onStep?(step: RotationStep): void;
}

/** What one turn read. */
interface Read {
  secret: Secret | undefined;
  targets: ReadTarget[];
}

const FIELD_MANAGER = "kthena-ascend-certs";

/**
 * Does what `nextStep` says, one step a turn, each on what the server says at that moment: never on a copy. Only the
 * holder of the Lease has one at work.
 */
export class Issuer {
  readonly #client: KubeClient;
  readonly #options: IssuerOptions;
  readonly #around: Surroundings;
  readonly #settling: Settling;
  /** Keeps a fight with somebody else over the same field from becoming a stream of writes. */
  readonly #writes: TokenBucket;
  #failures = 0;
  #remembered: Stored | undefined;

  constructor(client: KubeClient, options: IssuerOptions, surroundings: Surroundings) {
    this.#client = client;
    this.#options = options;
    this.#around = surroundings;
    this.#settling = new Settling(surroundings.clock);
    this.#writes = new TokenBucket(20, 3_000, surroundings.clock);
  }

  /** Contents of the Secret that were seen whole: what is damaged later is put right from them. */
  remember(stored: Stored): void {
    if (stored.problems.length === 0) this.#remembered = stored;
  }

  /** Reads everything, does the one next step, and gives how long to wait before the next turn. */
  async turn(): Promise<number> {
    const { onStep, policy, mayWrite } = this.#options;
    const read = await this.#read();
    if (!read.ok) return this.#failed(read.failure);
    const step = nextStep(this.#see(read.value), this.#around.clock.now(), policy);
    onStep?.(step);
    if (step.do === "nothing" || step.do === "wait") {
      this.#failures = 0;
      return step.do === "wait" ? step.ms : step.lookAgainMs;
    }
    if (!mayWrite()) return 1_000;
    if (!this.#writes.take()) return this.#slowed(step);
    this.#around.log.info({ step: step.do, why: step.why }, "certificates");
    const done = await this.#execute(step, read.value);
    if (!done.ok) return this.#failed(done.failure);
    this.#failures = 0;
    return 0;
  }

  #see({ secret, targets }: Read): Seen {
    const stored = readSecret(secret);
    const entries = targets.flatMap(({ configuration }) => entriesOf(configuration, this.#options.service));
    const ages = this.#settling.look(stored, entries);
    const remembered = this.#remembered;
    this.remember(stored);
    return { stored, remembered, entries, ...ages };
  }

  async #read(): Promise<Result<Read>> {
    const secret = await this.#client.get<Secret>(SECRETS, this.#options.secret);
    if (!secret.ok && !isNotFound(secret.failure)) return secret;
    const targets = await readTargets(this.#client, this.#options.targets);
    if (!targets.ok) return targets;
    return { ok: true, value: { secret: secret.ok ? secret.value : undefined, targets: targets.value } };
  }

  async #execute(
    step: Exclude<RotationStep, { do: "nothing" | "wait" }>,
    read: Read,
  ): Promise<Result<unknown>> {
    if (step.do === "publish") return publishBundle(this.#client, read.targets, this.#options.service, step);
    const now = new Date(this.#around.clock.now());
    const { change, request } = await executed(step, readSecret(read.secret), this.#options.policy, now);
    // Keys take time to make: a process that was frozen over it must not write any more.
    if (!this.#options.mayWrite()) return failed("no longer the holder of the lease");
    return await this.#write(read.secret, change, request);
  }

  async #write(
    secret: Secret | undefined,
    change: SecretChange,
    request: "ca" | null | undefined,
  ): Promise<Result<unknown>> {
    const place = this.#options.secret;
    let version = secret?.metadata.resourceVersion;
    if (version === undefined) {
      // Made empty, by server-side apply: RBAC can limit that to its name, and doing it twice does no harm.
      const apply = { type: "apply", body: { type: "Opaque" }, fieldManager: FIELD_MANAGER } as const;
      const made = await this.#client.patch<Secret>(SECRETS, place, apply);
      if (!made.ok) return made;
      if (!readSecret(made.value).empty) return failed("somebody else has just written the Secret");
      version = made.value.metadata.resourceVersion ?? "";
    }
    const patch = { type: "merge", body: secretPatchOf(change, version, request) } as const;
    return await this.#client.patch<Secret>(SECRETS, place, patch, { fieldManager: FIELD_MANAGER });
  }

  #failed(failure: Failure): number {
    this.#failures += 1;
    const conflict = isConflict(failure);
    this.#around.log[conflict ? "info" : "warn"]({ ...failure }, `certificates: ${describeFailure(failure)}`);
    return backoffMs(this.#failures, this.#around.random, conflict ? { firstMs: 20 } : {});
  }

  #slowed(step: RotationStep): number {
    this.#around.log.warn(
      { step: step.do },
      "certificates: somebody else keeps undoing this; trying more slowly",
    );
    return 3_000;
  }
}

function failed(message: string): Result<never> {
  return { ok: false, failure: { code: 0, reason: "Conflict", message } };
}
