import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { findFiles, objectsOf, readManifests } from "../../src/commands/manifests/read.ts";
import { review } from "../../src/commands/review/review.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { merged, objectWith } from "../rules/judging.ts";
import { P2P, pd } from "../rules/kv-configs.ts";
import { eventually, type ManifestUser, metadataOf, userIn } from "./manifest-user.ts";
import { type Product, RELEASE_NAMESPACE, startProduct, withoutWebhooks } from "./product.ts";
import { SECOND_REFUSAL, startSecondWebhook } from "./second-webhook.ts";

let product: Product;

beforeAll(async () => {
  product = await startProduct({ scheduler: false, kwok: false });
});

afterAll(async () => {
  await product?.stop();
});

const npus = (count: string): string => `resources: {limits: {huawei.com/ascend-1980: "${count}"}}`;

/** What is refused, and what kubectl prints of it but for the name. */
const REFUSED: [string, JsonObject, string[]][] = [
  [
    "too many NPUs for a node",
    objectWith("container", npus("9")),
    [
      "container vllm of role server has 9 NPUs; one pod on a2 can have 1, 2, 3, 4, 5, 6, 7, 8; use 8 at most, or spread it over several pods with workerReplicas; or set the annotation kthena-ascend.io/hardware (npu/count-shape)",
    ],
  ],
  [
    "a part of an NPU",
    objectWith("container", npus("0.5")),
    [
      '"0.5" is a part of an NPU (container vllm of role server); write a whole number such as "1" (npu/whole-number)',
    ],
  ],
  [
    "larger parallel sizes",
    objectWith("container", `args: [-tp, "8"]\n${npus("4")}`),
    ["has 4 NPUs, but its arguments need 8 (tensor-parallel-size 8)"],
  ],
  [
    "too many NPUs that would be injected",
    objectWith("container", 'args: [-tp, "12"]'),
    ["(injected: engine arguments: tensor-parallel-size 12)"],
  ],
  [
    "an interface in HCCL's own form",
    objectWith("container", 'env: [{name: GLOO_SOCKET_IFNAME, value: "=eth0"}]'),
    ["a form that only HCCL knows", "(hccl/interface-syntax)"],
  ],
  [
    "a timeout out of range",
    objectWith("container", 'env: [{name: HCCL_CONNECT_TIMEOUT, value: "60"}]'),
    ['HCCL_CONNECT_TIMEOUT of container vllm of role server is "60", no whole number from 120 to 7200'],
  ],
  [
    "contradictory switches",
    objectWith(
      "container",
      'env: [{name: HCCL_INTRA_ROCE_ENABLE, value: "1"}, {name: HCCL_INTRA_PCIE_ENABLE, value: "1"}]',
    ),
    ["(hccl/fabric-switches)"],
  ],
  [
    "a KV configuration that is no JSON",
    objectWith("container", "args: [--kv-transfer-config, '{a: 1}']"),
    ["(kv/json)"],
  ],
  [
    "roles that disagree",
    objectWith(
      "spec",
      pd(P2P("kv_producer", {}, { prefill: { tp_size: 2, dp_size: 1 } }), P2P("kv_consumer")),
    ),
    ["(kv/roles-agree)"],
  ],
  [
    "a consumer that prefills",
    objectWith("spec", pd(P2P("kv_consumer"), P2P("kv_consumer"))),
    ["role prefill has kv_role kv_consumer; write kv_producer, or kv_both (kv/role-match)"],
  ],
  [
    "a label of Kthena's",
    objectWith(
      "template",
      "metadata: {labels: {modelserving.volcano.sh/role: other}}\nspec: {containers: [{name: vllm, image: i, command: [vllm, serve, m]}]}",
    ),
    ["(gang/reserved-labels)"],
  ],
  [
    "a number that becomes an exponent",
    objectWith(
      "backend",
      "workers: [{type: server, replicas: 1, pods: 1, config: {max-model-len: 1048576}}]",
    ),
    ["becomes `--max-model-len 1.048576e+06`"],
  ],
  [
    "half of a pair",
    objectWith("backend", "type: vLLMDisaggregated\nworkers: [{type: prefill, replicas: 1, pods: 1}]"),
    ["there is no worker for decode, so Kthena makes nothing of it"],
  ],
  ["what Kthena refuses too", objectWith("role", "name: Decode"), ["(kthena/role-name)"]],
];

