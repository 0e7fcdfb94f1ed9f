import { describe, expect, test } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/self-made.ts";
import { type Certificate, readCertificate } from "../../src/certs/x509.ts";
import type { CheckLine, Reading } from "../../src/commands/check/line.ts";
import { modelLines, modelSeen, selectorMatches } from "../../src/commands/check/models.ts";
import { nodeLines } from "../../src/commands/check/nodes.ts";
import { KTHENA_CRDS, platformLines } from "../../src/commands/check/platform.ts";
import { type ReplicasSeen, readyAddresses, replicaLines } from "../../src/commands/check/replicas.ts";
import { textLines } from "../../src/commands/check/report.ts";
import { suggestedDefaults } from "../../src/commands/check/suggest.ts";
import { trialLines } from "../../src/commands/check/trial.ts";
import { webhookLines } from "../../src/commands/check/webhooks.ts";
import { PLAIN } from "../../src/commands/terminal.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import type { AnyObject } from "../../src/kube/resource.ts";

const NOW = Date.parse("2026-06-01T00:00:00Z");

function known<T>(value: T): Reading<T> {
  return { known: true, value };
}

function bad(lines: readonly CheckLine[]): string[] {
  return lines.filter(({ level }) => level !== "ok").map(({ level, id, text }) => `${level} ${id}: ${text}`);
}

const RUNNING: ReplicasSeen = {
  release: "ka",
  namespace: "system",
  deployment: known<AnyObject>({
    metadata: { name: "ka" },
    spec: { replicas: 2 },
    status: { readyReplicas: 2 },
  }),
  service: known<AnyObject>({ metadata: { name: "ka" } }),
  readyEndpoints: known(2),
  images: known(
    new Map([
      ["a", "ka:1"],
      ["b", "ka:1"],
    ]),
  ),
  leases: known([
    {
      metadata: { name: "ka-defaults" },
      spec: { holderIdentity: "a", renewTime: new Date(NOW - 2_000).toISOString() },
    },
  ]),
  defaults: known({ problems: [], lastGood: false }),
  skewMs: 0,
  now: NOW,
};

