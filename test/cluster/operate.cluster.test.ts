import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/api/json.ts";
import { at, listOf, objectOf } from "../../src/api/json.ts";
import { type AuditOptions, audit } from "../../src/commands/audit/audit.ts";
import { explainCommandRun } from "../../src/commands/explain/explain.ts";
import { type RefreshOptions, refresh } from "../../src/commands/refresh/refresh.ts";
import { uninject } from "../../src/commands/uninject/uninject.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { childOf, follow } from "./booster-steps.ts";
import { mainEntry } from "./installation/installation.ts";
import { reportServing } from "./kthena-controllers/model-serving.ts";
import { eventually, type ManifestUser, userIn } from "./manifest-user.ts";
import {
  CONFIGURATIONS,
  type Product,
  RELEASE,
  RELEASE_NAMESPACE,
  startProduct,
  withoutWebhooks,
} from "./product.ts";

/** The commands that a platform team operates models with, on a cluster that has some. */

let product: Product;
let user: ManifestUser;

const LEAN = parse(`
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: m, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  replicas: 2
  template:
    roles:
    - name: server
      replicas: 1
      entryTemplate:
        spec:
          containers:
          - {name: vllm, image: "engine:1", command: [vllm, serve, m], args: [-tp, "4"]}
`) as JsonObject;

beforeAll(async () => {
  product = await startProduct();
  user = await userIn(product.plane, "models");
  await user.apply(LEAN);
});

afterAll(async () => {
  await product?.stop();
});

/** Writes the cluster's defaults and waits until what somebody creates is completed with them: `wanted` is in it. */
async function useDefaults(person: ManifestUser, more: string, wanted: string): Promise<void> {
  const text = `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n${more}`;
  const patch = JSON.stringify({ data: { "defaults.yaml": text } });
  const where = ["configmap", "kthena-ascend-defaults", `-n=${RELEASE_NAMESPACE}`];
  await product.plane.kubectl(["patch", ...where, "--type=merge", "-p", patch]);
  const trial = JSON.stringify({ ...LEAN, metadata: { ...objectOf(LEAN.metadata), name: "trial" } });
  let inARow = 0;
  await eventually(
    "new defaults hold",
    async () => (await person.run(["create", "--dry-run=server", "-o", "json", "-f", "-"], trial)).stdout,
    // Each replica takes them up for itself.
    (stdout) => {
      inARow = stdout.includes(wanted) ? inARow + 1 : 0;
      return inARow === 3;
    },
    60_000,
  );
}

/** ModelServings with older defaults, as the leader's metric counts them. */
async function olderModels(): Promise<number> {
  const texts = await Promise.all(product.installation.replicas.map((replica) => replica.metrics()));
  const line = /^kthena_ascend_modelservings_remarked\{reason="OlderDefaults"\} (\d+)$/m;
  return texts.reduce((sum, text) => sum + Number(line.exec(text)?.[1] ?? 0), 0);
}

function cluster() {
  const source = { from: "file" as const, file: product.plane.kubeconfig };
  return { source, userAgent: "test", release: RELEASE, releaseNamespace: undefined };
}

/** Audits the cluster: the exit code and what is printed. */
async function audited(change: Partial<AuditOptions> = {}) {
  const console = recordingConsole();
  const code = await audit(
    {
      files: [],
      recursive: false,
      namespace: undefined,
      defaults: [],
      current: [],
      against: false,
      diff: false,
      all: true,
      output: "json",
      failOn: "refused",
      color: "never",
      progress: true,
      cluster: cluster(),
      ...change,
    },
    console,
    Date.now,
  );
  return { code, text: console.output };
}

interface Item {
  kind: string;
  name: string;
}

/** What was told of each object, by `KIND/NAME`. */
function items(text: string): Record<string, Item> {
  const all = JSON.parse(text).items as Item[];
  return Object.fromEntries(all.map((item) => [`${item.kind}/${item.name}`, item]));
}

