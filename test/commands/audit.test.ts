import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { at, type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { KTHENA_NAME_LABEL } from "../../src/api/names.ts";
import { type AuditOptions, audit } from "../../src/commands/audit/audit.ts";
import { blastOf } from "../../src/commands/audit/blast.ts";
import { type AuditEntry, auditEntry, judgedAnew } from "../../src/commands/audit/entry.ts";
import { oneText } from "../../src/commands/audit/one-text.ts";
import { noTies, orphansIn, remember } from "../../src/commands/audit/orphans.ts";
import { onlyForPods, podEntry } from "../../src/commands/audit/pods.ts";
import { policyReports } from "../../src/commands/audit/policy-report.ts";
import { progressBar } from "../../src/commands/audit/progress.ts";
import { type Running, versionBlast } from "../../src/commands/audit/version-blast.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { type Resolution, resolveDefaults } from "../../src/defaults/resolve.ts";
import { injectors } from "../../src/injectors/index.ts";
import { recordingConsole } from "./recording-console.ts";

const BUILT_IN = resolveDefaults([]);
const INJECTORS = injectors();
const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";

function defaultsFrom(text: string): Resolution {
  const parsed = parseDefaults(HEAD + text, "new.yaml");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return resolveDefaults([{ source: "new.yaml", document: parsed.document }]);
}

function lean(args: string, annotations: object = {}): JsonObject {
  const own = JSON.stringify({ "kthena-ascend.io/inject": "true", ...annotations });
  return parse(`
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: m, namespace: models, uid: u1, annotations: ${own}}
spec:
  replicas: 3
  template:
    roles:
    - name: server
      replicas: 2
      workerReplicas: 0
      entryTemplate:
        spec:
          containers:
          - {name: vllm, image: "engine:1", command: [vllm, serve, m], args: ${args}, env: [{name: API_TOKEN, value: hunter2hunter2}]}
`) as JsonObject;
}

function completed(object: JsonObject, defaults = BUILT_IN): JsonObject {
  return judgeRequest(requestFor(object, "models"), { defaults }, { defaultsFor: () => defaults }).object;
}

const GOOD = lean('["-tp", "4"]');
const entry = (object: JsonObject, defaults = BUILT_IN) =>
  auditEntry({ object, known: { defaults }, facts: undefined, injectors: INJECTORS });

describe("audit of one object", () => {
  it("has nothing to tell of one that is complete with today's defaults", () => {
    const { findings, ...told } = entry(completed(GOOD));
    expect(findings).toEqual([]);
    expect(told).toEqual({
      kind: "ModelServing",
      namespace: "models",
      name: "m",
      verdict: "admitted",
      injected: true,
      older: false,
      exempted: [],
      orphan: [],
    });
  });

  it("tells what the rules in force would refuse, though the stored object keeps it", () => {
    const told = entry(lean('["-tp", "two"]'));
    expect(told.verdict).toBe("refused");
    expect(told.findings.some(({ severity }) => severity === "deny")).toBe(true);
  });

  it("tells one that was stored while nobody asked, and not a manifest that was never stored", () => {
    expect(entry(GOOD).notInjected).toMatchObject({ missed: true });
    const { uid: _uid, ...metadata } = objectOf(GOOD.metadata);
    expect(entry({ ...GOOD, metadata }).notInjected).toMatchObject({ missed: false });
    const out = entry(lean("[]", { "kthena-ascend.io/inject": "false" }));
    expect(out.notInjected).toEqual({ why: 'kthena-ascend.io/inject is "false"', missed: false });
  });

  it("names the webhook's selector as the reason, where it leaves the namespace alone", () => {
    const known = { defaults: BUILT_IN, uncalled: "the webhook leaves this namespace alone" };
    expect(auditEntry({ object: GOOD, known, facts: undefined, injectors: INJECTORS }).notInjected).toEqual({
      why: "the webhook leaves this namespace alone",
      missed: true,
    });
  });

  it("tells older defaults and exemptions", () => {
    expect(entry(completed(GOOD), defaultsFrom("hccl: {socketIfname: bond0}")).older).toBe(true);
    const wrong = entry(
      lean('["-tp", "4"]', { "kthena-ascend.io/npus": "2", "kthena-ascend.io/allow": "npu/parallel-size" }),
    );
    expect(wrong.exempted).toEqual(["npu/parallel-size"]);
  });

  it("bounds what it keeps, and shows no secret", () => {
    const roles = Array.from({ length: 60 }, (_none, index) => ({
      name: `r${index}`,
      workerReplicas: 0,
      entryTemplate: listOf(at(lean('["-tp", "two"]'), "spec", "template", "roles")).map(objectOf)[0]
        ?.entryTemplate,
    }));
    const object = { ...GOOD, spec: { template: { roles } } } as JsonObject;
    const told = entry(object);
    expect(told.findings.length).toBeLessThanOrEqual(20);
    expect(JSON.stringify(told)).not.toContain("hunter2");
  });
});

describe("the blast radius of new defaults", () => {
  const blast = (object: JsonObject, text: string, diff = false) =>
    blastOf({
      object,
      known: { defaults: BUILT_IN },
      facts: undefined,
      injectors: INJECTORS,
      after: { defaults: defaultsFrom(text) },
      diff,
    });

  it("is nothing where they say the same", () => {
    expect(blast(completed(GOOD), "hccl: {socketIfname: eth0}")).toMatchObject({
      refused: [],
      refusedAnew: [],
      warned: [],
      otherwise: 0,
      refreshed: 0,
      pods: 0,
      npus: 0,
    });
  });

  it("counts pods and NPUs that a refresh restarts: pinned settings keep the next change as it is", () => {
    const told = blast(completed(GOOD), "hccl: {socketIfname: bond0}", true);
    expect(told).toMatchObject({ otherwise: 0, refreshed: 3, pods: 6, npus: 24 });
    expect(told.differences?.map(({ today }) => objectOf(today).value)).toEqual(["bond0", "bond0", "bond0"]);
  });

  it("tells rules that would refuse or warn from now on", () => {
    const object = completed(lean('["-tp", "4"]', { "kthena-ascend.io/allow": "npu/nothing" }));
    expect(blast(object, "rules: {annotations/allow: deny}")).toMatchObject({
      refusedAnew: ["annotations/allow"],
      pods: 0,
    });
  });
});

describe("the blast radius of a version", () => {
  const run = "audit-1";
  const stored = completed(GOOD);
  const audited = { object: stored, known: { defaults: BUILT_IN }, facts: undefined, injectors: INJECTORS };
  const refreshed = (() => {
    const metadata = objectOf(stored.metadata);
    const annotations = { ...objectOf(metadata.annotations), "kthena-ascend.io/refresh": run };
    const object = { ...stored, metadata: { ...metadata, annotations } };
    const request = { ...requestFor(object, "models"), operation: "UPDATE", oldObject: stored };
    return judgeRequest(request, { defaults: BUILT_IN }, { defaultsFor: () => BUILT_IN }).object;
  })();
  const blast = (running: Partial<Running>, object = stored) => {
    const asked = { refreshed, refuses: false, refusesAnew: false, ...running };
    const change = { ...audited, object, running: asked, run, diff: true };
    return versionBlast(change, judgedAnew({ ...audited, object }));
  };

  it("is nothing where both say the same", () => {
    const nothing = {
      refused: [],
      refusedAnew: [],
      warned: [],
      otherwise: 0,
      refreshed: 0,
      pods: 0,
      npus: 0,
    };
    expect(blast({})).toEqual({ ...nothing, differences: [] });
  });

  it("is what a refresh adds otherwise, with both values, and what it restarts", () => {
    const annotations = objectOf(objectOf(refreshed.metadata).annotations);
    const name = "kthena-ascend.io/injected";
    const record = JSON.parse(String(annotations[name]));
    const path =
      Object.keys(record.units.server.added).find((one) => one.includes("HCCL_SOCKET_IFNAME")) ?? "";
    record.units.server.added[path] = "another";
    const other = { ...annotations, [name]: JSON.stringify(record) };
    const changed = { ...refreshed, metadata: { ...objectOf(refreshed.metadata), annotations: other } };
    const told = blast({ refreshed: changed as JsonObject });
    expect(told).toMatchObject({ refreshed: 1, otherwise: 0 });
    expect(told.differences).toMatchObject([{ unit: "server", path, today: { value: "eth0" } }]);
  });

  it("is what this version alone refuses", () => {
    const wrong = lean('["-tp", "two"]');
    const unasked = { refreshed: undefined };
    expect(blast(unasked, wrong).refusedAnew).not.toEqual([]);
    expect(blast({ ...unasked, refusesAnew: true }, wrong).refusedAnew).toEqual([]);
  });
});

describe("objects without their counterpart", () => {
  const serving = (name: string) => ({ ...GOOD, metadata: { name, namespace: "models" } }) as JsonObject;
  const server = (name: string, selected: string): JsonObject => ({
    kind: "ModelServer",
    metadata: { name, namespace: "models" },
    spec: { workloadSelector: { matchLabels: { [KTHENA_NAME_LABEL]: selected } } },
  });
  const route = (name: string, target: string): JsonObject => ({
    kind: "ModelRoute",
    metadata: { name, namespace: "models" },
    spec: { rules: [{ targetModels: [{ modelServerName: target }] }] },
  });
  const orphans = (objects: readonly JsonObject[]) => {
    const ties = noTies();
    for (const object of objects) remember(ties, object, "models");
    return Object.fromEntries(orphansIn(ties));
  };

  it("are told across all kinds", () => {
    expect(orphans([serving("a"), server("s", "b"), route("r", "none")])).toEqual({
      "ModelServing models/a": ["no ModelServer selects it"],
      "ModelServer models/s": ["it selects no ModelServing", "no ModelRoute sends to it"],
      "ModelRoute models/r": ["ModelServer none is not there"],
    });
    const owner = {
      apiVersion: "workload.serving.volcano.sh/v1alpha1",
      kind: "ModelBooster",
      name: "b",
      uid: "u",
    };
    const owned = { ...GOOD, metadata: { name: "a", namespace: "models", ownerReferences: [owner] } };
    expect(orphans([owned])["ModelServing models/a"]).toContain("its ModelBooster is gone");
  });

  it("are none where everything is there", () => {
    expect(orphans([serving("a"), server("s", "a"), route("r", "s")])).toEqual({});
  });
});

describe("audit of a pod", () => {
  const template = objectOf(listOf(at(completed(GOOD), "spec", "template", "roles"))[0]);
  const labels = { [KTHENA_NAME_LABEL]: "m", "modelserving.volcano.sh/role": "server" };
  const pod = (from: JsonObject): JsonObject => ({
    kind: "Pod",
    metadata: { name: "p", namespace: "models", labels, ...objectOf(objectOf(from.entryTemplate).metadata) },
    spec: objectOf(from.entryTemplate).spec,
  });
  const holds = { defaults: BUILT_IN, owner: undefined, injectors: INJECTORS };

  it("needs of its ModelServing no more than is kept", () => {
    const kept = onlyForPods(completed(GOOD), oneText());
    expect(JSON.stringify(kept)).not.toMatch(/engine:1|hunter2/);
    expect(podEntry(pod(template), kept, holds)).toMatchObject({ injected: true, orphan: [] });
  });

  it("tells one that lacks what its model has, and one whose model is gone", () => {
    const bare = pod(objectOf(listOf(at(GOOD, "spec", "template", "roles"))[0]));
    expect(podEntry(bare, onlyForPods(completed(GOOD), oneText()), holds).notInjected).toMatchObject({
      missed: true,
    });
    expect(podEntry(bare, undefined, holds).orphan).toEqual(["its ModelServing m is not there"]);
  });
});

describe("policy reports", () => {
  const one = (change: Partial<AuditEntry>): AuditEntry => ({ ...entry(completed(GOOD)), ...change });
  const reports = (entries: AuditEntry[]) =>
    policyReports({ about: "", proposed: undefined, entries, unreadable: [] }, 0) as {
      metadata: { name: string };
      summary: object;
      results: { rule?: string; result: string; scored: boolean }[];
    }[];

  it("tell what is right, missed, old, alone or exempted", () => {
    const [report] = reports([
      one({}),
      one({ notInjected: { why: "nobody asked", missed: true } }),
      one({ older: true, orphan: ["it selects no ModelServing"], exempted: ["npu/parallel-size"] }),
    ]);
    expect(report?.results.map(({ rule, result }) => `${result} ${rule}`)).toEqual([
      "pass undefined",
      "fail injection/missed",
      "warn defaults/older",
      "warn counterpart/missing",
      "skip npu/parallel-size",
    ]);
    expect(report?.results.map(({ scored }) => scored)).toEqual([true, true, false, false, true]);
    expect(report?.summary).toEqual({ pass: 1, fail: 1, warn: 2, error: 0, skip: 1 });
  });

  it("are several where there is more than an object can hold", () => {
    const all = reports(Array.from({ length: 900 }, () => one({})));
    expect(all.map(({ metadata, results }) => [metadata.name, results.length])).toEqual([
      ["kthena-ascend-audit", 400],
      ["kthena-ascend-audit-2", 400],
      ["kthena-ascend-audit-3", 100],
    ]);
  });
});

describe("how far an audit is", () => {
  const resource = (plural: string) => ({ group: "", version: "v1", plural, kind: "K", namespaced: true });
  const [servings, routes] = [resource("modelservings"), resource("modelroutes")];

  it("is told over all objects that the API server counts, and by number where it counts none", async () => {
    const lists: Record<string, object> = {
      modelservings: { items: [{}], metadata: { continue: "next", remainingItemCount: 3 } },
      modelroutes: { items: [], metadata: {} },
    };
    const list = async ({ plural }: { plural: string }) => ({ ok: true, value: lists[plural] }) as never;
    const shown: string[] = [];
    const progress = await progressBar({ list }, [servings, routes], {}, (line) => shown.push(line));
    progress.done(servings, 1);
    progress.done(servings, 4);
    progress.done(resource("pods"), 7);
    progress.over();
    expect(shown).toEqual([
      "counting",
      `[${"=".repeat(6)}${" ".repeat(18)}] modelservings: 1 of 4`,
      `[${"=".repeat(24)}] modelservings: 5 of 5`,
      `[${"=".repeat(24)}] pods: 7`,
      "",
    ]);
  });
});

describe("audit of files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
    const objects = [
      completed(GOOD),
      { ...lean('["-tp", "two"]'), metadata: { name: "x<&y", namespace: "other" } },
    ];
    await writeFile(join(folder, "all.yaml"), objects.map((one) => stringify(one)).join("---\n"));
    await writeFile(join(folder, "new.yaml"), `${HEAD}hccl: {socketIfname: bond0}\n`);
    await writeFile(join(folder, "broken.yaml"), "a: [\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = async (change: Partial<AuditOptions> = {}, name = "all.yaml") => {
    const console = recordingConsole();
    const none = {
      source: { from: "default" as const },
      userAgent: "",
      release: "",
      releaseNamespace: undefined,
    };
    const code = await audit(
      {
        files: [join(folder, name)],
        recursive: false,
        namespace: undefined,
        defaults: [],
        current: [],
        against: false,
        diff: false,
        all: false,
        output: "table",
        failOn: "refused",
        color: "never",
        progress: true,
        cluster: none,
        ...change,
      },
      console,
      () => Date.parse("2026-06-01T00:00:00.250Z"),
    );
    return { code, out: console.output, err: console.errors };
  };

  it("ends with 1 where something is refused, with 2 where something cannot be read", async () => {
    expect(await run()).toMatchObject({ code: 1 });
    expect(await run({ failOn: "never" })).toMatchObject({ code: 0 });
    const broken = await run({}, "broken.yaml");
    expect(broken.code).toBe(2);
    expect(broken.err).toContain("is no YAML");
  });

  it("says how the defaults in force are given, where none are", async () => {
    expect((await run()).out).toContain("give those in force with --current FILE");
  });

  it("shows a table, and what new defaults would restart in which namespace", async () => {
    const { out } = await run({ defaults: [join(folder, "new.yaml")], diff: true });
    expect(out).toContain("2 objects: 1 refused");
    expect(out).toMatch(/kthena\/generated-name: .*\n {6}fix: /);
    expect(out).toContain("a refresh would make 3 additions otherwise and restart 6 pods with 24 NPUs");
    expect(out).toContain("A refresh would restart 6 pods with 24 NPUs of 1 model in 1 namespace.");
    expect(out).toMatch(/\+ server: .*HCCL_SOCKET_IFNAME.*bond0.*hccl\.socketIfname/);
  });

  it("is the same as JSON and YAML", async () => {
    const json = JSON.parse((await run({ output: "json" })).out);
    expect(json).toMatchObject({ kind: "AuditReport", counts: { objects: 2, refused: 1 } });
    expect(parse((await run({ output: "yaml" })).out)).toEqual(json);
    expect(json.items[1]).toMatchObject({ file: join(folder, "all.yaml"), line: expect.any(Number) });
  });

  it("judges what a ModelBooster among them owns as its owner asks for it", async () => {
    const owner = { kind: "ModelBooster", name: "b", uid: "u" };
    const apiVersion = "workload.serving.volcano.sh/v1alpha1";
    const annotations = { "kthena-ascend.io/inject": "false" };
    const own = { name: "o", namespace: "models", uid: "s", ownerReferences: [{ apiVersion, ...owner }] };
    const objects = [
      { ...GOOD, metadata: own },
      {
        apiVersion,
        kind: "ModelBooster",
        metadata: { ...owner, namespace: "models", annotations },
        spec: {},
      },
    ];
    await writeFile(join(folder, "owned.yaml"), objects.map((one) => stringify(one)).join("---\n"));
    const { items } = JSON.parse((await run({ output: "json" }, "owned.yaml")).out);
    expect(items[0].notInjected).toEqual({ why: 'kthena-ascend.io/inject is "false"', missed: false });
  });

  it("is JUnit and SARIF for pipelines, whatever objects are called", async () => {
    const { out } = await run({ output: "junit" });
    expect(out).toContain('<testsuite name="other" tests="1" failures="1">');
    expect(out).toContain("ModelServing x&lt;&amp;y");
    const sarif = JSON.parse((await run({ output: "sarif" })).out);
    const [first] = sarif.runs[0].results;
    expect(first).toMatchObject({ level: "error", ruleId: expect.stringContaining("/") });
    expect(first.locations[0].logicalLocations[0].fullyQualifiedName).toBe("other/ModelServing/x<&y");
  });

  it("is a PolicyReport a namespace, with a result for each finding", async () => {
    const { out } = await run({ output: "policyreport" });
    const [models, other] = parseAllDocuments(out).map((one) => one.toJS());
    expect(models).toMatchObject({
      apiVersion: "wgpolicyk8s.io/v1alpha2",
      kind: "PolicyReport",
      metadata: { name: "kthena-ascend-audit", namespace: "models" },
      summary: { pass: 0, fail: 0, warn: 1, error: 0, skip: 0 },
    });
    const resource = { apiVersion: GOOD.apiVersion, kind: "ModelServing", namespace: "other", name: "x<&y" };
    expect(other.summary.fail).toBeGreaterThan(0);
    expect(other.results[0]).toMatchObject({
      source: "kthena-ascend",
      rule: "kthena/generated-name",
      category: "kthena",
      result: "fail",
      severity: "high",
      resources: [resource],
      timestamp: { seconds: 1_780_272_000, nanos: 0 },
    });
  });

  it("is one page that needs nothing else, in which objects are text and no script runs but its own", async () => {
    const { out } = await run({ output: "html", defaults: [join(folder, "new.yaml")], diff: true });
    expect(out).toContain('<td data-label="Name" class="m">x&lt;&amp;y</td>');
    expect(out).not.toMatch(/<(?:link|img|script src)|https?:/);
    const script = /<script>([\s\S]*)<\/script>/.exec(out)?.[1] ?? "";
    const hash = createHash("sha256").update(script).digest("base64");
    expect(out).toContain(`script-src 'sha256-${hash}'`);
    expect(out).toContain("A refresh would restart 6 pods with 24 NPUs.");
    expect(out.match(/<tr data-verdict/g)).toHaveLength(2);
  });

  const CHROMIUM = "/usr/bin/chromium";

  it.skipIf(!existsSync(CHROMIUM))(
    "is sorted and filtered by a real browser",
    { timeout: 60_000 },
    async () => {
      const { out } = await run({ output: "html", defaults: [join(folder, "new.yaml")] });
      const page = join(folder, "audit.html");
      // The page's own policy lets no other script run, so the one that plays its reader stands in a copy without it.
      const reader =
        "const {text,sort}=document.forms[0].elements;sort.value='3';sort.dispatchEvent(new Event('change'));" +
        "document.title=[...document.querySelectorAll('#objects tbody tr')].map(row=>row.dataset.verdict);" +
        "const heads=document.querySelectorAll('#objects th button');heads[7].click();heads[7].click();" +
        "text.value='x<&y refused';text.dispatchEvent(new Event('input',{bubbles:true}));";
      const copy = out.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
      await writeFile(page, copy.replace("</body>", `<script>${reader}</script></body>`));
      const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
      const quiet = [
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        `--user-data-dir=${folder}/c`,
      ];
      const { stdout } = await promisify(execFile)(CHROMIUM, [
        ...flags,
        ...quiet,
        "--dump-dom",
        `file://${page}`,
      ]);
      // By verdict: what a person has to see to first.
      expect(stdout).toContain("<title>refused,admitted</title>");
      expect(stdout).toContain("<output>1 of 2</output>");
      const rows = [...stdout.matchAll(/<tr data-verdict="(\w+)"[^>]*?( hidden="")?>/g)].map(
        ([, verdict, hidden]) => [verdict, hidden !== undefined],
      );
      expect(rows).toEqual([
        ["admitted", true],
        ["refused", false],
      ]);
      expect(stdout).toContain('aria-sort="descending"');
    },
  );
});
