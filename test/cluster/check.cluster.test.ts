import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHART } from "../../deploy/manifest.ts";
import { check } from "../../src/commands/check/check.ts";
import type { CheckLine } from "../../src/commands/check/line.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { installQueue, playControllers } from "./installation/played.ts";
import { eventually } from "./manifest-user.ts";
import {
  CONFIGURATIONS,
  type Product,
  RELEASE,
  RELEASE_NAMESPACE,
  startProduct,
  withoutWebhooks,
} from "./product.ts";

/** `kthena-ascend check` on an installation that works, and on one that was broken in many ways. */

let product: Product;

beforeAll(async () => {
  product = await startProduct({
    crdFolders: [crdFolder(), podGroupCrdFolder()],
    values: ["defaults.scheduling.queue=default"],
  });
  await installQueue(product.plane, "default");
  await playControllers(product.plane);
});

afterAll(async () => {
  await product?.stop();
});

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { stdout } = await product.plane.kubectl(args, input === undefined ? {} : { input });
  return stdout;
}

interface Seen {
  code: number;
  /** Ids of lines that are not ok, with their level. */
  problems: string[];
  texts: string;
  /** What is said to do, by the lines of `problems`. */
  hints: Record<string, string>;
}

async function checked(extra: Partial<Parameters<typeof check>[0]> = {}, now = Date.now): Promise<Seen> {
  const console = recordingConsole();
  const code = await check(
    {
      source: { from: "file", file: product.plane.kubeconfig },
      userAgent: "test",
      release: RELEASE,
      releaseNamespace: undefined,
      pre: false,
      suggest: false,
      waitSeconds: 0,
      trialNamespace: "default",
      output: "json",
      color: "never",
      ...extra,
    },
    console,
    now,
  );
  if (extra.suggest || extra.output === "text")
    return { code, problems: [], texts: console.output, hints: {} };
  const { checks } = JSON.parse(console.output) as { checks: CheckLine[] };
  const bad = checks.filter(({ level }) => level !== "ok");
  return {
    code,
    problems: bad.map(({ id, level }) => `${level} ${id}`),
    texts: bad.map(({ text }) => text).join("\n"),
    hints: Object.fromEntries(bad.map(({ id, level, hint = "" }) => [`${level} ${id}`, hint])),
  };
}

/** A breakage: what it does, what check must tell of it, and what following the hint comes to here. */
interface Breakage {
  damage: () => Promise<unknown>;
  /** Level and id of the line. */
  line: string;
  text: RegExp;
  /** What the line says to do. */
  hint: RegExp;
  /** Does it. */
  follow: () => Promise<unknown>;
}

/** Breaks something, looks for the line that says so, does what its hint says, and wants all well then. */
async function broken({ damage, line, text, hint, follow }: Breakage): Promise<void> {
  await damage();
  try {
    const seen = await eventually(
      `check tells ${line}`,
      () => checked(),
      ({ problems }) => problems.includes(line),
      30_000,
    );
    expect(seen.texts).toMatch(text);
    expect(seen.hints[line]).toMatch(hint);
    expect(seen.code).toBe(seen.problems.some((one) => one.startsWith("error")) ? 1 : 0);
  } finally {
    await follow();
  }
  await eventually(
    "all is well again",
    () => checked(),
    ({ problems }) => problems.length === 0,
    60_000,
  );
}

/** What many hints say: the chart as it was installed brings back what somebody took away or changed. */
const upgraded = (...values: string[]) => {
  const set = values.flatMap((value) => ["--set", value]);
  const args = [
    RELEASE,
    CHART,
    `--namespace=${RELEASE_NAMESPACE}`,
    "--reuse-values",
    "--force-conflicts",
    ...set,
  ];
  return product.plane.helm(["upgrade", ...args]);
};
const UPGRADE = /helm upgrade \(Helm 4 with --force-conflicts\), or kubectl apply of install\.yaml, brings/;

test("an installation that works has nothing to tell, and ends with 0", async () => {
  const seen = await eventually(
    "nothing is wrong",
    () => checked(),
    ({ problems }) => problems.length === 0,
  );
  expect(seen.code).toBe(0);
  const { texts } = await checked({ output: "text" });
  expect(texts).toContain("comes back complete");
  expect(texts).toContain("trusts the certificate that is served");
});