describe("replicas", () => {
  test("that run have nothing to tell", () => {
    expect(bad(replicaLines(RUNNING))).toEqual([]);
  });

  const ROWS: [string, Partial<ReplicasSeen>, RegExp][] = [
    [
      "no Deployment",
      { deployment: known(undefined) },
      /^error replicas\/ready: Deployment system\/ka is not there/,
    ],
    [
      "no replica Ready",
      { deployment: known({ metadata: { name: "ka" }, spec: { replicas: 2 }, status: {} }) },
      /^error replicas\/ready: 0 of 2 replicas are Ready/,
    ],
    [
      "one of two Ready",
      {
        deployment: known({ metadata: { name: "ka" }, spec: { replicas: 2 }, status: { readyReplicas: 1 } }),
      },
      /^warning replicas\/ready: 1 of 2/,
    ],
    [
      "a single replica",
      {
        deployment: known({ metadata: { name: "ka" }, spec: { replicas: 1 }, status: { readyReplicas: 1 } }),
      },
      /^warning replicas\/ready: 1 of 1/,
    ],
    ["no endpoint", { readyEndpoints: known(0) }, /^error service\/endpoints: .* has no ready endpoint/],
    [
      "two versions",
      {
        images: known(
          new Map([
            ["a", "ka:1"],
            ["b", "ka:2"],
          ]),
        ),
      },
      /^warning replicas\/version: replicas run different images: ka:1, ka:2/,
    ],
    [
      "a Lease that nobody renews",
      {
        leases: known([
          {
            metadata: { name: "ka-certs" },
            spec: { holderIdentity: "a", renewTime: new Date(NOW - 300_000).toISOString() },
          },
        ]),
      },
      /^error replicas\/leader: Lease ka-certs was renewed 300 s ago by a/,
    ],
    [
      "a Lease that nobody holds",
      { leases: known([{ metadata: { name: "ka-certs" }, spec: { holderIdentity: "" } }]) },
      /^error replicas\/leader: nobody holds Lease ka-certs/,
    ],
    [
      "defaults that are wrong",
      { defaults: known({ problems: ["line 3: no setting"], lastGood: true }) },
      /^warning defaults\/in-force: the last good defaults are in force, since line 3/,
    ],
    [
      "no defaults at all",
      { defaults: known({ problems: ["the document is missing"], lastGood: false }) },
      /^error defaults\/in-force: the document is missing/,
    ],
    ["clocks that differ", { skewMs: -120_000 }, /^warning clock: the API server's clock is 120 s behind/],
    [
      "what may not be read",
      { leases: { known: false, why: "403 Forbidden" } },
      /^warning replicas\/leader: Leases could not be read: 403 Forbidden/,
    ],
  ];

  test.each(ROWS)("%s is told", (_what, change, wanted) => {
    const lines = bad(replicaLines({ ...RUNNING, ...change }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(wanted);
  });

  test("addresses that are not ready are no endpoints", () => {
    const slice = {
      metadata: { name: "s" },
      endpoints: [{ addresses: ["1"] }, { addresses: ["2"], conditions: { ready: false } }],
    };
    expect(readyAddresses([slice])).toBe(1);
  });
});

describe("certificates", async () => {
  const service = { name: "ka", namespace: "system" };
  const ca = await issueCa("ka", 10);
  const other = await issueCa("other", 10);
  const leaf = async (days: number, dnsNames = ["ka.system.svc"]): Promise<Certificate> => {
    const certificate = readCertificate((await issueLeaf(ca, { dnsNames, days })).cert);
    if (!certificate) throw new Error("no certificate");
    return certificate;
  };
  const entry = (verb: string, resource: string, caBundle: string) => ({
    name: `${verb}.${resource}.kthena-ascend.io`,
    failurePolicy: "Fail",
    timeoutSeconds: 5,
    clientConfig: { service, caBundle: Buffer.from(caBundle).toString("base64") },
    rules: [{ apiGroups: ["*"], resources: [resource], operations: ["CREATE", "UPDATE"] }],
  });
  const configuration = (verb: string, caBundle: string): Reading<AnyObject> =>
    known({
      metadata: { name: "ka" },
      webhooks: ["modelservings", "modelboosters", "modelservers", "modelroutes"].map((resource) =>
        entry(verb, resource, caBundle),
      ),
    } as unknown as AnyObject);
  const lines = (certificate: Certificate, bundle: string, now = Date.now()) =>
    bad(
      webhookLines({
        release: "ka",
        service,
        mutating: configuration("mutate", bundle),
        validating: configuration("validate", ca.cert),
        served: known({ certificate, intermediates: [], seen: "wire" as const }),
        others: known([]),
        now,
      }),
    );

  test("that are trusted and last have nothing to tell", async () => {
    expect(lines(await leaf(90), ca.cert)).toEqual([]);
  });

  test("that a bundle does not trust are told, with the webhooks", async () => {
    const [first, ...more] = lines(await leaf(90), other.cert);
    expect(more).toEqual([]);
    expect(first).toMatch(
      /^error webhooks\/ca-bundle: MutatingWebhookConfiguration ka: mutate\.modelservings/,
    );
    expect(lines(await leaf(90), "")[0]).toContain("has no caBundle");
  });

  test("that expire soon, have expired or are for another name are told", async () => {
    expect(lines(await leaf(3), ca.cert)[0]).toMatch(/^warning certificate\/life: .* expires in [23] days/);
    expect(lines(await leaf(90), ca.cert, Date.now() + 100 * 86_400_000)[0]).toMatch(
      /^error certificate\/life: .* expired/,
    );
    expect(lines(await leaf(90, ["x.y.svc"]), ca.cert)[0]).toMatch(
      /^error certificate\/names: .* is not for ka\.system\.svc/,
    );
  });
});

test("an old API server, missing CRDs and a missing Volcano are told", () => {
  const crds = new Map(KTHENA_CRDS.map((name) => [name as string, known<AnyObject | undefined>(undefined)]));
  crds.set("podgroups.scheduling.volcano.sh", known<AnyObject | undefined>(undefined));
  const lines = platformLines({
    serverVersion: "v1.28.4",
    crds,
    queues: known([]),
    queue: "",
    schedulerName: "volcano",
  });
  expect(bad(lines).map((line) => line.split(":")[0])).toEqual([
    "error kubernetes/version",
    ...KTHENA_CRDS.map(() => "error kthena/crd"),
    "warning volcano/pod-groups",
  ]);
});

describe("nodes", () => {
  const node = (name: string, resource: string, count: number, labels = {}) => ({
    name,
    npus: new Map([[resource, count]]),
    labels,
  });
  const a3 = { resourceName: "huawei.com/ascend-1980", hardware: "a2", perNode: 8 };

  test("without NPUs, and with more than the hardware has, are told", () => {
    expect(bad(nodeLines(known([{ name: "n", npus: new Map(), labels: {} }]), a3))[0]).toMatch(
      /^error nodes\/npus/,
    );
    expect(bad(nodeLines(known([node("n", "huawei.com/ascend-1980", 16)]), a3))[0]).toMatch(
      /^warning nodes\/hardware/,
    );
  });

  test("of two pools give a document with a selector, which is a good one", () => {
    const text = suggestedDefaults([
      node("a", "huawei.com/Ascend910", 8, { pool: "a2" }),
      node("b", "huawei.com/Ascend910", 8, { pool: "a2" }),
      node("c", "huawei.com/Ascend910", 16, { pool: "a3" }),
    ]);
    expect(text).toContain("platform: mindcluster\nhardware: a2\n");
    expect(text).toContain("pool: a3");
    expect(parseDefaults(text ?? "", "suggested")).toMatchObject({ ok: true });
    expect(suggestedDefaults([])).toBeUndefined();
  });
});

test("models with NPUs that nobody completed are told, those that opted out are not", () => {
  const model = (name: string, annotations: Record<string, string>, asks: boolean) =>
    modelSeen({ metadata: { name, namespace: "m", annotations } }, asks);
  const models = known([
    model("done", { "kthena-ascend.io/injected": "{}" }, true),
    model("forgotten", {}, true),
    model("own", { "kthena-ascend.io/inject": "false" }, true),
    model("gpu", {}, false),
  ]);
  const lines = bad(modelLines({ namespaces: known([]), models, selected: () => true }));
  expect(lines).toEqual([
    "warning models/not-injected: 1 of 4 models have NPUs but nothing was injected: m/forgotten",
  ]);
});

test("label selectors are read as Kubernetes reads them", () => {
  const selector = {
    matchLabels: { a: "1" },
    matchExpressions: [
      { key: "b", operator: "NotIn", values: ["x"] },
      { key: "c", operator: "Exists" },
      { key: "d", operator: "DoesNotExist" },
    ],
  };
  expect(selectorMatches(selector, { a: "1", c: "" })).toBe(true);
  expect(selectorMatches(selector, { a: "1", b: "x", c: "" })).toBe(false);
  expect(selectorMatches(selector, { a: "1", c: "", d: "" })).toBe(false);
  expect(selectorMatches(undefined, {})).toBe(true);
});

test("a trial that the API server could not have judged says that the webhook cannot be called", () => {
  const failure = {
    code: 500,
    reason: "InternalError",
    message: "failed calling webhook mutate.x: no endpoints",
  };
  const lines = trialLines(
    { namespace: "default", good: { ok: false, failure }, bad: { ok: false, failure } },
    false,
  );
  expect(lines.map(({ level }) => level)).toEqual(["error", "error"]);
});

test("what is short leaves out what is as it should be, and counts it", () => {
  const lines: CheckLine[] = [
    { id: "a", level: "ok", text: "fine" },
    { id: "b", level: "error", text: "wrong", hint: "mend it", page: "deploy/README.md#install" },
  ];
  expect(textLines(lines, PLAIN, true)).toEqual([
    "× wrong (b)",
    "    mend it",
    "    see deploy/README.md#install",
    "1 ok, 0 warnings, 1 error.",
  ]);
});
