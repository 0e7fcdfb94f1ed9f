import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "../../src/commands/check/check.ts";
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
}

async function checked(extra: Partial<Parameters<typeof check>[0]> = {}): Promise<Seen> {
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
    Date.now,
  );
  if (extra.suggest || extra.output === "text") return { code, problems: [], texts: console.output };
  const { checks } = JSON.parse(console.output) as { checks: { id: string; level: string; text: string }[] };
  const bad = checks.filter(({ level }) => level !== "ok");
  return {
    code,
    problems: bad.map(({ id, level }) => `${level} ${id}`),
    texts: bad.map(({ text }) => text).join("\n"),
  };
}

/** Breaks something, looks for the line that says so, and mends it. */
async function broken(
  damage: () => Promise<unknown>,
  mend: () => Promise<unknown>,
  wanted: string,
  text: RegExp,
): Promise<void> {
  await damage();
  try {
    const seen = await eventually(
      `check tells ${wanted}`,
      () => checked(),
      ({ problems }) => problems.includes(wanted),
    );
    expect(seen.texts).toMatch(text);
    expect(seen.code).toBe(seen.problems.some((line) => line.startsWith("error")) ? 1 : 0);
  } finally {
    await mend();
  }
  await eventually(
    "all is well again",
    () => checked(),
    ({ problems }) => problems.length === 0,
    30_000,
  );
}

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

test("before an installation it looks at what that needs", async () => {
  expect(await checked({ pre: true })).toMatchObject({ code: 0, problems: [] });
});

test("it suggests the defaults that fit the nodes", async () => {
  const { texts } = await checked({ suggest: true });
  expect(texts).toContain("platform: cce\n");
});

const CONFIGURATION = ["mutatingwebhookconfiguration", RELEASE] as const;

async function withConfiguration(damage: (kept: string) => Promise<unknown>, wanted: string, text: RegExp) {
  const kept = await kubectl(["get", ...CONFIGURATION, "-o", "json"]);
  const { metadata, ...rest } = JSON.parse(kept);
  const { name, labels, annotations } = metadata;
  const again = JSON.stringify({ ...rest, metadata: { name, labels, annotations } });
  await broken(
    () => damage(kept),
    async () => {
      await kubectl(["delete", ...CONFIGURATION, "--ignore-not-found"]);
      await kubectl(["create", "-f", "-"], again);
    },
    wanted,
    text,
  );
}

const patchConfiguration = (operations: object[]) =>
  kubectl(["patch", ...CONFIGURATION, "--type=json", "-p", JSON.stringify(operations)]);

describe("tells of a webhook configuration", () => {
  test("that is not there", () =>
    withConfiguration(
      () => kubectl(["delete", ...CONFIGURATION]),
      "error webhooks/configuration",
      /is not there: models are stored as they are applied/,
    ));

  test("that lacks a webhook", () =>
    withConfiguration(
      () => patchConfiguration([{ op: "remove", path: "/webhooks/0" }]),
      "error webhooks/configuration",
      /lacks mutate\.modelservings\.kthena-ascend\.io/,
    ));

  test("that is not called for updates", () =>
    withConfiguration(
      () =>
        patchConfiguration([{ op: "replace", path: "/webhooks/0/rules/0/operations", value: ["CREATE"] }]),
      "error webhooks/rules",
      /is called for CREATE, not for CREATE and UPDATE/,
    ));

  test("that lets requests pass while nobody answers", () =>
    withConfiguration(
      () => patchConfiguration([{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }]),
      "warning webhooks/failure-policy",
      /takes the NPUs from a running model/,
    ));

  test("that leaves namespaces out", () =>
    withConfiguration(
      () =>
        patchConfiguration([
          { op: "add", path: "/webhooks/0/namespaceSelector", value: { matchLabels: { npu: "yes" } } },
        ]),
      "error trial/injected",
      /comes back as it was sent[\s\S]*not called for models in default/,
    ));

  test("that leads to another Service", () =>
    withConfiguration(
      async () => {
        const kept = JSON.parse(await kubectl(["get", ...CONFIGURATION, "-o", "json"]));
        await patchConfiguration(
          kept.webhooks.map((_webhook: unknown, index: number) => ({
            op: "replace",
            path: `/webhooks/${index}/clientConfig/service/name`,
            value: "elsewhere",
          })),
        );
      },
      "error webhooks/ca-bundle",
      /leads to another Service/,
    ));
});

test("tells of another webhook that changes models", () =>
  broken(
    () =>
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
    () => kubectl(["delete", "mutatingwebhookconfiguration", "sidecars-of-others"]),
    "warning webhooks/others",
    /sidecars-of-others \(inject\.example\.com\)/,
  ));

