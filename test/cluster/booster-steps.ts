import { at } from "../../src/api/json.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import type { AnyObject, Place } from "../../src/kube/resource.ts";
import { kthenaPass } from "./booster-watch.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { createPods, reportServing } from "./kthena-controllers/model-serving.ts";
import { MODEL_SERVINGS, mustBe } from "./kthena-controllers/objects.ts";

/** What Kthena's controllers and nodes do for a ModelBooster between its creation and its first answer. */

/** The ModelServing, or ModelServer, of a ModelBooster whose backend has this name. */
export function childOf({ namespace = "", name }: Place, backend = "b"): Place {
  return { namespace, name: `${name}-${backend}` };
}

/** Waits until all its pods are Ready. */
export async function podsReady(plane: ControlPlane, serving: Place): Promise<void> {
  const pods = ["pod", "-l", `modelserving.volcano.sh/name=${serving.name}`, "-n", serving.namespace ?? ""];
  await plane.kubectl(["wait", "--for=condition=Ready", ...pods, "--timeout=60s"]);
}

/** Ends all its pods, and waits until they are gone. */
export async function podsGone(plane: ControlPlane, serving: Place): Promise<void> {
  const pods = ["pod", "-l", `modelserving.volcano.sh/name=${serving.name}`, "-n", serving.namespace ?? ""];
  await plane.kubectl(["delete", ...pods, "--wait=true", "--force", "--grace-period=0"]);
}

/** Everything that Kthena does until a model serves. */
export async function serve(
  plane: ControlPlane,
  admin: KubeClient,
  place: Place,
  serving = childOf(place),
): Promise<void> {
  await kthenaPass(admin, place);
  await createPods(admin, serving);
  await podsReady(plane, serving);
  await reportServing(admin, serving, true);
  await kthenaPass(admin, place);
}

/**
 * What Kthena does for a ModelBooster as it stands: pods whose ModelServing has changed are made anew, as its
 * controllers do for a change of a template.
 */
export async function follow(
  plane: ControlPlane,
  admin: KubeClient,
  place: Place,
  serving: Place,
): Promise<void> {
  await kthenaPass(admin, place);
  const { metadata, status } = mustBe(await admin.get<AnyObject>(MODEL_SERVINGS, serving));
  if (at(status, "observedGeneration") === metadata.generation) return;
  await reportServing(admin, serving, false);
  await podsGone(plane, serving);
  await serve(plane, admin, place, serving);
}