describe("explain", () => {
  const explained = async (name: string): Promise<JsonObject> => {
    const console = recordingConsole();
    const options = { name, file: undefined, namespace: "models", defaults: [], color: "never" as const };
    expect(await explainCommandRun({ ...options, output: "json", cluster: cluster() }, console)).toBe(0);
    return JSON.parse(console.output) as JsonObject;
  };

  test("tells what was added to a stored object and from which default", async () => {
    const told = await explained("modelserving/m");
    expect(told).toMatchObject({ recorded: true, older: false, differences: [] });
    expect(JSON.stringify(told.additions)).toContain("hccl.socketIfname (built-in)");
  });

  test("tells why a pod was completed by itself, and why one that nobody asked about was not", async () => {
    const { spec } = parse(JSON.stringify(at(LEAN, "spec", "template", "roles")))[0].entryTemplate;
    const labels = {
      "modelserving.volcano.sh/name": "m",
      "modelserving.volcano.sh/role": "server",
      "modelserving.volcano.sh/group-name": "m-0",
    };
    const pod = (name: string, own: object): JsonObject =>
      parse(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: own }, spec }));
    await user.apply(pod("m-0-server", labels));
    expect(await explained("pod/m-0-server")).toMatchObject({ completed: true, missing: [] });
    await user.apply(pod("other", {}));
    expect(await explained("pod/other")).toMatchObject({
      completed: false,
      why: expect.stringContaining("no pod of Kthena"),
    });
  });

  test("names what it cannot find", async () => {
    await expect(explained("modelserving/none")).rejects.toThrow("there is no ModelServing models/none");
    await expect(explained("service/none")).rejects.toThrow("must be KIND/NAME");
  });
});

describe("uninject", () => {
  const printed = async (keep: boolean): Promise<JsonObject> => {
    const console = recordingConsole();
    const options = {
      name: "modelservings/m",
      file: undefined,
      keep,
      namespace: "models",
      access: cluster(),
    };
    expect(await uninject(options, console)).toBe(0);
    return parse(console.output) as JsonObject;
  };

  test("gives the lean object: applied again, or created anew, the same complete object is stored", async () => {
    const before = await user.get("modelserving", "m");
    const lean = await printed(false);
    expect(JSON.stringify(lean)).not.toMatch(/injected|stamp|volumes|"status"|uid/);
    await user.apply(lean);
    const after = await user.get("modelserving", "m");
    expect([after.spec, at(after, "metadata", "generation")]).toEqual([
      before.spec,
      at(before, "metadata", "generation"),
    ]);
    await user.run(["delete", "modelserving", "m"]);
    await user.apply(lean);
    expect((await user.get("modelserving", "m")).spec).toEqual(before.spec);
  });

  test("--keep gives the complete object, and changes no pod template when it replaces what is stored", async () => {
    const before = await user.get("modelserving", "m");
    const kept = await printed(true);
    expect(kept.spec).toEqual(before.spec);
    expect(JSON.stringify(kept.metadata)).not.toContain("kthena-ascend.io");
  });
});

