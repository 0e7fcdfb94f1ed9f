import { at, listOf, objectOf } from "../../../src/api/json.ts";
import { WORKLOAD_GROUP } from "../../../src/api/names.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import type { Result } from "../../../src/kube/failure.ts";
import type { AnyObject, Place } from "../../../src/kube/resource.ts";
import { childrenOf } from "./booster-children.ts";
import {
  condition,
  MODEL_BOOSTERS,
  MODEL_ROUTES,
  MODEL_SERVERS,
  MODEL_SERVINGS,
  mustBe,
  writeStatus,
} from "./objects.ts";

/** What Kthena's ModelBooster controller does: children, status. */

/**
 * One reconcile: makes the children, or replaces one whole when its revision label differs, annotations and all.
 * @returns what the API server said of the ModelServing, the ModelServer and the ModelRoute
 */
export async function expandBooster(client: KubeClient, place: Place): Promise<Result<AnyObject>[]> {
  const booster = mustBe(await client.get<AnyObject>(MODEL_BOOSTERS, place));
  const { serving, server, route } = childrenOf(booster);
  const revision = (object: AnyObject) => object.metadata.labels?.[`${WORKLOAD_GROUP}/revision`];
  const results: Result<AnyObject>[] = [];
  for (const [resource, child] of [
    [MODEL_SERVINGS, serving],
    [MODEL_SERVERS, server],
    [MODEL_ROUTES, route],
  ] as const) {
    const present = await client.get<AnyObject>(resource, child.metadata);
    if (!present.ok) results.push(await client.create(resource, child));
    else if (revision(present.value) === revision(child)) results.push(present);
    else {
      const { resourceVersion = "" } = present.value.metadata;
      results.push(
        await client.replace(resource, { ...child, metadata: { ...child.metadata, resourceVersion } }),
      );
    }
  }
  return results;
}

export type BoosterReport =
  /** At the start of each reconcile. */
  | { readonly type: "Active"; readonly status: false }
  /** When the ModelServing is Available. */
  | { readonly type: "Active"; readonly status: true }
  /** When a child is refused; it never takes that back. */
  | { readonly type: "Failed"; readonly status: true; readonly message: string };

/** Writes one condition into a ModelBooster's status as the controller does, beside those that are there. */
export async function reportBooster(
  client: KubeClient,
  place: Place,
  report: BoosterReport,
): Promise<Result<AnyObject>> {
  const message =
    report.type === "Failed" ? report.message : report.status ? "Model is ready" : "not ready yet";
  const reason =
    report.type === "Failed" ? "ModelAbnormal" : report.status ? "ModelAvailable" : "ModelProcessing";
  return writeStatus(client, MODEL_BOOSTERS, place, (booster) => {
    const conditions = listOf(at(booster.status, "conditions"));
    const others = conditions.filter((one) => objectOf(one).type !== report.type);
    return {
      observedGeneration: booster.metadata.generation ?? 0,
      conditions: [...others, condition(report.type, report.status, reason, message, booster)],
    };
  });
}
