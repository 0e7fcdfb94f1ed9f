import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { anchorOf, anchorsOf, remarksOn } from "../../src/conditions/oversight.ts";
import { readRoute, readServer, readServing } from "../../src/conditions/read.ts";
import { readPodFact } from "../../src/conditions/read-pod.ts";
import { pinnedText } from "../../src/defaults/pinned.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { ago, NOW, pod, route, server, serving } from "./world.ts";

const DELAY = 10_000;
const today = resolveDefaults([]);
const pinned = (base = today) => ({
  "kthena-ascend.io/injected": "{}",
  "kthena-ascend.io/settings": pinnedText(base.text, {}),
});

function world({
  object = serving(undefined, { metadata: { annotations: pinned() } }),
  pods = [pod()],
  servers = [server()],
  routes = [route()],
  ownerOptedOut = false,
  ownerAsks = false,
  settingsToday = today as ResolvedDefaults | null,
} = {}) {
  return remarksOn(
    {
      serving: readServing(object),
      pods: pods.map(readPodFact),
      servers: servers.map(readServer),
      routes: routes.map(readRoute),
      ownerOptedOut,
      ownerAsks,
      settingsToday: settingsToday ?? undefined,
    },
    NOW,
    DELAY,
  );
}
const reasons = (around?: Parameters<typeof world>[0]) => world(around).remarks.map(({ reason }) => reason);

/** A serving whose engine has these arguments. */
function withArguments(...args: string[]): JsonObject {
  const object = serving(undefined, { metadata: { annotations: pinned() } });
  const spec = object.spec as { template: { roles: { entryTemplate: JsonObject }[] } };
  for (const role of spec.template.roles)
    role.entryTemplate.spec = { containers: [{ name: "engine", command: ["vllm", "serve", "m"], args }] };
  return object;
}

const bare = pod("server", 0, { metadata: { annotations: {} } });

test("a workload that is complete, selected and reached needs no remark", () => {
  expect(world()).toEqual({ remarks: [] });
});

test("pods with NPUs that were admitted without injection", () => {
  expect(reasons({ pods: [bare] })).toEqual(["AdmittedWithoutInjection"]);
  expect(world({ pods: [bare] }).remarks[0]?.note).toContain("Delete them when the model may restart");
  const before = serving();
  expect(world({ object: before, pods: [bare] }).remarks[0]?.note).toContain("kthena-ascend.io/refresh");
});

test("not those that nobody wanted completed, that have no NPUs, or that are going", () => {
  const optedOut = serving(undefined, { metadata: { annotations: { "kthena-ascend.io/inject": "false" } } });
  expect(reasons({ object: optedOut, pods: [bare] })).toEqual([]);
  expect(reasons({ ownerOptedOut: true, pods: [bare] })).toEqual([]);
  expect(reasons({ pods: [{ ...bare, spec: { containers: [{ name: "engine" }] } }] })).toEqual([]);
  const going = pod("server", 0, { metadata: { annotations: {}, deletionTimestamp: ago(0) } });
  expect(reasons({ pods: [going] })).toEqual([]);
});

describe("somebody asked, and nothing is recorded", () => {
  const asking = serving(undefined, {
    metadata: { annotations: { "kthena-ascend.io/inject": "true" }, ownerReferences: [] },
  });
  const lean = { ...bare, spec: { containers: [{ name: "engine" }] } };

  test("told while its pods are not complete either", () => {
    expect(reasons({ object: asking, pods: [] })).toEqual(["InjectionSkipped"]);
    expect(reasons({ object: asking, pods: [lean] })).toEqual(["InjectionSkipped"]);
    expect(reasons({ object: asking, pods: [lean, pod("server", 1)] })).toEqual(["InjectionSkipped"]);
    expect(reasons({ object: asking, pods: [pod()] })).toEqual([]);
    expect(world({ object: asking, pods: [] }).remarks[0]?.note).toContain(
      "ModelServing models/m-b asks by kthena-ascend.io/inject, but nothing was injected: it was stored before",
    );
  });

  test("told once where its pods tell the same", () => {
    expect(reasons({ object: asking, pods: [bare] })).toEqual(["AdmittedWithoutInjection"]);
  });

  test("not in audit mode, where reviews tell what would be", () => {
    const settingsToday = resolveDefaults([{ source: "x", document: { mode: "audit" } } as never]);
    expect(reasons({ object: asking, pods: [bare], settingsToday })).toEqual([]);
  });

  test("its owner's wish counts, to have it and not to", () => {
    const silent = serving();
    expect(reasons({ object: silent, pods: [] })).toEqual([]);
    expect(reasons({ object: silent, pods: [], ownerAsks: true })).toEqual(["InjectionSkipped"]);
    expect(reasons({ object: asking, pods: [], ownerOptedOut: true })).toEqual([]);
  });
});