test("to somebody without rights it says what could not be read, and calls none of it wrong", async () => {
  await kubectl(["create", "serviceaccount", "nobody", "-n=default"]);
  const token = (await kubectl(["create", "token", "nobody", "-n=default"])).trim();
  const file = join(product.plane.folder, "nobody.yaml");
  await writeFile(file, await kubectl(["config", "view", "--raw", "--minify", "--flatten"]));
  const name = (await kubectl(["config", "view", "--minify", "-o=jsonpath={.users[0].name}"])).trim();
  await kubectl(["config", "delete-user", name, `--kubeconfig=${file}`]);
  await kubectl(["config", "set-credentials", name, `--token=${token}`, `--kubeconfig=${file}`]);
  const seen = await checked({ source: { from: "file", file } });
  expect(seen.code).toBe(0);
  expect(seen.problems).toContain("warning defaults/in-force");
  expect(seen.problems.filter((line) => line.startsWith("error"))).toEqual([]);
  expect(seen.hints["warning defaults/in-force"]).toMatch(/ask for the right to read it/);
});

test("before an installation it looks at what that needs", async () => {
  expect(await checked({ pre: true })).toMatchObject({ code: 0, problems: [] });
});

test("it suggests the defaults that fit the nodes", async () => {
  const { texts } = await checked({ suggest: true });
  expect(texts).toContain("platform: cce\n");
});

const CONFIGURATION = ["mutatingwebhookconfiguration", RELEASE] as const;
const patchConfiguration = (operations: object[]) =>
  kubectl(["patch", ...CONFIGURATION, "--type=json", "-p", JSON.stringify(operations)]);
const webhooksNow = async () => JSON.parse(await kubectl(["get", ...CONFIGURATION, "-o", "json"])).webhooks;

describe("tells of a webhook configuration", () => {
  test("that is not there", () =>
    broken({
      damage: () => kubectl(["delete", ...CONFIGURATION]),
      line: "error webhooks/configuration",
      text: /is not there: models are stored as they are applied/,
      hint: UPGRADE,
      follow: upgraded,
    }));

  test("that lacks a webhook", () =>
    broken({
      damage: () => patchConfiguration([{ op: "remove", path: "/webhooks/0" }]),
      line: "error webhooks/configuration",
      text: /lacks mutate\.modelservings\.kthena-ascend\.io/,
      hint: UPGRADE,
      follow: upgraded,
    }));

  test("that is not called for updates", () =>
    broken({
      damage: () =>
        patchConfiguration([{ op: "replace", path: "/webhooks/0/rules/0/operations", value: ["CREATE"] }]),
      line: "error webhooks/rules",
      text: /is called for CREATE, not for CREATE and UPDATE/,
      hint: UPGRADE,
      follow: upgraded,
    }));

  test("that lets requests pass while nobody answers", () =>
    broken({
      damage: () =>
        patchConfiguration([{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }]),
      line: "warning webhooks/failure-policy",
      text: /takes the NPUs from a running model/,
      hint: /helm upgrade --set webhooks\.failurePolicy=Fail \(Helm 4 with --force-conflicts\)/,
      follow: () => upgraded("webhooks.failurePolicy=Fail"),
    }));

  test("that may keep requests waiting for long", () =>
    broken({
      damage: () => patchConfiguration([{ op: "replace", path: "/webhooks/0/timeoutSeconds", value: 30 }]),
      line: "warning webhooks/timeout",
      text: /mutate\.modelservings\.kthena-ascend\.io may take 30 s/,
      hint: /helm upgrade --set webhooks\.timeoutSeconds=5 \(Helm 4 with --force-conflicts\)/,
      follow: () => upgraded("webhooks.timeoutSeconds=5"),
    }));

  test("that leaves namespaces out", async () => {
    const [{ namespaceSelector }] = await webhooksNow();
    const select = (value: object) =>
      patchConfiguration([{ op: "add", path: "/webhooks/0/namespaceSelector", value }]);
    await broken({
      damage: () => select({ matchLabels: { npu: "yes" } }),
      line: "error trial/injected",
      text: /comes back as it was sent[\s\S]*not called for models in default/,
      hint: /look at its namespaceSelector/,
      follow: () => select(namespaceSelector),
    });
  });

  test("that leads to another Service", () =>
    broken({
      damage: async () =>
        patchConfiguration(
          (await webhooksNow()).map((_webhook: unknown, index: number) => ({
            op: "replace",
            path: `/webhooks/${index}/clientConfig/service/name`,
            value: "elsewhere",
          })),
        ),
      line: "error webhooks/ca-bundle",
      text: /leads to another Service/,
      hint: UPGRADE,
      follow: upgraded,
    }));
});