/** The rules that refuse, in the order in which kubectl prints them. */
function rulesIn(stderr: string): string[] {
  const refusals = stderr.split("\n").filter((line) => !line.startsWith("Warning: "));
  return refusals.flatMap((line) => /\(([a-z]+\/[a-z-]+)\)$/.exec(line)?.[1] ?? []);
}

let users = 0;
function user(annotations: Record<string, string> = {}): Promise<ManifestUser> {
  users += 1;
  return userIn(product.plane, `policy-${users}`, annotations);
}

/** As a person writes it: in the namespace that kubectl is in. */
function manifest(object: JsonObject, name = "it"): JsonObject {
  const { namespace: _namespace, ...metadata } = metadataOf(object);
  return { ...object, metadata: { ...metadata, name } };
}

describe("kubectl prints as of the API server's own", () => {
  test.each(REFUSED)("%s", async (_what, object, texts) => {
    const person = await user();
    const refused = await person.try(["create", "-f", "-"], stringify(manifest(object)));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^The Model(?:Serving|Booster) "it" is invalid: /m);
    for (const text of texts) expect(refused.stderr).toContain(text);
    expect((await person.try(["get", "modelservings,modelboosters", "-o", "name"])).stdout).toBe("");
  });

  test("every problem at once, sorted by path, beside another webhook that refuses at once", async () => {
    const person = await user();
    await using _second = await startSecondWebhook(product.plane, person.namespace);
    const right = stringify(manifest(objectWith("container", npus("1"))));
    await eventually(
      "the second webhook",
      () => person.try(["create", "--dry-run=server", "-f", "-"], right),
      ({ stderr }) => stderr.includes(SECOND_REFUSAL),
    );
    const env = "env: [{name: HCCL_CONNECT_TIMEOUT, value: soon}, {name: HCCL_IF_IP, value: eth0}]";
    const wrong = stringify(manifest(objectWith("container", `${env}\n${npus("9")}`)));
    for (let time = 0; time < 5; time += 1) {
      const { stderr } = await person.try(["create", "-f", "-"], wrong);
      expect(rulesIn(stderr)).toEqual(["hccl/timeout", "hccl/if-ip", "npu/count-shape"]);
    }
  });
});

describe("the terminal", () => {
  test("shows a warning of an admission", async () => {
    const person = await user();
    const applied = await person.apply(
      manifest(objectWith("container", "securityContext: {privileged: true}")),
    );
    expect(applied.stderr).toContain(
      "container vllm of role server is privileged and sees the NPUs of other pods on its node; remove privileged: the device plugin hands out the allocated devices (npu/privileged)",
    );
    expect(applied.stdout).toContain("created");
  });

  test("tells of what only the cluster knows", async () => {
    const person = await user();
    // Where a namespace has no ModelServer yet, the one that is named may be the next to be applied.
    const other = parse(
      "apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelServer\nmetadata: {name: other}\nspec: {inferenceEngine: vLLM, workloadPort: {port: 8000}, workloadSelector: {matchLabels: {app: other}}}",
    ) as JsonObject;
    await person.apply(other);
    const route = parse(
      "apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelRoute\nmetadata: {name: it}\nspec: {modelName: m, rules: [{name: a, targetModels: [{modelServerName: nobody}]}]}",
    ) as JsonObject;
    expect((await person.apply(route)).stderr).toContain('there is no ModelServer "nobody" in namespace');
    const spec = "runtimeClassName: nothing, containers: [{name: vllm, image: i, command: [vllm, serve, m]}]";
    const classed = manifest(objectWith("template", `spec: {${spec}}`));
    expect((await person.apply(classed)).stderr).toContain('there is no RuntimeClass "nothing"');
  });

  test("never shows a secret", async () => {
    const person = await user();
    const secret = "sk-do-not-tell-4711";
    const script = `export API_KEY=${secret}\nexit $API_KEY\nvllm serve m --api-key ${secret}`;
    const object = objectWith("container", stringify({ command: ["bash", "-c", script] }));
    const refused = await person.try(["create", "-f", "-"], stringify(manifest(object)));
    expect(refused.stderr).toContain("(npu/unknown-count)");
    expect(refused.stderr).not.toContain(secret);
    for (const replica of product.installation.replicas) expect(await replica.log()).not.toContain(secret);
  });
});