test("settings of another day than today's, where today's are known", () => {
  const other = resolveDefaults([{ source: "x", document: { hardware: "a3" } } as never]);
  const object = serving(undefined, { metadata: { annotations: pinned(other) } });
  expect(world({ object }).remarks).toMatchObject([{ reason: "OlderDefaults", type: "Normal" }]);
  expect(reasons({ object, settingsToday: null })).toEqual([]);
});

test("no ModelServer selects it; no ModelRoute reaches it; only after a while", () => {
  expect(reasons({ servers: [] })).toEqual(["NotSelected"]);
  expect(reasons({ servers: [server({}, { workloadSelector: { matchLabels: { app: "other" } } })] })).toEqual(
    ["NotSelected"],
  );
  expect(reasons({ servers: [server({}, { workloadSelector: {} })] })).toEqual(["NotSelected"]);
  expect(reasons({ routes: [] })).toEqual(["NotRouted"]);
  expect(reasons({ routes: [route({ deletionTimestamp: ago(0) })] })).toEqual(["NotRouted"]);
  const young = serving(undefined, { metadata: { annotations: pinned(), creationTimestamp: ago(4_000) } });
  expect(world({ object: young, servers: [] })).toEqual({ remarks: [], recheckMs: 6_000 });
});

test("a selector by Kthena's own labels selects", () => {
  const matchLabels = { "modelserving.volcano.sh/name": "m-b", "modelserving.volcano.sh/entry": "true" };
  expect(reasons({ servers: [server({}, { workloadSelector: { matchLabels } })] })).toEqual([]);
  const others = { "modelserving.volcano.sh/name": "other" };
  expect(reasons({ servers: [server({}, { workloadSelector: { matchLabels: others } })] })).toEqual([
    "NotSelected",
  ]);
});

const KV = "--kv-transfer-config";

test.each<[string, string[], JsonObject, string[]]>([
  ["mooncake, nixl", [KV, '{"kv_connector":"MooncakeConnectorV1"}'], { type: "nixl" }, []],
  ["mooncake, http", [KV, '{"kv_connector":"MooncakeConnectorV1"}'], { type: "http" }, ["ConnectorMismatch"]],
  ["mooncake, none", [KV, '{"kv_connector":"MooncakeConnectorV1"}'], {}, ["ConnectorMismatch"]],
  [
    "mooncake inside of a MultiConnector, mooncake",
    [
      KV,
      '{"kv_connector":"MultiConnector","kv_connector_extra_config":{"connectors":[{"kv_connector":"MooncakeConnectorV1"}]}}',
    ],
    { type: "mooncake" },
    [],
  ],
  ["lmcache, http", [KV, '{"kv_connector":"LMCacheConnectorV1"}'], { type: "http" }, []],
  [
    "lmcache, mooncake",
    [KV, '{"kv_connector":"LMCacheConnectorV1"}'],
    { type: "mooncake" },
    ["ConnectorMismatch"],
  ],
  ["nothing said, mooncake", [], { type: "mooncake" }, []],
])("connectors of the engines and of the ModelServer: %s", (_case, args, kvConnector, expected) => {
  expect(reasons({ object: withArguments(...args), servers: [server({}, { kvConnector })] })).toEqual(
    expected,
  );
});

test("every ModelServer that selects a workload is found by one of its labels", () => {
  const selectors: Record<string, string>[] = [
    { "workload.serving.volcano.sh/model-uid": "u-m" },
    { "modelserving.volcano.sh/entry": "true", "modelserving.volcano.sh/name": "m-b" },
    { "modelserving.volcano.sh/role": "server" },
    { "modelserving.volcano.sh/group-name": "m-b-0" },
  ];
  const anchors = anchorsOf(readServing(serving()));
  for (const matchLabels of selectors) {
    const one = server({}, { workloadSelector: { matchLabels } });
    expect(reasons({ servers: [one] })).toEqual([]);
    expect(anchors).toContain(anchorOf(readServer(one)));
  }
});

test("a connector that differs is told with the value to set", () => {
  const object = withArguments(KV, '{"kv_connector":"MooncakeConnectorV1"}');
  expect(world({ object, servers: [server()] }).remarks[0]?.note).toContain(
    "set spec.kvConnector.type to mooncake",
  );
});

test("an object that is going is left alone", () => {
  const object = serving(undefined, { metadata: { deletionTimestamp: ago(0) } });
  expect(reasons({ object, pods: [bare], servers: [] })).toEqual([]);
});