test("tells of a Service that is not there", async () => {
  const kept = JSON.parse(
    await kubectl(["get", "service", RELEASE, `-n=${RELEASE_NAMESPACE}`, "-o", "json"]),
  );
  const { name, namespace, labels } = kept.metadata;
  await broken(
    () => kubectl(["delete", "service", RELEASE, `-n=${RELEASE_NAMESPACE}`]),
    () => kubectl(["create", "-f", "-"], JSON.stringify({ ...kept, metadata: { name, namespace, labels } })),
    "error service/endpoints",
    /Service kthena-ascend-system\/kthena-ascend is not there/,
  );
});

describe("tells of replicas", () => {
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
    broken(
      () => ready(1),
      () => ready(2),
      "warning replicas/ready",
      /1 of 2 replicas are Ready/,
    ));

  test("of which none is Ready", () =>
    broken(
      () => ready(0),
      () => ready(2),
      "error replicas/ready",
      /0 of 2 replicas are Ready/,
    ));

  test("that the Service does not lead to", () => {
    const endpoint = (is: boolean) => {
      const endpoints = [{ addresses: ["10.0.0.1"], conditions: { ready: is } }];
      const patch = JSON.stringify({ endpoints });
      const slice = ["endpointslice", `${RELEASE}-1`, `-n=${RELEASE_NAMESPACE}`];
      return kubectl(["patch", ...slice, "--type=merge", "-p", patch]);
    };
    return broken(
      () => endpoint(false),
      () => endpoint(true),
      "error service/endpoints",
      /has no ready endpoint/,
    );
  });
});

test("tells of a Volcano that is not there", () =>
  broken(
    () => kubectl(["delete", "crd", "podgroups.scheduling.volcano.sh"]),
    () => kubectl(["apply", "--server-side", "-f", podGroupCrdFolder()]),
    "warning volcano/pod-groups",
    /Volcano is not there/,
  ));

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
  return broken(
    () =>
      withoutWebhooks(
        product.plane,
        CONFIGURATIONS,
        async () => void (await kubectl(["create", "-f", "-"], model)),
      ),
    () => kubectl(["delete", "modelserving", "forgotten", "-n=default"]),
    "warning models/not-injected",
    /have NPUs but nothing was injected: default\/forgotten/,
  );
});

test("tells of rights that the webhook's account lacks", async () => {
  const kept = JSON.parse(await kubectl(["get", "clusterrole", RELEASE, "-o", "json"]));
  await broken(
    () =>
      kubectl(["patch", "clusterrole", RELEASE, "--type=json", "-p", '[{"op":"remove","path":"/rules/1"}]']),
    () =>
      kubectl([
        "patch",
        "clusterrole",
        RELEASE,
        "--type=json",
        "-p",
        JSON.stringify([{ op: "replace", path: "/rules", value: kept.rules }]),
      ]),
    "error rights/account",
    /may not list namespaces, watch namespaces/,
  );
});

describe("tells of defaults", () => {
  test("that are wrong, and which hold in their place", () =>
    broken(
      () =>
        withoutWebhooks(product.plane, CONFIGURATIONS, async () => void (await write(document("npu: 8\n")))),
      mend,
      "warning defaults/in-force",
      /the last good defaults are in force, since .*npu/,
    ));

  const NAME = ["configmap", "kthena-ascend-defaults", `-n=${RELEASE_NAMESPACE}`] as const;
  const document = (more: string): string =>
    `apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: cce\nhardware: a2\n${more}`;
  const write = (text: string) =>
    kubectl(["patch", ...NAME, "--type=merge", "-p", JSON.stringify({ data: { "defaults.yaml": text } })]);
  const mend = () => write(document("scheduling: {queue: default}\n"));

  test("whose queue is not there", () =>
    broken(
      () => write(document("scheduling: {queue: nobodys}\n")),
      mend,
      "error volcano/queue",
      /queue nobodys of the defaults is not there/,
    ));

  test("whose resource no node publishes", () =>
    broken(
      () => write(document("scheduling: {queue: default}\nnpu: {resourceName: huawei.com/Ascend910}\n")),
      mend,
      "error nodes/resource-name",
      /no node publishes huawei\.com\/Ascend910/,
    ));
});

test("tells of a Namespace that is opted out", () =>
  broken(
    () => kubectl(["annotate", "namespace", "kube-public", "kthena-ascend.io/inject=false"]),
    () => kubectl(["annotate", "namespace", "kube-public", "kthena-ascend.io/inject-"]),
    "warning namespaces/opted-out",
    /injection is off by annotation in kube-public/,
  ));