describe("an update", () => {
  test("is not refused for what the stored object has too, and is for more", async () => {
    const person = await user();
    const wrong = manifest(objectWith("container", npus("9")));
    await withoutRule(person, () => person.apply(wrong));
    const labelled = await person.try(["label", "modelserving", "it", "team=a"]);
    expect(labelled).toMatchObject({ code: 0 });
    const image = JSON.stringify([
      { op: "add", path: "/spec/template/roles/0/entryTemplate/metadata", value: { labels: { a: "b" } } },
    ]);
    const patched = await person.try(["patch", "modelserving", "it", "--type=json", "-p", image]);
    expect(patched.code, patched.stderr).toBe(0);
    expect(patched.stderr).toContain("Warning: ");
    expect(patched.stderr).toContain("(npu/count-shape)");
    const more = await person.try(
      ["apply", "-f", "-"],
      stringify(manifest(objectWith("container", npus("10")))),
    );
    expect(more.stderr).toContain("has 10 NPUs");
    expect(more.code).toBe(1);
    expect(await person.try(["delete", "modelserving", "it"])).toMatchObject({ code: 0 });
  });

  test("is refused for what Kthena's own webhooks refuse, even where it is stored", async () => {
    const person = await user();
    const wrong = manifest(objectWith("role", "name: Decode"));
    await withoutWebhooks(
      product.plane,
      ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"],
      async () => {
        await person.apply(merged(wrong, {}));
      },
    );
    const image = JSON.stringify([
      { op: "add", path: "/spec/template/roles/0/entryTemplate/metadata", value: { labels: { a: "b" } } },
    ]);
    const patched = await person.try(["patch", "modelserving", "it", "--type=json", "-p", image]);
    expect(patched.stderr).toContain("(kthena/role-name)");
    expect(patched.code).toBe(1);
    expect(await person.try(["delete", "modelserving", "it"])).toMatchObject({ code: 0 });
  });
});

/** Does something while the namespace has the rule npu/count-shape turned off. */
async function withoutRule(person: ManifestUser, work: () => Promise<unknown>): Promise<void> {
  await setRules(person, "{npu/count-shape: off}");
  const wrong = stringify(manifest(objectWith("container", npus("9"))));
  const dry = () => person.try(["create", "--dry-run=server", "-f", "-"], wrong);
  await eventually("the rule to be off", dry, ({ code }) => code === 0);
  await work();
  await person.run(["delete", "configmap", "kthena-ascend-defaults"]);
  const other = stringify({ ...manifest(objectWith("container", npus("9")), "other") });
  await eventually(
    "the rule to be back",
    () => person.try(["create", "--dry-run=server", "-f", "-"], other),
    ({ code }) => code !== 0,
  );
}

function setRules(person: ManifestUser, rules: string): Promise<unknown> {
  const document = `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nrules: ${rules}\n`;
  const labels = { "kthena-ascend.io/defaults": "true" };
  return person.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kthena-ascend-defaults", labels },
    data: { "defaults.yaml": document },
  });
}

