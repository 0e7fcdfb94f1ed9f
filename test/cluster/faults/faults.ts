import { setTimeout as sleep } from "node:timers/promises";
import { entriesOf } from "../../../src/certs/bundle.ts";
import { installationOf } from "../../../src/certs/installation.ts";
import { readTargets } from "../../../src/certs/publish.ts";
import { ROTATE_ANNOTATION, readSecret, type Secret, type Stored } from "../../../src/certs/store.ts";
import { fingerprint } from "../../../src/certs/x509.ts";
import { SECRETS } from "../../../src/kube/resource.ts";
import { must } from "../../kube/account.ts";
import type { ReplicaOptions } from "../installation/installation.ts";
import type { Replica } from "../installation/replica.ts";
import { eventually } from "../manifest-user.ts";
import { RELEASE, RELEASE_NAMESPACE } from "../product.ts";
import { clockPastLeaf } from "./clock.ts";
import { defaultsChange } from "./defaults.ts";
import { fullPipe } from "./full-pipe.ts";
import type { FailureKind } from "./outcome.ts";
import type { World } from "./world.ts";

/** Something that goes wrong, and what may fail while it does: for the webhook that does nothing just as well. */
export interface Fault {
  name: string;
  /** Nothing, unless told. */
  mayFail?: readonly FailureKind[];
  /** Whether a replica goes without a farewell: what is under way there is lost. */
  inFlight?: boolean;
  /** What must be so before it, and is not counted. */
  prepare?: (world: World) => Promise<void>;
  run: (world: World) => Promise<void>;
  /** Puts right what it leaves, which is not counted. */
  afterwards?: (world: World) => Promise<void>;
}

const certificates = installationOf(RELEASE, RELEASE_NAMESPACE);
const otherVersion = `${import.meta.dirname}/../other-version.ts`;
/** For how long something is away. */
const AWAY_MS = 5_000;
/** For how long it is looked on when nothing is to be waited for. */
const LOOK_MS = 3_000;

async function stored({ product }: World): Promise<Stored> {
  return readSecret(must(await product.admin.get<Secret>(SECRETS, certificates.secret)));
}

async function rotate(world: World, what: "leaf" | "ca"): Promise<void> {
  const before = await stored(world);
  const body = { metadata: { annotations: { [ROTATE_ANNOTATION]: what } } };
  must(await world.product.admin.patch(SECRETS, certificates.secret, { type: "merge", body }));
  const done = async () => {
    const now = await stored(world);
    const changed =
      fingerprint(present(now[what]).certificate) !== fingerprint(present(before[what]).certificate);
    return changed && now.next === undefined && (what === "leaf" || (await trusted(world)) === 1);
  };
  await eventually(`another ${what}`, done, Boolean, 60_000);
  await sleep(1_000);
}

/** How many CAs our webhooks trust at most. */
async function trusted({ product }: World): Promise<number> {
  const read = must(await readTargets(product.admin, certificates.targets));
  const entries = read.flatMap(({ configuration }) => entriesOf(configuration, certificates.service));
  return Math.max(...entries.map((entry) => entry.trusted.length));
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}

/** Does something to one replica of each. */
async function toOne(world: World, what: (one: Replica) => void | Promise<void>): Promise<void> {
  await Promise.all(world.installations.map(({ replicas }) => what(present(replicas[0]))));
}

/** One more replica of ours for a while. */
async function beside(world: World, how: ReplicaOptions, last = () => {}): Promise<void> {
  const { installation } = world.product;
  const one = await installation.startReplica(how);
  await one.waitReady();
  await sleep(LOOK_MS);
  last();
  await installation.end(one);
}

/** So that both replicas of each are called: connections that stand do not move to one that was started later. */
async function callBoth(world: World): Promise<void> {
  for (const { proxy } of world.installations) proxy.cut();
  await sleep(500);
}

/** The Services go, and with them the names by which the API server calls; the replicas do not. */
async function withoutServices(world: World): Promise<void> {
  const { plane } = world.product;
  const kept = await Promise.all(
    world.installations.map(async ({ namespace, release, proxy }) => {
      const where = ["service", release, `--namespace=${namespace}`];
      const { metadata, spec } = JSON.parse((await plane.kubectl(["get", ...where, "-o", "json"])).stdout);
      const { name, labels, annotations } = metadata;
      await plane.kubectl(["delete", ...where]);
      proxy.cut();
      return { apiVersion: "v1", kind: "Service", metadata: { name, namespace, labels, annotations }, spec };
    }),
  );
  await sleep(AWAY_MS);
  for (const service of kept) await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
}

/** In the order in which they are tried. */
export const FAULTS: readonly Fault[] = [
  { name: "nothing", run: () => sleep(LOOK_MS) },
  { name: "serving certificate rotated", run: (world) => rotate(world, "leaf") },
  { name: "CA rotated", run: (world) => rotate(world, "ca") },
  {
    name: "rolling update",
    run: async (world) => {
      await Promise.all(world.installations.map((one) => one.rollOut()));
    },
  },
  {
    name: "another version beside this one",
    run: (world) => beside(world, { entry: otherVersion }),
  },
  {
    name: "SIGKILL of one of two",
    mayFail: ["webhook"],
    inFlight: true,
    prepare: callBoth,
    run: async (world) => {
      await toOne(world, (one) => one.kill());
      await sleep(LOOK_MS);
      await toOne(world, (one) => one.start());
      await Promise.all(world.installations.map((one) => one.waitReady()));
    },
  },
  {
    name: "SIGSTOP of one of two for 6 s",
    mayFail: ["webhook"],
    inFlight: true,
    prepare: callBoth,
    run: async (world) => {
      await toOne(world, (one) => one.freeze());
      await sleep(AWAY_MS + 1_000);
      await toOne(world, (one) => one.thaw());
      await Promise.all(world.installations.map((one) => one.waitReady()));
    },
  },
  {
    name: "API server restarted",
    mayFail: ["server", "webhook"],
    run: ({ product }) => product.plane.restartApiServer(),
  },
  {
    name: "etcd paused for 5 s",
    mayFail: ["server"],
    run: async ({ product }) => {
      product.plane.freezeEtcd();
      await sleep(AWAY_MS);
      product.plane.thawEtcd();
    },
  },
  {
    name: "watches cut, API server out of reach for 5 s",
    run: async ({ gate }) => {
      gate.shut();
      await sleep(AWAY_MS);
      gate.open();
      await sleep(1_000);
    },
  },
  {
    name: "watches silent for 8 s",
    run: async ({ gate }) => {
      gate.silence();
      await sleep(AWAY_MS + LOOK_MS);
      gate.open();
    },
  },
  { name: "defaults edited, broken, deleted, restored", run: defaultsChange },
  {
    name: "no room for the log",
    run: (world) => beside(world, { output: "/dev/full", extraArguments: ["--log-level=debug"] }),
  },
  {
    name: "nobody reads the log",
    run: async (world) => {
      const pipe = await fullPipe(world.product.plane.folder);
      const how = { output: pipe.path, extraArguments: ["--log-level=debug"] };
      await beside(world, how, pipe.read);
    },
  },
  {
    name: "no name for the Service for 5 s",
    mayFail: ["webhook"],
    run: withoutServices,
  },
  clockPastLeaf,
];