describe("audit", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
    const text = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: bond0}\n";
    await writeFile(join(folder, "new.yaml"), text);
    await withoutWebhooks(product.plane, CONFIGURATIONS, async () => {
      const text = JSON.stringify(LEAN).replace(
        '"template":{"roles":[{',
        '"template":{"roles":[{"workerReplicas":0,',
      );
      const named = (name: string, from: string): JsonObject => {
        const object = parse(from) as JsonObject;
        return { ...object, metadata: { name, annotations: { "kthena-ascend.io/inject": "true" } } };
      };
      await user.apply(named("stored-before", text));
      await user.apply(named("wrong", text.replace('"4"', '"two"')));
      const forgotten = await userIn(product.plane, "forgotten");
      const example = join(import.meta.dirname, "..", "..", "examples", "modelbooster", "plain.yaml");
      const { metadata: _, ...booster } = parse(await readFile(example, "utf8")) as JsonObject;
      const annotations = { "kthena-ascend.io/inject": "true" };
      await forgotten.apply({ ...booster, metadata: { name: "booster", annotations } });
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("of what asked and got nothing Events and a metric tell, on both kinds", async () => {
    const told = async () => {
      const about = ["--field-selector=reason=InjectionSkipped", "-o", "json"];
      const { stdout } = await product.plane.kubectl(["get", "events.events.k8s.io", "-A", ...about]);
      return listOf(JSON.parse(stdout).items).map((item) => {
        const { kind, name } = objectOf(objectOf(item).regarding);
        return `${kind}/${name} ${objectOf(item).note}`;
      });
    };
    const events = await eventually("Events", told, (all) => all.length >= 3, 30_000);
    for (const object of ["ModelBooster/booster", "ModelServing/stored-before", "ModelServing/wrong"])
      expect(events.filter((text) => text.startsWith(object))).toEqual([
        expect.stringContaining(
          "asks by kthena-ascend.io/inject, but nothing was injected: it was stored before",
        ),
      ]);
    const metrics = await Promise.all(product.installation.replicas.map((replica) => replica.metrics()));
    expect(metrics.join()).toContain('kthena_ascend_modelboosters_remarked{reason="InjectionSkipped"} 1');
  });

  test("an Event's advice, followed, completes the object, and nothing needs attention any more", async () => {
    const refresh = ["kthena-ascend.io/refresh=1", "--overwrite"];
    await product.plane.kubectl(["annotate", "modelbooster/booster", "-n=forgotten", ...refresh]);
    const counted = async () =>
      (await Promise.all(product.installation.replicas.map((replica) => replica.metrics()))).join();
    await eventually(
      "none",
      counted,
      (text) => !text.includes("kthena_ascend_modelboosters_remarked{"),
      30_000,
    );
    const { stdout } = await product.plane.kubectl([
      "get",
      "modelbooster/booster",
      "-n=forgotten",
      "-o=json",
    ]);
    expect(stdout).toContain("huawei.com/ascend-1980");
    await product.plane.kubectl(["delete", "namespace", "forgotten", "--wait=false"]);
    await product.plane.kubectl(["delete", "modelbooster/booster", "-n=forgotten", "--ignore-not-found"]);
  });

  test("judges what is stored by the rules and defaults in force", async () => {
    const { code, text } = await audited();
    expect(code).toBe(1);
    expect(items(text)).toMatchObject({
      "ModelServing/m": {
        namespace: "models",
        verdict: "admitted",
        injected: true,
        older: false,
        orphan: ["no ModelServer selects it"],
      },
      "ModelServing/stored-before": { verdict: "admitted", injected: false, notInjected: { missed: true } },
      "ModelServing/wrong": { verdict: "refused" },
      "Pod/m-0-server": { injected: true, orphan: [] },
    });
    expect(Object.keys(items(text))).not.toContain("Pod/other");
  });

  test("tells what new defaults would restart, and changes nothing", async () => {
    const before = await user.get("modelserving", "m");
    const { text } = await audited({ defaults: [join(folder, "new.yaml")] });
    expect(items(text)["ModelServing/m"]).toMatchObject({
      blast: { refreshed: 3, pods: 2, npus: 8, otherwise: 0 },
    });
    expect(JSON.parse(text).blastRadius.refresh).toEqual({
      models: 1,
      pods: 2,
      npus: 8,
      namespaces: [{ namespace: "models", models: 1, pods: 2, npus: 8 }],
    });
    expect(await user.get("modelserving", "m")).toEqual(before);
  });

  test("against the version that runs has nothing to tell of one that says the same", async () => {
    const { text } = await audited({ against: true });
    const told = JSON.parse(text);
    expect(told.proposed).toMatch(/^this version, \d\S+, beside the installation, \d\S+$/);
    expect(told.unreadable).toEqual([]);
    expect(told.blastRadius.refresh).toEqual({ models: 0, pods: 0, npus: 0, namespaces: [] });
    expect(told.blastRadius).toMatchObject({ refused: 0, refusedAnew: 0, otherwise: 0 });
  });

  test("against another version tells what this one adds otherwise, and stores nothing", async () => {
    const before = await user.get("modelserving", "m");
    await product.installation.rollOut({ entry: join(import.meta.dirname, "other-version.ts") });
    try {
      const { text } = await audited({ against: true, diff: true });
      expect(items(text)["ModelServing/m"]).toMatchObject({
        blast: { refused: [], refusedAnew: [], otherwise: 0, refreshed: 1 },
      });
      expect(text).toContain("OTHER_VERSION");
      expect(await user.get("modelserving", "m")).toEqual(before);
    } finally {
      await product.installation.rollOut({ entry: mainEntry });
    }
  });

  test("is stored as PolicyReports, and again in place of the last", async () => {
    const crd = join(import.meta.dirname, "crds", "reports");
    await product.plane.kubectl(["apply", "--server-side", "-f", crd]);
    await product.plane.kubectl(["wait", "--for=condition=Established", "crd/policyreports.wgpolicyk8s.io"]);
    const apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    const { text } = await audited({ output: "policyreport" });
    for (const input of [text, text]) await product.plane.kubectl(apply, { input });
    const { stdout } = await product.plane.kubectl(["get", "policyreports", "-n=models", "-o=json"]);
    const [report, ...more] = JSON.parse(stdout).items;
    expect(more).toEqual([]);
    expect(report.metadata.name).toBe("kthena-ascend-audit");
    expect(report.results).toContainEqual(
      expect.objectContaining({
        rule: "injection/missed",
        result: "fail",
        resources: [expect.objectContaining({ kind: "ModelServing", name: "stored-before" })],
      }),
    );
  });

  test("of one namespace leaves the others out", async () => {
    const { code, text } = await audited({ namespace: "default" });
    expect([code, JSON.parse(text).items]).toEqual([0, []]);
    await expect(audited({ namespace: "nowhere" })).rejects.toThrow("there is no Namespace nowhere");
  });
});

