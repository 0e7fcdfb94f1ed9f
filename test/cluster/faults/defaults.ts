import { setTimeout as sleep } from "node:timers/promises";
import { listOf, objectOf } from "../../../src/api/json.ts";
import { RELEASE, RELEASE_NAMESPACE } from "../product.ts";
import type { World } from "./world.ts";

const NAME = "kthena-ascend-defaults";
const EDITED = `apiVersion: kthena-ascend.io/v1alpha1
kind: AscendDefaults
platform: cce
hardware: a2
hccl: {socketIfname: bond7}
`;
const BROKEN = "apiVersion: kthena-ascend.io/v1alpha1\nkind: [AscendDefaults\n";
/** Long enough for every replica to have taken it up. */
const EACH_MS = 1_500;

/** The cluster's defaults are edited, broken past the webhook, deleted, and there again. */
export async function defaultsChange({ product: { plane } }: World): Promise<void> {
  const where = ["configmap", NAME, `--namespace=${RELEASE_NAMESPACE}`];
  const { metadata, data } = JSON.parse((await plane.kubectl(["get", ...where, "-o", "json"])).stdout);
  const set = (text: string) =>
    plane.kubectl([
      "patch",
      ...where,
      "--type=merge",
      "-p",
      JSON.stringify({ data: { "defaults.yaml": text } }),
    ]);
  const { name, namespace, labels, annotations } = metadata;
  const original = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels, annotations },
    data,
  };
  const judge = await judgesDefaults(plane);
  await set(EDITED);
  await sleep(EACH_MS);
  await judge("false");
  await sleep(EACH_MS);
  await set(BROKEN);
  await sleep(EACH_MS);
  await plane.kubectl(["delete", ...where]);
  await sleep(EACH_MS);
  await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(original) });
  await judge("true");
  await sleep(EACH_MS);
}

/** Sets the condition under which a document is judged when it is applied: put back to what it was with "true". */
async function judgesDefaults(
  plane: World["product"]["plane"],
): Promise<(how: "true" | "false") => Promise<void>> {
  const where = ["validatingwebhookconfiguration", RELEASE];
  const { webhooks } = JSON.parse((await plane.kubectl(["get", ...where, "-o", "json"])).stdout);
  const index = listOf(webhooks).findIndex(
    (one) => objectOf(one).name === "validate.defaults.kthena-ascend.io",
  );
  const [condition] = listOf(objectOf(listOf(webhooks)[index]).matchConditions).map(objectOf);
  const path = `/webhooks/${index}/matchConditions/0/expression`;
  return async (how) => {
    const value = how === "true" ? (condition?.expression ?? "") : "false";
    const operations = [{ op: "replace", path, value }];
    await plane.kubectl(["patch", ...where, "--type=json", "-p", JSON.stringify(operations)]);
  };
}
