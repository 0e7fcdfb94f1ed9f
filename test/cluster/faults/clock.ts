import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readSecret, type Secret } from "../../../src/certs/store.ts";
import { lifeOf } from "../../../src/certs/x509.ts";
import { SECRETS } from "../../../src/kube/resource.ts";
import { must } from "../../kube/account.ts";
import { RELEASE, RELEASE_NAMESPACE } from "../product.ts";
import type { Fault } from "./faults.ts";
import type { World } from "./world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** The chart's `certificates.leafDays`. */
const LEAF_DAYS = 90;
/** For how long a certificate holds that is made by a clock that is late. */
const LEFT_MS = 25_000;
const JUST_BEFORE_MS = 3_000;
/** When somebody gives the webhook that does nothing another certificate. */
const HELP_MS = 5_000;
const offsetFile = (world: World) => join(world.product.plane.folder, "clock-offset");

/**
 * The replicas' clock is as late as a serving certificate lives, less a few seconds, and is put right when that has
 * ended: as with machines that were asleep. The certificate of the webhook that does nothing ends at the same time,
 * and somebody renews it.
 */
export const clockPastLeaf: Fault = {
  name: "clock stepped past the certificate's end",
  mayFail: ["webhook"],
  prepare: async (world) => {
    const file = offsetFile(world);
    await writeFile(file, String(LEFT_MS - LEAF_DAYS * DAY_MS));
    const preload = `--import ${join(import.meta.dirname, "stepped-clock.ts")}`;
    const env = { NODE_OPTIONS: `--max-semi-space-size=4 ${preload}`, CLOCK_OFFSET_FILE: file };
    await world.product.installation.replaceAll({ env });
    const left = (await leafEnd(world)) - Date.now();
    await world.peer.certify(left / DAY_MS);
    await sleep(Math.max(0, left - JUST_BEFORE_MS));
  },
  run: async (world) => {
    await sleep(Math.max(0, (await leafEnd(world)) - Date.now()) + 1_000);
    for (const { proxy } of world.installations) proxy.cut();
    await writeFile(offsetFile(world), "0");
    await sleep(HELP_MS);
    await world.peer.certify(1);
  },
  afterwards: (world) => world.product.installation.replaceAll(),
};

/** Wall clock milliseconds at which what is served now ends. */
async function leafEnd({ product }: World): Promise<number> {
  const place = { namespace: RELEASE_NAMESPACE, name: `${RELEASE}-tls` };
  const { leaf } = readSecret(must(await product.admin.get<Secret>(SECRETS, place)));
  if (leaf === undefined) throw new Error("no serving certificate");
  return lifeOf(leaf.certificate).to;
}