describe("the platform team", () => {
  test("sets severities for a namespace, but not of rules that guard the object", async () => {
    const person = await user();
    await setRules(person, "{npu/count-shape: warn}");
    const nine = stringify(manifest(objectWith("container", npus("9"))));
    const applied = await eventually(
      "the warning",
      () => person.try(["create", "--dry-run=server", "-f", "-"], nine),
      ({ code }) => code === 0,
    );
    expect(applied.stderr).toContain("(npu/count-shape)");
    const half = stringify(manifest(objectWith("container", npus("0.5"))));
    expect((await person.try(["create", "-f", "-"], half)).stderr).toContain("(npu/whole-number)");
  });

  test("is told at apply what is no rule and what cannot be weakened", async () => {
    const person = await user();
    const refused = await setRules(person, "{npu/count-shap: off, npu/whole-number: off}").then(
      () => "",
      (error: Error) => error.message,
    );
    expect(refused).toContain(
      'rules.npu/count-shap is no rule and no family of rules; did you mean "npu/count-shape"?',
    );
    expect(refused).toContain("rules.npu/whole-number cannot be off");
    const cluster = await product.plane.kubectl(
      [
        "patch",
        "configmap",
        "kthena-ascend-defaults",
        `--namespace=${RELEASE_NAMESPACE}`,
        "--type=merge",
        "-p",
        RULES_PATCH,
      ],
      { mayFail: true },
    );
    expect(cluster.stderr).toContain("rules.nothing/like-it is no rule");
  });

  test("sees in an annotation what was exempted, object by object", async () => {
    const person = await user();
    const nine = objectWith("container", npus("9"));
    const allowed = merged(nine, {
      metadata: { annotations: { "kthena-ascend.io/allow": "npu/count-shape" } },
    });
    expect((await person.apply(manifest(allowed))).stdout).toContain("created");
    const guarded = merged(objectWith("container", npus("0.5")), {
      metadata: { annotations: { "kthena-ascend.io/allow": "npu/whole-number" } },
    });
    const refused = await person.try(["create", "-f", "-"], stringify(manifest(guarded, "half")));
    expect(refused.stderr).toContain("(npu/whole-number)");
    expect(refused.stderr).toContain("cannot be allowed");
    const events = await eventually(
      "the audit annotation",
      () => product.plane.auditEvents(),
      (list) => JSON.stringify(list).includes("allowed"),
    );
    const noted = JSON.stringify(events);
    expect(noted).toMatch(/\/allowed":"npu\/count-shape"/);
  });
});

const RULES_PATCH = JSON.stringify({
  data: {
    "defaults.yaml":
      "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nrules: {nothing/like-it: off}\n",
  },
});

/** Kthena's own manifests, where its CRDs are in the folder beside them. */
const kthena = join(process.env.KTHENA_CRDS ?? "", "../examples");

test.skipIf(!process.env.KTHENA_CRDS || !existsSync(kthena))(
  "review offline and the API server give Kthena's examples the same verdicts",
  async () => {
    const console = recordingConsole();
    const options = {
      files: [kthena],
      defaults: [],
      namespaceDefaults: undefined,
      output: "json",
      explain: false,
      color: "never",
      recursive: true,
      namespace: undefined,
      failOn: "deny",
      factsFile: undefined,
      cluster: undefined,
    } as const;
    await review({ ...options, files: [...options.files], defaults: [] }, console);
    const verdicts = (JSON.parse(console.output).items as JsonObject[]).map(
      ({ file, name, verdict, findings }) => ({
        file,
        name,
        refused: verdict === "refused",
        denied: (findings as JsonObject[])
          .filter(({ severity }) => severity === "deny")
          .map(({ rule }) => rule),
      }),
    );
    const { files } = await findFiles([kthena]);
    const seen: typeof verdicts = [];
    for (const file of files) {
      const { manifests } = await readManifests(file, async () => "");
      for (const { object } of manifests.flatMap(objectsOf)) {
        const { namespace = "default", name } = metadataOf(object);
        await product.plane.kubectl(["create", "namespace", String(namespace)], { mayFail: true });
        const strict = ["create", "--dry-run=server", "--validate=ignore", "-f", "-"];
        const { code, stderr } = await product.plane.kubectl(strict, {
          mayFail: true,
          input: stringify(object),
        });
        const denied = rulesIn(stderr);
        seen.push({
          file,
          name: `${String(objectOf(object.metadata).namespace ?? "")}/${String(name)}`.replace(/^\//, ""),
          refused: code !== 0,
          denied,
        });
      }
    }
    expect(seen).toEqual(verdicts);
  },
);
