import { type JsonObject, objectOf } from "../../api/json.ts";
import { INJECTED } from "../../api/names.ts";
import { isWorkloadKind } from "../../kinds/index.ts";
import type { KubeClient } from "../../kube/client.ts";
import { describeFailure, type Failure } from "../../kube/failure.ts";
import type { AnyObject, Resource } from "../../kube/resource.ts";
import { annotationsOf } from "../../pinning/annotations.ts";
import { uninjected } from "../../pinning/uninjected.ts";
import { asObject } from "../cluster/named.ts";
import { isUnasked, refreshPatch } from "../refresh/plan.ts";
import { referenceOf } from "./entry.ts";
import type { Running } from "./version-blast.ts";

const DRY_RUN = { dryRun: true, fieldManager: "kthena-ascend-audit" } as const;

/** Asks the version that runs in a cluster, by dry runs: nothing is stored. */
export class RunningVersion {
  readonly #client: Pick<KubeClient, "patch" | "create">;
  /** The value of the annotation `refresh` that is tried. */
  readonly run: string;
  /** Why it could not be asked, each reason once. */
  readonly problems = new Set<string>();

  constructor(client: Pick<KubeClient, "patch" | "create">, run: string) {
    this.#client = client;
    this.run = run;
  }

  async about(object: JsonObject, resource: Resource): Promise<Running> {
    const refresh = await this.#refresh(object, resource);
    return { ...refresh, refusesAnew: await this.#refusesAnew(object, resource) };
  }

  async #refresh(object: JsonObject, resource: Resource): Promise<Pick<Running, "refreshed" | "refuses">> {
    if (!isWorkloadKind(resource.kind) || annotationsOf(object)[INJECTED] === undefined)
      return { refreshed: undefined, refuses: false };
    const { namespace, name } = referenceOf(object);
    const place = { namespace, name };
    const result = await this.#client.patch<AnyObject>(resource, place, refreshPatch(this.run), DRY_RUN);
    if (!result.ok) return { refreshed: undefined, refuses: this.#isRefusal(result.failure, resource) };
    const refreshed = asObject(result.value, resource);
    if (!isUnasked(refreshed, this.run)) return { refreshed, refuses: false };
    this.problems.add(`${resource.plural}: the API server does not ask the running version about some`);
    return { refreshed: undefined, refuses: false };
  }

  /** Admission comes before the name is found to be taken: that it is taken means that nobody refused. */
  async #refusesAnew(object: JsonObject, resource: Resource): Promise<boolean> {
    const lean = uninjected(object);
    const { name, namespace, labels, annotations, ownerReferences } = objectOf(lean.metadata);
    const given = { name, namespace, labels, annotations, ownerReferences };
    const known = Object.entries(given).filter(([, value]) => value !== undefined);
    const { status: _status, ...rest } = lean;
    const manifest = { ...rest, metadata: Object.fromEntries(known) } as unknown as AnyObject;
    const result = await this.#client.create<AnyObject>(resource, manifest, DRY_RUN);
    return !result.ok && this.#isRefusal(result.failure, resource);
  }

  #isRefusal(failure: Failure, { plural }: Resource): boolean {
    const { code, message } = failure;
    if (code === 404 || code === 409) return false;
    if (code === 422 || message.includes("denied the request")) return true;
    this.problems.add(`${plural}: the running version cannot be asked: ${describeFailure(failure)}`);
    return false;
  }
}