test("tells of another webhook that changes models", () =>
  broken({
    damage: () =>
      kubectl(
        ["create", "-f", "-"],
        JSON.stringify({
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "MutatingWebhookConfiguration",
          metadata: { name: "sidecars-of-others" },
          webhooks: [
            {
              name: "inject.example.com",
              clientConfig: { url: "https://127.0.0.1:1/x" },
              admissionReviewVersions: ["v1"],
              sideEffects: "None",
              failurePolicy: "Ignore",
              objectSelector: { matchLabels: { nobody: "has-this" } },
              rules: [
                {
                  apiGroups: ["*"],
                  apiVersions: ["*"],
                  operations: ["CREATE"],
                  resources: ["*"],
                },
              ],
            },
          ],
        }),
      ),
    line: "warning webhooks/others",
    text: /sidecars-of-others \(inject\.example\.com\)/,
    hint: /exclude models from them/,
    // As specific as its owner wants it: any resources but models.
    follow: () => {
      const value = ["pods"];
      const patch = JSON.stringify([{ op: "replace", path: "/webhooks/0/rules/0/resources", value }]);
      return kubectl([
        "patch",
        "mutatingwebhookconfiguration",
        "sidecars-of-others",
        "--type=json",
        "-p",
        patch,
      ]);
    },
  }));

test("tells of a Service that is not there", async () => {
  const kept = JSON.parse(
    await kubectl(["get", "service", RELEASE, `-n=${RELEASE_NAMESPACE}`, "-o", "json"]),
  );
  const { name, namespace, labels } = kept.metadata;
  await broken({
    damage: () => kubectl(["delete", "service", RELEASE, `-n=${RELEASE_NAMESPACE}`]),
    line: "error service/endpoints",
    text: /Service kthena-ascend-system\/kthena-ascend is not there/,
    hint: UPGRADE,
    // With the address that it had: it is the one that replicas of a test are reached at.
    follow: () =>
      kubectl(["create", "-f", "-"], JSON.stringify({ ...kept, metadata: { name, namespace, labels } })),
  });
});

describe("tells of replicas", () => {
  const LOOK = /kubectl -n kthena-ascend-system get pods, and the log of one, say why/;
  const ready = (readyReplicas: number) => {
    const status = JSON.stringify({ status: { replicas: 2, readyReplicas } });
    const at = `-n=${RELEASE_NAMESPACE}`;
    return kubectl([
      "patch",
      "deployment",
      RELEASE,
      at,
      "--subresource=status",
      "--type=merge",
      "-p",
      status,
    ]);
  };

  test("of which one is gone", () =>
    broken({
      damage: () => ready(1),
      line: "warning replicas/ready",
      text: /1 of 2 replicas are Ready/,
      hint: LOOK,
      follow: () => ready(2),
    }));

  test("of which none is Ready", () =>
    broken({
      damage: () => ready(0),
      line: "error replicas/ready",
      text: /0 of 2 replicas are Ready/,
      hint: LOOK,
      follow: () => ready(2),
    }));

  test("of which one runs another version", () => {
    const pod = (name: string, version: string) => {
      const labels = { "app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/name": "kthena-ascend" };
      const containers = [{ name: "webhook", image: `kthena-ascend:${version}` }];
      const metadata = { name, namespace: RELEASE_NAMESPACE, labels };
      return kubectl(
        ["create", "-f", "-"],
        JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers } }),
      );
    };
    const gone = (...names: string[]) =>
      kubectl(["delete", "pod", ...names, `-n=${RELEASE_NAMESPACE}`, "--force", "--grace-period=0"]);
    return broken({
      damage: async () => {
        await pod("new-replica", "0.2.0");
        await pod("old-replica", "0.1.0");
      },
      line: "warning replicas/version",
      text: /replicas run different images: kthena-ascend:0\.2\.0, kthena-ascend:0\.1\.0/,
      hint: /during an upgrade that is as it should be; otherwise look at the Deployment's rollout/,
      follow: () => gone("old-replica"),
    });
  });

  test("that the Service does not lead to", () => {
    const endpoint = (is: boolean) => {
      const endpoints = [{ addresses: ["10.0.0.1"], conditions: { ready: is } }];
      const patch = JSON.stringify({ endpoints });
      const slice = ["endpointslice", `${RELEASE}-1`, `-n=${RELEASE_NAMESPACE}`];
      return kubectl(["patch", ...slice, "--type=merge", "-p", patch]);
    };
    return broken({
      damage: () => endpoint(false),
      line: "error service/endpoints",
      text: /has no ready endpoint/,
      hint: /compare its selector with the labels of the pods, and see whether they are Ready/,
      follow: () => endpoint(true),
    });
  });
});

