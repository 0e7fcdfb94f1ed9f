import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { at, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { KTHENA_GROUP_LABEL, KTHENA_NAME_LABEL, KTHENA_ROLE_LABEL, STAMP } from "../../src/api/names.ts";
import { explain } from "../../src/commands/explain/explanation.ts";
import { explainPod, type PodSeen } from "../../src/commands/explain/pod.ts";
import { explanationData, explanationLines, podLines } from "../../src/commands/explain/text.ts";
import { PLAIN } from "../../src/commands/terminal.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import type { ResolvedDefaults } from "../../src/defaults/settings.ts";
import { injectors } from "../../src/injectors/index.ts";

const BUILT_IN = resolveDefaults([]);

function defaultsFrom(text: string): ResolvedDefaults {
  const source = "site.yaml";
  const parsed = parseDefaults(
    `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n${text}`,
    source,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return resolveDefaults([{ source, document: parsed.document }]);
}

const LEAN = parse(`
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: m, namespace: models, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  template:
    roles:
    - name: server
      workerReplicas: 0
      entryTemplate:
        spec:
          containers:
          - {name: vllm, image: "engine:1", command: [vllm, serve, m], args: [-tp, "4"], env: [{name: API_TOKEN, value: hunter2hunter2}]}
    - name: proxy
      workerReplicas: 0
      entryTemplate: {metadata: {annotations: {kthena-ascend.io/inject: "false"}}, spec: {containers: [{name: p, image: "nginx:1"}]}}
`) as JsonObject;

function completed(object = LEAN, defaults: ResolvedDefaults = BUILT_IN): JsonObject {
  const request = requestFor(object, "models");
  return judgeRequest(request, { defaults }, { defaultsFor: () => defaults }).object;
}

function explained(object: JsonObject, today: ResolvedDefaults = BUILT_IN) {
  return explain({ object, today, findings: [], injectors: injectors() });
}

const IFNAME = "entryTemplate.spec.containers[name=vllm].env[name=HCCL_SOCKET_IFNAME]";

describe("explain", () => {
  it("tells each addition with its injector, reason and the default that it came from", () => {
    const told = explained(completed());
    expect(told).toMatchObject({ recorded: true, older: false, differences: [] });
    expect(told.additions.every(({ state, injector }) => state === "stands" && injector !== undefined)).toBe(
      true,
    );
    expect(told.additions.find(({ path }) => path === IFNAME)).toMatchObject({
      unit: "server",
      value: { name: "HCCL_SOCKET_IFNAME", value: "eth0" },
      injector: "hccl-env",
      source: "hccl.socketIfname (built-in)",
    });
    expect(told.additions.some(({ path }) => path.includes(STAMP))).toBe(false);
  });

  it("tells what today's defaults would do otherwise, and where that comes from", () => {
    const told = explained(completed(), defaultsFrom("hccl: {socketIfname: bond0}"));
    expect(told.older).toBe(true);
    expect(told.differences.find(({ path }) => path === IFNAME)).toEqual({
      unit: "server",
      path: IFNAME,
      was: { name: "HCCL_SOCKET_IFNAME", value: "eth0" },
      today: { name: "HCCL_SOCKET_IFNAME", value: "bond0" },
      source: "hccl.socketIfname (site.yaml)",
    });
    expect(told.additions.find(({ path }) => path === IFNAME)?.value).toMatchObject({ value: "eth0" });
  });

  it("tells what was changed and what is gone since", () => {
    const text = JSON.stringify(completed());
    const changed = JSON.parse(text.replace('"value":"eth0"', '"value":"eth9"')) as JsonObject;
    const { additions } = explained(changed);
    expect(additions.filter(({ state }) => state === "changed")).toEqual([
      expect.objectContaining({ path: IFNAME, found: { name: "HCCL_SOCKET_IFNAME", value: "eth9" } }),
    ]);
    const { schedulerName: _gone, ...spec } = objectOf(completed().spec);
    const without = { ...completed(), spec };
    expect(explained(without).additions.filter(({ state }) => state === "gone")).toEqual([
      expect.objectContaining({ path: "spec.schedulerName", value: "volcano" }),
    ]);
  });

  it("gives the object as its user wrote it, and tells why a role was left alone", () => {
    const told = explained(completed());
    expect(told.lean).toEqual(LEAN);
    expect(told.skipped).toMatchObject([{ unit: "proxy", skip: "opted-out" }]);
  });

  it("tells additions of a role that is called as Object's own properties are", () => {
    const named = JSON.parse(JSON.stringify(LEAN).replace('"server"', '"constructor"')) as JsonObject;
    const { additions } = explained(completed(named));
    expect(new Set(additions.map(({ unit }) => unit))).toEqual(new Set(["constructor", ""]));
  });

  it("of an object without a record tells that nothing was added and what was asked for", () => {
    const told = explained(LEAN);
    expect(told).toMatchObject({ recorded: false, additions: [], differences: [] });
    expect(explanationLines(LEAN, told, PLAIN)[0]).toMatch(/nothing was added/);
  });

  it("shows no secret, as text or as data", () => {
    const object = completed();
    const told = explained(object);
    const text = explanationLines(object, told, PLAIN).join("\n");
    expect(text).toContain("hccl.socketIfname (built-in)");
    expect(text + JSON.stringify(explanationData(object, told))).not.toContain("hunter2");
  });
});

const complete = completed();

/** The entry template of the role with an engine. */
function entryOf(serving: JsonObject): JsonObject {
  return objectOf(objectOf(listOf(at(serving, "spec", "template", "roles"))[0]).entryTemplate);
}

const entry = entryOf(complete);
const leanSpec = objectOf(entryOf(LEAN).spec);

function pod(annotations: JsonObject, spec: unknown, name = "m-0"): JsonObject {
  const labels = { [KTHENA_NAME_LABEL]: "m", [KTHENA_GROUP_LABEL]: "m-0", [KTHENA_ROLE_LABEL]: "server" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels, annotations },
    spec: objectOf(spec as JsonObject),
  };
}

const bare = pod({}, leanSpec);

describe("explain of a pod", () => {
  const seen: PodSeen = {
    pod: bare,
    serving: complete,
    owner: undefined,
    siblings: [],
    today: BUILT_IN,
    injectors: injectors(),
  };
  const stamped = pod(objectOf(objectOf(entry.metadata).annotations), entry.spec);

  const ROWS: [string, Partial<PodSeen>, boolean, RegExp][] = [
    ["is completed by its template", { pod: stamped }, true, /^its template was completed$/],
    ["of an older revision says so", { pod: pod({ [STAMP]: "old" }, entry.spec) }, true, /older revision/],
    ["completed by itself lacks nothing", { pod: pod({}, entry.spec) }, true, /nothing is missing/],
    [
      "from before its model's completion",
      { pod: pod({}, leanSpec) },
      false,
      /is completed now; the pod is older/,
    ],
    [
      "of a model that was never completed",
      { pod: pod({}, leanSpec), serving: LEAN },
      false,
      /never completed/,
    ],
    ["of a group that runs without", { pod: pod({}, leanSpec), siblings: [npuPod()] }, false, /must not mix/],
    ["of nobody", { pod: { kind: "Pod", metadata: { name: "x" } } }, false, /no pod of Kthena's/],
  ];

  function npuPod(): JsonObject {
    return pod(
      {},
      { containers: [{ name: "e", resources: { limits: { "huawei.com/ascend-1980": 4 } } }] },
      "m-1",
    );
  }

  it.each(ROWS)("%s", (_name, change, wanted, why) => {
    const told = explainPod({ ...seen, ...change });
    expect(told.why).toMatch(why);
    expect(told.completed).toBe(wanted);
    expect(podLines(bare, told, PLAIN)[0]).toContain(wanted ? ": completed" : ": not completed");
  });

  it("names what it lacks", () => {
    const { missing } = explainPod({ ...seen, pod: pod({}, leanSpec) });
    expect(missing).toContain("spec.containers[name=vllm].env[name=HCCL_IF_IP]");
  });
});
