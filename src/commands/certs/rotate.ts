import { setTimeout as sleep } from "node:timers/promises";
import { entriesOf, trustsAll } from "../../certs/bundle.ts";
import { readTargets } from "../../certs/publish.ts";
import { neededCas } from "../../certs/rotate.ts";
import { ROTATE_ANNOTATION, readSecret, type Secret, type Stored } from "../../certs/store.ts";
import { type Certificate, fingerprint, signedBy } from "../../certs/x509.ts";
import type { Lease } from "../../kube/lease-record.ts";
import { LEASES, SECRETS } from "../../kube/resource.ts";
import { type Console, EXIT, UsageError } from "../console.ts";
import { type CertsWish, got, type Setting, withInstallation } from "./setting.ts";

/** What is to be made anew. */
export interface Rotation {
  what: "leaf" | "ca";
  /** Seconds to wait; 0: only ask. */
  timeout: number;
}

/**
 * Asks for a rotation and follows it: the exit code.
 * @throws UsageError where it cannot be asked for
 */
export function rotate(wish: CertsWish, { what, timeout }: Rotation, console: Console): Promise<number> {
  return withInstallation(wish, async (setting) => {
    const before = await ask(setting, what, console);
    return timeout === 0 ? EXIT.ok : await follow(setting, { what, timeout }, before, console);
  });
}

async function ask(
  { client, installation }: Setting,
  what: Rotation["what"],
  console: Console,
): Promise<Stored> {
  const { secret } = installation;
  const where = `Secret ${secret.namespace}/${secret.name}`;
  const before = readSecret(got(await client.get<Secret>(SECRETS, secret), `read ${where}`));
  if (what === "ca" && before.next)
    throw new UsageError(`${where} has a next CA already: a rotation is under way`);
  const body = { metadata: { annotations: { [ROTATE_ANNOTATION]: what } } };
  got(await client.patch(SECRETS, secret, { type: "merge", body }), `annotate ${where}`);
  say(
    console,
    `asked for a new ${what === "ca" ? "CA" : "certificate"}: ${where} is annotated ${ROTATE_ANNOTATION}=${what}`,
  );
  return before;
}

async function follow(
  setting: Setting,
  { what, timeout }: Rotation,
  before: Stored,
  console: Console,
): Promise<number> {
  const end = performance.now() + timeout * 1000;
  let said = "";
  for (;;) {
    const progress = await look(setting, what, before);
    if (progress.text !== said) say(console, progress.text);
    said = progress.text;
    if (progress.done) return EXIT.ok;
    if (performance.now() > end) {
      console.complain([`not done within ${timeout} s. ${await holder(setting)}`]);
      return EXIT.refused;
    }
    await sleep(500);
  }
}

async function look({ client, installation }: Setting, what: Rotation["what"], before: Stored) {
  const now = readSecret(got(await client.get<Secret>(SECRETS, installation.secret), "read the Secret"));
  const read = got(await readTargets(client, installation.targets), "read the webhook configurations");
  const entries = read.flatMap(({ configuration }) => entriesOf(configuration, installation.service));
  const trusted = entries.every((entry) => trustsAll(entry, neededCas(now)));
  const only = entries.every((entry) => entry.trusted.length === neededCas(now).length);
  if (what === "leaf") {
    const renewed = isNew(now.leaf?.certificate, before.leaf?.certificate);
    return {
      done: renewed,
      text: renewed ? "done: there is a new certificate" : "waiting for the new certificate",
    };
  }
  const { next, leaf } = now;
  if (next) {
    const switched = leaf !== undefined && signedBy(leaf.certificate, next.certificate);
    if (switched)
      return {
        done: false,
        text: "3/5 certificate switched to the next CA; waiting until every replica serves it",
      };
    if (trusted)
      return {
        done: false,
        text: "2/5 every webhook trusts both CAs; waiting until every API server has seen it",
      };
    return { done: false, text: "1/5 next CA in the Secret; publishing it" };
  }
  if (!isNew(now.ca?.certificate, before.ca?.certificate))
    return { done: false, text: "0/5 waiting for the next CA" };
  const done = trusted && only;
  return {
    done,
    text: done ? "5/5 done: only the new CA is trusted" : "4/5 new CA in force; dropping the old one",
  };
}

async function holder({ client, installation }: Setting): Promise<string> {
  const { lease } = installation;
  const read = await client.get<Lease>(LEASES, lease);
  const identity = read.ok ? read.value.spec?.holderIdentity : undefined;
  if (!identity)
    return `Nobody holds Lease ${lease.namespace}/${lease.name}: is the software running, with managed certificates?`;
  return `Lease ${lease.namespace}/${lease.name} is held by ${identity}, renewed ${read.ok ? read.value.spec?.renewTime : "?"}: look at its log.`;
}

function isNew(now: Certificate | undefined, before: Certificate | undefined): boolean {
  return now !== undefined && (before === undefined || fingerprint(now) !== fingerprint(before));
}

function say(console: Console, text: string): void {
  console.print([`${new Date().toISOString().slice(11, 19)} ${text}`]);
}
