import { setTimeout as sleep } from "node:timers/promises";
import { entriesOf, trustsAll } from "../src/certs/bundle.ts";
import { readTargets } from "../src/certs/publish.ts";
import { neededCas } from "../src/certs/rotate.ts";
import { ROTATE_ANNOTATION, readSecret, type Secret, type Stored } from "../src/certs/store.ts";
import { type Certificate, fingerprint, signedBy } from "../src/certs/x509.ts";
import type { Lease } from "../src/kube/lease-record.ts";
import { LEASES, SECRETS } from "../src/kube/resource.ts";
import { got, readArguments, run, type Setting, Stop } from "./arguments.ts";

const HELP = `Asks the running software for a new certificate (leaf) or a new CA (ca), by annotating the Secret, waits, and
shows the progress. A new CA takes a few minutes: everyone trusts it before it is used.

  npx node certs-scripts/rotate.ts leaf|ca [options]

Exit code: 0 done, 1 not done in time, 2 it could not be asked for.

      --timeout SECONDS  how long to wait (default: 600; 0: only ask)
`;

/** Asks for a rotation and follows it. */
async function rotate(args: readonly string[]): Promise<number> {
  const setting = readArguments(args, { timeout: { type: "string" } }, HELP);
  if (!setting) return 0;
  const [what, ...more] = setting.positionals;
  if ((what !== "leaf" && what !== "ca") || more.length > 0)
    throw new Stop("say what to rotate: leaf or ca. Try --help.");
  const timeout = Number(setting.values.timeout ?? "600");
  if (!Number.isFinite(timeout) || timeout < 0) throw new Stop("--timeout takes a number of seconds");
  const before = await ask(setting, what);
  if (timeout === 0) return 0;
  return await follow(setting, what, before, timeout);
}

async function ask({ client, installation }: Setting, what: "leaf" | "ca"): Promise<Stored> {
  const { secret } = installation;
  const where = `Secret ${secret.namespace}/${secret.name}`;
  const before = readSecret(got(await client.get<Secret>(SECRETS, secret), `read ${where}`));
  if (what === "ca" && before.next) throw new Stop(`${where} has a next CA already: a rotation is under way`);
  const body = { metadata: { annotations: { [ROTATE_ANNOTATION]: what } } };
  got(await client.patch(SECRETS, secret, { type: "merge", body }), `annotate ${where}`);
  say(
    `asked for a new ${what === "ca" ? "CA" : "certificate"}: ${where} is annotated ${ROTATE_ANNOTATION}=${what}`,
  );
  return before;
}

async function follow(
  setting: Setting,
  what: "leaf" | "ca",
  before: Stored,
  timeout: number,
): Promise<number> {
  const end = performance.now() + timeout * 1000;
  let said = "";
  for (;;) {
    const progress = await look(setting, what, before);
    if (progress.text !== said) say(progress.text);
    said = progress.text;
    if (progress.done) return 0;
    if (performance.now() > end) {
      process.stderr.write(`not done within ${timeout} s. ${await holder(setting)}\n`);
      return 1;
    }
    await sleep(500);
  }
}

async function look({ client, installation }: Setting, what: "leaf" | "ca", before: Stored) {
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

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

await run(rotate);
