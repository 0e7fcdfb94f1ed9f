import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHART, NAMESPACE, RELEASE } from "../../deploy/manifest.ts";
import type { Operation } from "../../src/api/admission-review.ts";
import { selfMadePair } from "../../src/certs/self-made.ts";
import { KubeClient } from "../../src/kube/client.ts";
import {
  type AnyObject,
  MUTATING_WEBHOOKS,
  type Resource,
  VALIDATING_WEBHOOKS,
} from "../../src/kube/resource.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder } from "./control-plane/crds.ts";
import { eventually } from "./manifest-user.ts";

/** What the account of the webhook may do to its webhook configurations: RBAC allows it to patch them. */

let plane: ControlPlane;
let account: KubeClient;

beforeAll(async () => {
  const crdFolders = [crdFolder()];
  plane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false, crdFolders });
  await plane.helm(["install", RELEASE, CHART, "--create-namespace", `--namespace=${NAMESPACE}`]);
  const file = await plane.kubeconfigFor({ serviceAccount: RELEASE, namespace: NAMESPACE });
  account = new KubeClient({ source: { from: "file", file }, userAgent: "account" });
  // The API server takes up a new policy within a second or two.
  const foreign = () => json(MUTATING_WEBHOOKS, [{ op: "remove", path: "/webhooks/0" }], true);
  await eventually("the policy", foreign, (answer) => !answer.ok);
});

afterAll(async () => {
  account?.close();
  await plane?.stop();
});

function json(resource: Resource, operations: readonly Operation[], dryRun = false) {
  return account.patch<AnyObject>(resource, { name: RELEASE }, { type: "json", operations }, { dryRun });
}

const NEW_LABEL = { op: "add", path: "/metadata/labels/mine", value: "1" } as const;
const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["secrets"], scope: "*" };

describe.each([
  ["MutatingWebhookConfiguration", MUTATING_WEBHOOKS],
  ["ValidatingWebhookConfiguration", VALIDATING_WEBHOOKS],
] as const)("of a %s the account", (_kind, resource) => {
  test("may change the bundles", async () => {
    const paths = [0, 1, 2].map((index) => `/webhooks/${index}/clientConfig/caBundle`);
    const pem = Buffer.from((await selfMadePair({ dnsNames: ["a"], days: 1 })).ca).toString("base64");
    const good = await json(
      resource,
      paths.map((path) => ({ op: "add", path, value: pem }) as const),
    );
    expect(good).toMatchObject({ ok: true });
  });

  test.each<[string, Operation[]]>([
    ["send other objects here", [{ op: "add", path: "/webhooks/0/rules/-", value: rule }]],
    ["take a webhook out", [{ op: "remove", path: "/webhooks/0" }]],
    ["call somebody else", [{ op: "replace", path: "/webhooks/0/clientConfig/service/name", value: "evil" }]],
    ["let requests pass", [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }]],
    ["leave the conditions out", [{ op: "remove", path: "/webhooks/0/matchConditions" }]],
    ["leave namespaces out", [{ op: "add", path: "/webhooks/0/namespaceSelector", value: {} }]],
    [
      "choose objects",
      [{ op: "add", path: "/webhooks/0/objectSelector", value: { matchLabels: { a: "b" } } }],
    ],
    ["take another time", [{ op: "replace", path: "/webhooks/0/timeoutSeconds", value: 30 }]],
    ["label it", [NEW_LABEL]],
    ["own it", [{ op: "add", path: "/metadata/finalizers", value: ["example.com/a"] }]],
  ])("may not %s", async (_what, operations) => {
    const refused = await json(resource, operations);
    expect(refused).toMatchObject({ ok: false, failure: { code: 422 } });
    expect(refused).toMatchObject({ failure: { message: expect.stringContaining("nothing but caBundle") } });
  });
});

test("others change them as before", async () => {
  const patch = JSON.stringify([NEW_LABEL]);
  await plane.kubectl(["patch", "mutatingwebhookconfiguration", RELEASE, "--type=json", "-p", patch]);
});