test("tells of a Volcano that is not there", () =>
  broken({
    damage: () => kubectl(["delete", "crd", "podgroups.scheduling.volcano.sh"]),
    line: "warning volcano/pod-groups",
    text: /Volcano is not there/,
    hint: /install Volcano, or set scheduling\.schedulerName in the defaults/,
    follow: () => kubectl(["apply", "--server-side", "-f", podGroupCrdFolder()]),
  }));

test("tells of models that were stored while nobody asked the webhook", () => {
  const resources = { limits: { "huawei.com/ascend-1980": "8" } };
  const spec = { containers: [{ name: "vllm", image: "engine:1", resources }] };
  const role = { name: "server", replicas: 1, workerReplicas: 0, entryTemplate: { spec } };
  const model = JSON.stringify({
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "forgotten", namespace: "default" },
    spec: { replicas: 1, template: { roles: [role] } },
  });
  return broken({
    damage: () =>
      withoutWebhooks(
        product.plane,
        CONFIGURATIONS,
        async () => void (await kubectl(["create", "-f", "-"], model)),
      ),
    line: "warning models/not-injected",
    text: /have NPUs but nothing was injected: default\/forgotten/,
    hint: /annotate kthena-ascend\.io\/inject=true \(their pods restart\), or "false" where that is meant/,
    follow: () =>
      kubectl(["annotate", "modelserving", "forgotten", "kthena-ascend.io/inject=true", "-n=default"]),
  });
});

test("tells of rights that the webhook's account lacks", () =>
  broken({
    damage: () =>
      kubectl(["patch", "clusterrole", RELEASE, "--type=json", "-p", '[{"op":"remove","path":"/rules/1"}]']),
    line: "error rights/account",
    text: /may not list namespaces, watch namespaces/,
    hint: UPGRADE,
    follow: upgraded,
  }));

test("tells of a clock that is not the API server's, and judges Leases by the API server's", async () => {
  const seen = await checked({}, () => Date.now() + 120_000);
  expect(seen).toMatchObject({ code: 0, problems: ["warning clock"] });
  expect(seen.texts).toMatch(/the API server's clock is 1[12]\d s behind this one/);
  expect(seen.hints["warning clock"]).toMatch(/set the one that is wrong/);
});

describe("tells of defaults", () => {
  const NAME = ["configmap", "kthena-ascend-defaults", `-n=${RELEASE_NAMESPACE}`] as const;
  const document = (more: string): string =>
    `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: cce\nhardware: a2\n${more}`;
  const write = (text: string) =>
    kubectl(["patch", ...NAME, "--type=merge", "-p", JSON.stringify({ data: { "defaults.yaml": text } })]);
  const mend = () => write(document("scheduling: {queue: default}\n"));

  test("that are wrong, and which hold in their place", () =>
    broken({
      damage: () =>
        withoutWebhooks(product.plane, CONFIGURATIONS, async () => void (await write(document("npu: 8\n")))),
      line: "warning defaults/in-force",
      text: /the last good defaults are in force, since .*npu/,
      hint: /mend the ConfigMap kthena-ascend-defaults: kthena-ascend defaults -d FILE says what is wrong/,
      follow: mend,
    }));

  test("whose queue is not there", () => {
    const queue = {
      apiVersion: "scheduling.volcano.sh/v1beta1",
      kind: "Queue",
      metadata: { name: "nobodys" },
    };
    return broken({
      damage: () => write(document("scheduling: {queue: nobodys}\n")),
      line: "error volcano/queue",
      text: /queue nobodys of the defaults is not there/,
      hint: /create the queue, or set scheduling\.queue in the defaults to one of default/,
      follow: () => kubectl(["create", "-f", "-"], JSON.stringify(queue)),
    });
  });

  test("whose resource no node publishes", () =>
    broken({
      damage: () => write(document("npu: {resourceName: huawei.com/Ascend910}\n")),
      line: "error nodes/resource-name",
      text: /no node publishes huawei\.com\/Ascend910/,
      hint: /kthena-ascend check --suggest prints a document that fits/,
      follow: async () => write((await checked({ suggest: true })).texts),
    }));
});

test("tells of a Namespace that is opted out", () =>
  broken({
    damage: () => kubectl(["annotate", "namespace", "kube-public", "kthena-ascend.io/inject=false"]),
    line: "warning namespaces/opted-out",
    text: /injection is off by annotation in kube-public/,
    hint: /remove kthena-ascend\.io\/inject from the Namespace/,
    follow: () => kubectl(["annotate", "namespace", "kube-public", "kthena-ascend.io/inject-"]),
  }));