describe("refresh", () => {
  const NAMES = ["one", "two", "three"];
  let folder: string;
  let models: ManifestUser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
    models = await userIn(product.plane, "waves");
    for (const name of NAMES) await models.apply({ ...LEAN, metadata: { ...objectOf(LEAN.metadata), name } });
    await ready(...NAMES);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const ready = async (...names: string[]): Promise<void> => {
    for (const name of names) await reportServing(product.admin, { namespace: "waves", name }, true);
  };

  const interfaces = async (): Promise<unknown[]> => {
    const found = NAMES.map(async (name) => {
      const text = JSON.stringify(await models.get("modelserving", name));
      return /"HCCL_SOCKET_IFNAME","value":"(\w+)"/.exec(text)?.[1];
    });
    return Promise.all(found);
  };

  const refreshed = async (change: Partial<RefreshOptions> = {}) => {
    const console = recordingConsole();
    const { source, userAgent } = cluster();
    const options = {
      namespace: "waves",
      selector: undefined,
      maxUnavailable: 2,
      timeoutSeconds: 2,
      dryRun: false,
      stateFile: join(folder, "state.json"),
      undo: undefined,
      access: { source, userAgent },
    };
    const code = await refresh({ ...options, ...change }, console, Date.now);
    return { code, out: console.output, err: console.errors };
  };

  test("plans waves with pods and NPUs, and changes nothing then", async () => {
    expect((await refreshed({ dryRun: true })).out).toContain("nothing to do");
    await expect(refreshed({ namespace: "nowhere" })).rejects.toThrow("there is no Namespace nowhere");
    await useDefaults(models, "hccl: {socketIfname: bond0}\n", '"bond0"');
    const { code, out } = await refreshed({ dryRun: true });
    expect(code).toBe(0);
    expect(out).toContain("3 models in 2 waves: 6 pods with 24 NPUs restart.");
    expect(await interfaces()).toEqual(["eth0", "eth0", "eth0"]);
  });

  test("within a minute of a change of defaults Events and a metric tell which models keep older ones", async () => {
    const told = async () => {
      const about = ["--field-selector=reason=OlderDefaults", "-o", "jsonpath={.items[*].regarding.name}"];
      return (await models.run(["get", "events.events.k8s.io", ...about])).stdout.split(" ").sort().join();
    };
    await eventually("an Event on each", told, (names) => names === NAMES.toSorted().join(), 60_000);
    // `m` of another namespace too.
    await eventually("the metric", olderModels, (count) => count === NAMES.length + 1, 10_000);
  });

  test("tells the models that the API server asks nobody about, and leaves them as they are", async () => {
    await withoutWebhooks(product.plane, CONFIGURATIONS, async () => {
      const { err } = await refreshed();
      expect(err).toContain("left out, as the webhook is not asked about them: ModelServing waves/one");
    });
    expect(await interfaces()).toEqual(["eth0", "eth0", "eth0"]);
  });

  test("stops at the first wave that does not come up, and goes on there", async () => {
    const stopped = await refreshed();
    expect([stopped.code, stopped.err]).toEqual([1, expect.stringContaining("is not ready after 2 seconds")]);
    expect(await interfaces()).toEqual(["bond0", "eth0", "bond0"]);
    const again = await refreshed({ stateFile: join(folder, "again.json") });
    expect([again.code, again.out]).toEqual([1, expect.stringContaining("which an earlier run refreshed")]);
    await ready("one", "three");
    const playing = setInterval(() => void ready("two").catch(() => {}), 300);
    const done = await refreshed({ stateFile: join(folder, "again.json") });
    clearInterval(playing);
    expect([done.code, await interfaces()]).toEqual([0, ["bond0", "bond0", "bond0"]]);
    expect((await refreshed()).out).toContain("nothing to do");
  });

  test("is taken back where the defaults of before are in force again", async () => {
    const undo = { undo: join(folder, "state.json"), namespace: undefined };
    await expect(refreshed(undo)).rejects.toThrow("put the defaults of before in force first");
    await useDefaults(models, "hccl: {socketIfname: eth0}\n", '"eth0"');
    const playing = setInterval(() => void ready(...NAMES).catch(() => {}), 300);
    const { code } = await refreshed({ ...undo, timeoutSeconds: 20 });
    clearInterval(playing);
    expect([code, await interfaces()]).toEqual([0, ["eth0", "eth0", "eth0"]]);
    const state = JSON.parse(await readFile(join(folder, "state.json"), "utf8"));
    const one = listOf(state.models)
      .map(objectOf)
      .find(({ name }) => name === "one");
    expect((await models.get("modelserving", "one")).spec).toEqual(one?.spec);
  });

  test("models of a namespace that asks for something else are older until it does not", async () => {
    // `m` was admitted with the chart's own document, which says more than that of now.
    await eventually("none of these is older", olderModels, (count) => count === 1, 60_000);
    await product.plane.kubectl(["annotate", "namespace", "waves", "kthena-ascend.io/socket-ifname=bond1"]);
    await eventually("these are", olderModels, (count) => count === 1 + NAMES.length, 60_000);
    await product.plane.kubectl(["annotate", "namespace", "waves", "kthena-ascend.io/socket-ifname-"]);
    await eventually("none of these is older again", olderModels, (count) => count === 1, 60_000);
  });
});

