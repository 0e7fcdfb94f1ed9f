import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { DEFAULTS_NAME } from "../../src/api/names.ts";
import { DefaultsInForce } from "../../src/cluster/defaults-in-force.ts";
import { inTurns } from "../../src/cluster/turns.ts";
import { type Clock, silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { type Call, fakeApiServer, until } from "../kube/fake-api-server.ts";

/** Documents of many namespaces are read over several turns of the event loop, and never given as they were before. */

const RELEASE = "kthena-ascend-system";
const COUNT = 40;
const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
/** Each look at it is 10 ms later: one document a turn. */
const slow: Clock = {
  ...systemClock,
  monotonic: (
    () => () =>
      (now += 10)
  )(),
};
let now = 0;

const named = (index: number): string => `team-${index}`;

function configMap(namespace: string, version: number, text: string) {
  const labels = namespace === RELEASE ? {} : { "kthena-ascend.io/defaults": "true" };
  return {
    metadata: { name: DEFAULTS_NAME, namespace, labels, resourceVersion: String(version) },
    data: { "defaults.yaml": HEAD + text },
  };
}

async function following() {
  const watches = new Map<string, Call>();
  const own = (index: number) => configMap(named(index), 5, `hccl: {socketIfname: own${index}}\n`);
  const server = await fakeApiServer((call) => {
    if (call.path === "/version") return { gitVersion: "v1.36.3" };
    const kind = !call.path.includes("/namespaces/")
      ? "namespaces"
      : call.query.get("fieldSelector") === `metadata.name=${DEFAULTS_NAME}`
        ? "cluster"
        : "last-good";
    if (call.query.get("watch") === "true") {
      watches.set(kind, call);
      call.response.writeHead(200).flushHeaders();
      return undefined;
    }
    const items = {
      namespaces: Array.from({ length: COUNT }, (_, index) => own(index)),
      cluster: [configMap(RELEASE, 5, "hccl: {socketIfname: eth0}\n")],
      "last-good": [],
    }[kind];
    return { items, metadata: { resourceVersion: "10" } };
  });
  const options = {
    releaseNamespace: RELEASE,
    lastGood: { namespace: RELEASE, name: "kept" },
    namespaced: true,
  };
  const inForce = new DefaultsInForce(server.client, options, {
    clock: slow,
    random: () => 0,
    log: silentLog,
  });
  inForce.start();
  await until(() => inForce.missing === undefined && inForce.settled && watches.size === 3, "settled");
  return {
    inForce,
    change: (kind: string, object: object, type = "MODIFIED") =>
      watches.get(kind)?.response.write(`${JSON.stringify({ type, object })}\n`),
    interfaceOf: (namespace: string) => inForce.resolve(namespace, {}).settings.hccl.socketIfname,
    async [Symbol.asyncDispose]() {
      const stopped = inForce.stop();
      await server[Symbol.asyncDispose]();
      await stopped;
    },
  };
}

test("a change of the cluster's document is true of every namespace at once, read or not", async () => {
  await using f = await following();
  expect(f.interfaceOf(named(COUNT - 1))).toBe(`own${COUNT - 1}`);
  const seen: { settled: boolean; first: string; last: string; other: string; kept: unknown }[] = [];
  f.inForce.onChange(() =>
    seen.push({
      settled: f.inForce.settled,
      kept: f.inForce.toKeep,
      first: f.interfaceOf(named(0)),
      last: f.interfaceOf(named(COUNT - 1)),
      other: f.interfaceOf("without"),
    }),
  );
  // Namespaces may not choose the interface any more.
  f.change("cluster", configMap(RELEASE, 11, "hccl: {socketIfname: bond0}\nnamespaceMay: []\n"));
  let turns = 0;
  await until(() => seen.length === 1, "told");
  while (!f.inForce.settled && turns < 1_000) {
    await nextTurn();
    turns += 1;
  }
  // One document a turn, but for those that were asked for.
  expect(turns).toBeGreaterThan(COUNT / 2);
  await until(() => seen.length === 2, "told when all are read");
  const same = { first: "bond0", last: "bond0", other: "bond0" };
  expect(seen).toMatchObject([
    { settled: false, kept: undefined, ...same },
    { settled: true, ...same },
  ]);
  expect(seen[1]?.kept).toMatchObject({ version: "11" });
});

test("a namespace's own document counts as soon as it has changed, and no more when it is gone", async () => {
  await using f = await following();
  f.change("namespaces", configMap(named(3), 11, "hccl: {socketIfname: bond3}\n"));
  await until(() => f.interfaceOf(named(3)) === "bond3", "changed");
  f.change("namespaces", configMap(named(3), 12, "hccl: {socketIfname: bond3}\n"), "DELETED");
  await until(() => f.interfaceOf(named(3)) === "eth0", "gone");
  await until(() => f.inForce.settled, "settled");
  expect(f.inForce.namespaces.has(named(3))).toBe(false);
  expect(f.interfaceOf(named(4))).toBe("own4");
});

test("a namespace's document that is wrong leaves its last good one in force", async () => {
  await using f = await following();
  f.change("namespaces", configMap(named(3), 11, "hccl: {socketIfname: 7}\n"));
  await until(() => f.inForce.notices(named(3)).length === 1, "noticed");
  expect(f.interfaceOf(named(3))).toBe("own3");
});

test("work in turns takes in what is added meanwhile, and ends where it is told to", async () => {
  const items = new Set([1, 2]);
  const done: number[] = [];
  const over = new AbortController();
  await inTurns(
    items,
    (item) => {
      done.push(item);
      if (item < 5) items.add(item + 2);
      if (item === 6) over.abort();
    },
    slow,
    over.signal,
  );
  expect(done).toEqual([1, 2, 3, 4, 5, 6]);
});