describe("a ModelBooster", () => {
  const NAME = "qwen3-8b";
  const SERVING = { namespace: "boosted", name: `${NAME}-ascend` };
  let folder: string;
  let boosters: ManifestUser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
    boosters = await userIn(product.plane, "boosted");
    await product.plane.addNodes({ count: 2, prefix: "other", resourceName: "huawei.com/Ascend910" });
    const example = join(import.meta.dirname, "..", "..", "examples", "modelbooster", "plain.yaml");
    const { metadata, ...rest } = parse(await readFile(example, "utf8")) as JsonObject;
    for (const name of [NAME, "second"])
      await boosters.apply({ ...rest, metadata: { ...objectOf(metadata), name, namespace: "boosted" } });
    for (const name of [NAME, "second"])
      await eventually(
        `what Kthena does for ${name}`,
        () => played(name).then(() => "done", String),
        (ended) => ended === "done",
        60_000,
      );
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What Kthena's controllers do for one that was changed, until it serves. */
  const played = async (name: string): Promise<void> => {
    const place = { namespace: "boosted", name };
    await follow(product.plane, product.admin, place, childOf(place, "ascend"));
  };

  const valueIn = async (pattern: RegExp, kind: string, name: string): Promise<string | undefined> =>
    pattern.exec(JSON.stringify((await boosters.get(kind, name)).spec))?.[0];
  const RESOURCE = /huawei\.com\/[\w-]+/;
  const INTERFACE = /(?<="HCCL_SOCKET_IFNAME","value":")\w+/;
  const resources = () =>
    Promise.all([NAME, "second"].map((name) => valueIn(RESOURCE, "modelbooster", name)));

  const refreshed = async (change: Partial<RefreshOptions> = {}) => {
    const console = recordingConsole();
    const options: RefreshOptions = {
      namespace: "boosted",
      selector: undefined,
      maxUnavailable: 1,
      timeoutSeconds: 2,
      dryRun: false,
      stateFile: join(folder, "state.json"),
      undo: undefined,
      access: cluster(),
      ...change,
    };
    const code = await refresh(options, console, Date.now);
    return { code, out: console.output, err: console.errors };
  };

  /** The same while Kthena's controllers work. */
  const refreshedWhilePlayed = async (change: Partial<RefreshOptions> = {}) => {
    let ended = false;
    const playing = (async () => {
      // What meets a change of somebody else's is tried again, as Kthena's controllers do.
      while (!ended) for (const name of [NAME, "second"]) await played(name).catch(() => {});
    })();
    try {
      return await refreshed({ timeoutSeconds: 60, ...change });
    } finally {
      ended = true;
      await playing;
    }
  };

  test("is explained, and lean and complete again is what it was", async () => {
    const console = recordingConsole();
    const explain = { name: `modelbooster/${NAME}`, file: undefined, namespace: "boosted", defaults: [] };
    const shown = { color: "never", output: "json", cluster: cluster() } as const;
    expect(await explainCommandRun({ ...explain, ...shown }, console)).toBe(0);
    expect(JSON.parse(console.output)).toMatchObject({ recorded: true, older: false, differences: [] });
    const before = await boosters.get("modelbooster", NAME);
    const printed = recordingConsole();
    const what = { name: `modelbooster/${NAME}`, file: undefined, keep: false, namespace: "boosted" };
    expect(await uninject({ ...what, access: cluster() }, printed)).toBe(0);
    expect(printed.output).not.toMatch(/injected|ascend-1980/);
    await boosters.apply(parse(printed.output) as JsonObject);
    expect((await boosters.get("modelbooster", NAME)).spec).toEqual(before.spec);
  });

  const ofBooster = [
    `ModelBooster/${NAME}`,
    `ModelServing/${SERVING.name}`,
    `ModelServer/${SERVING.name}`,
    `ModelRoute/${NAME}`,
    `Pod/${SERVING.name}-0-leader-0-0`,
  ];

  test("is audited with all that Kthena made of it, and each pod that would restart is counted once", async () => {
    const file = join(folder, "bond.yaml");
    const head = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
    const radius = async (more: string) => {
      await writeFile(file, head + more);
      const { text } = await audited({ namespace: "boosted", defaults: [file] });
      return { all: items(text), ...JSON.parse(text).blastRadius.refresh };
    };
    const bond = await radius("hccl: {socketIfname: bond1}\n");
    const right = { verdict: "admitted", injected: true, older: false, findings: [], orphan: [] };
    for (const one of ofBooster.slice(0, 2)) expect(bond.all[one]).toMatchObject(right);
    for (const one of ofBooster.slice(2)) expect(bond.all[one]).toMatchObject({ older: false, orphan: [] });
    expect(bond).toMatchObject({ models: 2, pods: 2, npus: 4 });
    // Another backend: Kthena replaces the ModelServing.
    const resource = await radius("npu: {resourceName: huawei.com/Ascend910}\n");
    expect(resource).toMatchObject({ models: 2, pods: 2, npus: 4 });
  });

  test("is refreshed and waited for until it is Active, one after the other, and taken back", async () => {
    const [old, next] = ["huawei.com/ascend-1980", "huawei.com/Ascend910"];
    await useDefaults(boosters, `npu: {resourceName: ${next}}\n`, next);
    const plan = (await refreshed({ dryRun: true })).out;
    expect(plan).toContain("2 models in 2 waves: 2 pods with 4 NPUs restart");
    const stopped = await refreshed();
    const waited = "ModelBooster boosted/qwen3-8b is not ready after 2 seconds: ";
    expect(stopped).toMatchObject({ code: 1, err: expect.stringContaining(waited) });
    expect(stopped.err).toContain("Kthena's controller has not taken up its newest spec");
    expect(await resources()).toEqual([next, old]);
    const again = { stateFile: join(folder, "again.json") };
    const waiting = await refreshed(again);
    expect(waiting).toMatchObject({ code: 1, err: expect.stringContaining("nothing was changed") });
    expect(waiting.out).toContain(
      "Waiting for ModelBooster boosted/qwen3-8b, which an earlier run refreshed",
    );
    const done = await refreshedWhilePlayed(again);
    expect(done).toMatchObject({ code: 0, err: "" });
    expect(done.out).toContain("wave 1 of 1: ModelBooster boosted/second done");
    expect(await resources()).toEqual([next, next]);
    expect(await valueIn(RESOURCE, "modelserving", SERVING.name)).toBe(next);
    expect((await refreshed()).out).toContain("nothing to do");
    await useDefaults(boosters, "", old);
    for (const file of ["again.json", "state.json"]) {
      const undone = await refreshedWhilePlayed({ undo: join(folder, file), namespace: undefined });
      expect(undone).toMatchObject({ code: 0, err: "" });
    }
    expect(await resources()).toEqual([old, old]);
    expect(await valueIn(RESOURCE, "modelserving", SERVING.name)).toBe(old);
  });

  test("has its ModelServing refreshed with it where Kthena's controller sees no change, and taken back", async () => {
    const interfaceOf = () => valueIn(INTERFACE, "modelserving", SERVING.name);
    await useDefaults(boosters, "hccl: {socketIfname: bond1}\n", '"bond1"');
    await played(NAME);
    expect(await interfaceOf()).toBe("eth0");
    const old = items((await audited({ namespace: "boosted" })).text);
    for (const one of ofBooster.slice(0, 2)) expect(old[one]).toMatchObject({ older: true });
    const options = { stateFile: join(folder, "servings.json"), maxUnavailable: 2 };
    const plan = (await refreshed({ ...options, dryRun: true })).out;
    expect(plan).toContain("2 models in 1 wave: 2 pods with 4 NPUs restart");
    expect(await refreshedWhilePlayed(options)).toMatchObject({ code: 0, err: "" });
    expect(await interfaceOf()).toBe("bond1");
    expect((await refreshed()).out).toContain("nothing to do");
    const now = items((await audited({ namespace: "boosted" })).text);
    for (const one of ofBooster.slice(0, 2)) expect(now[one]).toMatchObject({ older: false });
    const undo = { undo: options.stateFile, namespace: undefined };
    await expect(refreshed(undo)).rejects.toThrow("put the defaults of before in force first");
    await useDefaults(boosters, "", '"eth0"');
    expect(await refreshedWhilePlayed(undo)).toMatchObject({ code: 0, err: "" });
    expect(await interfaceOf()).toBe("eth0");
    expect((await refreshed()).out).toContain("nothing to do");
  });

  test("that lost its ModelServer is told by an audit: what it was for has none", async () => {
    await boosters.run(["delete", "modelserver", SERVING.name]);
    const found = items((await audited({ namespace: "boosted" })).text);
    const nobody = [expect.stringContaining("no ModelServer selects it")];
    expect(found[`ModelServing/${SERVING.name}`]).toMatchObject({ orphan: nobody });
    expect(found[`ModelRoute/${NAME}`]).toMatchObject({ orphan: [expect.stringContaining(SERVING.name)] });
    await played(NAME);
    const again = items((await audited({ namespace: "boosted" })).text);
    for (const one of ofBooster.slice(0, 4)) expect(again[one]).toMatchObject({ orphan: [] });
  });
});
