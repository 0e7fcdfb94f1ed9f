import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import {
  CHART,
  INSTALL_MANIFEST,
  installManifest,
  NAMESPACE,
  RELEASE,
  VALUES_SCHEMA,
  valuesSchema,
} from "../../deploy/manifest.ts";
import { objectOf } from "../../src/api/json.ts";
import { certificatePermissions, filePermissions, type Permission } from "../../src/certs/permissions.ts";
import { issueCa } from "../../src/certs/self-made.ts";
import type { AnyObject } from "../../src/kube/resource.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, peerCrdFolder } from "./control-plane/crds.ts";

/** The chart itself: what helm and the API server say to it, in every mode. */

let plane: ControlPlane;
let folder: string;

beforeAll(async () => {
  const crdFolders = [crdFolder(), peerCrdFolder()];
  plane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false, crdFolders });
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-chart-"));
  await writeFile(join(folder, "ca.crt"), (await issueCa("test", 10, new Date())).cert);
});

afterAll(async () => {
  await plane?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const MONITORED = ["metrics.serviceMonitor", "metrics.prometheusRule", "metrics.dashboard"];

/** Ways to install, as `--set` takes them; `ca.crt` is read from a file. */
const MODES: Record<string, readonly string[]> = {
  "managed certificates": [],
  "no conditions of ModelBoosters": ["reconciler=off"],
  "a Deployment for conditions": ["reconciler=separate"],
  "no defaults of namespaces": ["namespacedDefaults=false"],
  "cert-manager": ["certificates.mode=certManager"],
  "cert-manager with an issuer that is there": [
    "certificates.mode=certManager",
    "certificates.certManager.issuerRef.name=company",
    "certificates.certManager.issuerRef.kind=ClusterIssuer",
  ],
  "files for certificates": [
    "certificates.mode=files",
    "certificates.files.secretName=mine",
    "certificates.files.caBundle=ca.crt",
  ],
  "all that is optional": [
    ...MONITORED.map((part) => `${part}.enabled=true`),
    "image.repository=example.com/kthena-ascend",
    `image.digest=sha256:${"0".repeat(64)}`,
    "imagePullSecrets[0].name=registry",
    "priorityClassName=system-cluster-critical",
    "nodeSelector.pool=system",
    "tolerations[0].operator=Exists",
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key=a",
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator=Exists",
    "topologySpreadConstraints[0].topologyKey=rack",
    "topologySpreadConstraints[0].maxSkew=1",
    "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
    "podAnnotations.a=b",
    "podLabels.a=b",
    "serviceAccount.annotations.a=b",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b",
    "networkPolicy.egress[0].ports[0].port=6443",
    "webhooks.excludedNamespaces={a,b}",
    "webhooks.namespaceSelector.matchLabels.a=b",
    "webhooks.objectSelector.matchExpressions[0].key=a",
    "webhooks.objectSelector.matchExpressions[0].operator=Exists",
    "defaults.hardwareBySelector[0].nodeSelector.pool=a3",
    "defaults.hardwareBySelector[0].hardware=a3",
  ],
  "a Mooncake master": ["mooncakeMaster.enabled=true"],
  "nothing that is optional": [
    "replicas=1",
    "metrics.port=0",
    "networkPolicy.enabled=false",
    "podDisruptionBudget.enabled=false",
    "webhooks.pods.enabled=false",
    "nodeOptions=",
  ],
};

function set(values: readonly string[]): string[] {
  return values.flatMap((value) =>
    value.endsWith("=ca.crt")
      ? ["--set-file", value.replace("ca.crt", join(folder, "ca.crt"))]
      : ["--set", value],
  );
}

async function helm(...args: string[]): Promise<string> {
  return (await plane.helm(args)).stdout;
}

async function render(mode: string): Promise<AnyObject[]> {
  const text = await helm("template", RELEASE, CHART, `--namespace=${NAMESPACE}`, ...set(MODES[mode] ?? []));
  return parseAllDocuments(text).map((document) => document.toJS());
}

function only(objects: readonly AnyObject[], kind: string): AnyObject {
  const [found, ...more] = objects.filter((object) => object.kind === kind);
  if (!found || more.length > 0) throw new Error(`not one ${kind}`);
  return found;
}

describe.each(Object.keys(MODES))("with %s", (mode) => {
  const values = MODES[mode] ?? [];
  const name = `mode-${Object.keys(MODES).indexOf(mode)}`;

  test("helm lint finds nothing", async () => {
    expect(await helm("lint", "--strict", CHART, ...set(values))).toContain("0 chart(s) failed");
  });

  test("the API server takes it as it stands, unknown fields refused, and uninstalling leaves nothing", async () => {
    await plane.kubectl(["create", "namespace", name]);
    const input = await helm("template", name, CHART, `--namespace=${name}`, ...set(values));
    await plane.kubectl(["create", "--dry-run=server", "--validate=strict", "-f", "-"], { input });
    const args = [name, CHART, `--namespace=${name}`, ...set(values)];
    await helm("install", ...args, "--dry-run=server");
    await helm("install", ...args);
    expect(await namesOf(name)).not.toEqual([]);
    await helm("upgrade", ...args);
    await helm("uninstall", name, `--namespace=${name}`, "--wait");
    expect(await namesOf(name)).toEqual([]);
    const left = await plane.kubectl(["get", "secrets,configmaps,leases", `--namespace=${name}`, "-o=name"]);
    expect(left.stdout.replace("configmap/kube-root-ca.crt\n", "")).toBe("");
  });

  test("its pods keep to the restricted Pod Security Standard", async () => {
    await restrictedNamespace();
    for (const { kind, spec } of await render(mode)) {
      if (kind !== "Deployment") continue;
      const metadata = { name: "one", namespace: "restricted" };
      const pod = { apiVersion: "v1", kind: "Pod", ...objectOf(spec?.template), metadata };
      const args = ["create", "--dry-run=server", "-f", "-", "-o=name"];
      const { stdout } = await plane.kubectl(args, { input: JSON.stringify(pod) });
      expect(stdout).toBe("pod/one\n");
    }
  });

  test("no caBundle is rendered, except that of files", async () => {
    const text = JSON.stringify(
      (await render(mode)).filter(({ kind }) => kind?.endsWith("WebhookConfiguration")),
    );
    expect(text.includes("caBundle")).toBe(values.includes("certificates.mode=files"));
    expect(text.includes("inject-ca-from")).toBe(values.includes("certificates.mode=certManager"));
  });
});

/** Everything of a release, of every kind that the API server can list. */
async function namesOf(release: string): Promise<string[]> {
  const kinds = (await plane.kubectl(["api-resources", "--verbs=list", "-o=name"])).stdout.trim().split("\n");
  const selector = `app.kubernetes.io/instance=${release}`;
  const args = ["get", kinds.join(","), "--all-namespaces", `--selector=${selector}`, "-o=name"];
  return (await plane.kubectl(args)).stdout.split("\n").filter(Boolean);
}

async function restrictedNamespace(): Promise<void> {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "restricted", labels } };
  const priority = {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "system" },
    value: 1,
  };
  for (const object of [namespace, priority]) {
    await plane.kubectl(["apply", "-f", "-"], { input: JSON.stringify(object) });
  }
}

describe("rights", () => {
  type Rule = [scope: string, group: string, resource: string, names: string, verbs: string];

  function rulesOf(objects: readonly AnyObject[]): Rule[] {
    const found: Rule[] = [];
    for (const kind of ["Role", "ClusterRole"] as const) {
      const scope = kind === "Role" ? "namespace" : "cluster";
      for (const rule of only(objects, kind).rules as unknown as Record<string, string[]>[]) {
        const { apiGroups = [], resources = [], resourceNames = [""], verbs = [], ...more } = rule;
        expect(more).toEqual({});
        for (const group of apiGroups)
          for (const resource of resources)
            for (const name of resourceNames) found.push([scope, group, resource, name, verbs.join()]);
      }
    }
    return found.sort();
  }

  function asRules(permissions: readonly Permission[]): Rule[] {
    return permissions.flatMap(({ scope, group, resource, names, verbs }) =>
      names.map((name): Rule => [scope, group, resource, name, verbs.join()]),
    );
  }

  const READ = "get,list,watch";
  const names = { mutating: RELEASE, validating: RELEASE };
  const managed = asRules(
    certificatePermissions({ secret: `${RELEASE}-tls`, lease: `${RELEASE}-certs`, ...names }),
  );
  const files = asRules(filePermissions(names));
  const ofDefaults: Rule[] = [
    ["namespace", "coordination.k8s.io", "leases", `${RELEASE}-defaults`, "get,create,patch"],
    ["namespace", "", "configmaps", "kthena-ascend-defaults", READ],
    ["namespace", "", "configmaps", `${RELEASE}-last-good-defaults`, `${READ},create,patch`],
  ];
  const ofReviews: Rule[] = [
    ["cluster", "", "namespaces", "", READ],
    ["cluster", "workload.serving.volcano.sh", "modelboosters", "", READ],
    ["cluster", "workload.serving.volcano.sh", "modelservings", "", READ],
    ["cluster", "networking.serving.volcano.sh", "modelservers", "", "list,watch"],
    ["cluster", "networking.serving.volcano.sh", "modelroutes", "", "list,watch"],
    ["cluster", "", "pods", "", "list,watch"],
    ["cluster", "", "nodes", "", "list,watch"],
    ["cluster", "node.k8s.io", "runtimeclasses", "", "list,watch"],
    ["cluster", "scheduling.volcano.sh", "queues", "", "list,watch"],
    [
      "cluster",
      "apiextensions.k8s.io",
      "customresourcedefinitions",
      "modelservings.workload.serving.volcano.sh",
      "list,watch",
    ],
    ["cluster", "events.k8s.io", "events", "", "create,patch"],
  ];
  const ofNamespaces: Rule[] = [["cluster", "", "configmaps", "kthena-ascend-defaults", "list,watch"]];
  const ofReconciler: Rule[] = [
    ["namespace", "coordination.k8s.io", "leases", `${RELEASE}-reconciler`, "get,create,patch"],
    ["cluster", "workload.serving.volcano.sh", "modelboosters/status", "", "patch"],
    ["cluster", "scheduling.volcano.sh", "podgroups", "", "list,watch"],
  ];

  const usual = [...ofDefaults, ...ofReviews, ...ofNamespaces, ...ofReconciler];

  test.each([
    ["managed certificates", [...managed, ...usual]],
    ["a Deployment for conditions", [...managed, ...usual]],
    ["no defaults of namespaces", [...managed, ...ofDefaults, ...ofReviews, ...ofReconciler]],
    ["no conditions of ModelBoosters", [...managed, ...ofDefaults, ...ofReviews, ...ofNamespaces]],
    ["cert-manager", [...files, ...usual]],
    ["files for certificates", [...files, ...usual]],
  ])("with %s are these and no more", async (mode, expected) => {
    expect(rulesOf(await render(mode))).toEqual([...expected].sort());
  });
});

describe("values", () => {
  test.each([
    ["replica=3", "additional properties 'replica' not allowed"],
    ["image.repo=x", "additional properties 'repo' not allowed"],
    ["replicas=two", "at '/replicas': got string, want integer"],
    ["reconciler=false", "at '/reconciler': value must be one of 'conditions', 'separate', 'off'"],
    [
      "certificates.mode=cert-manager",
      "at '/certificates/mode': value must be one of 'managed', 'certManager', 'files'",
    ],
    ["certificates.mode=files", "at '/certificates/files/secretName': minLength"],
    ["certificates.certManager.issuerRef.kind=ClusterIssuer", "properties 'name' required"],
    ["webhooks.timeoutSeconds=10", "at '/webhooks/timeoutSeconds': maximum: got 10, want 5"],
    ["webhooks.failurePolicy=fail", "at '/webhooks/failurePolicy': value must be one of 'Fail', 'Ignore'"],
    ["webhooks.namespaceSelector.labels.a=b", "additional properties 'labels' not allowed"],
    ["metrics.port=8443", "at '/metrics/port'"],
    ["defaultsOnConflict=overwrite", "at '/defaultsOnConflict'"],
    [
      "defaults.hccl.socketIfName=eth1",
      "at '/defaults/hccl': additional properties 'socketIfName' not allowed",
    ],
    ["defaults.hardware=a4", "at '/defaults/hardware': value must be one of"],
    ["defaults.kind=Defaults", "at '/defaults/kind': value must be 'AscendDefaults'"],
    ["defaults=none", "at '/defaults': got string, want object"],
  ])("%s is refused", async (value, message) => {
    const { code, stderr } = await plane.helm(["template", RELEASE, CHART, "--set", value], {
      mayFail: true,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test("what follows from the software and the chart is current: else `npm run render`", async () => {
    expect(JSON.parse(await readFile(VALUES_SCHEMA, "utf8"))).toEqual(await valuesSchema());
    const text = await installManifest(async (args) => helm(...args));
    expect(await readFile(INSTALL_MANIFEST, "utf8")).toBe(text);
  });
});

describe("install.yaml", () => {
  const FILE = ["-f", INSTALL_MANIFEST];

  test.each([["--server-side"], ["--server-side=false"]])(
    "is taken by kubectl apply %s, twice, and deleted whole",
    async (how) => {
      for (let time = 0; time < 2; time += 1) await plane.kubectl(["apply", how, ...FILE]);
      await plane.kubectl(["get", ...FILE]);
      await deleted();
    },
  );

  test("applied again on the server does not replace defaults that were edited, unless forced", async () => {
    await plane.kubectl(["apply", "--server-side", ...FILE]);
    const map = ["configmap", "kthena-ascend-defaults", `--namespace=${NAMESPACE}`];
    const patch = JSON.stringify({ data: { "defaults.yaml": "# by hand" } });
    await plane.kubectl(["patch", ...map, `--patch=${patch}`, "--field-manager=kubectl-edit"]);
    const document = async () =>
      (await plane.kubectl(["get", ...map, "-o", "jsonpath={.data.defaults\\.yaml}"])).stdout;
    const again = await plane.kubectl(["apply", "--server-side", ...FILE], { mayFail: true });
    expect(again.stderr).toContain('conflict with "kubectl-edit"');
    expect(await document()).toBe("# by hand");
    await plane.kubectl(["apply", "--server-side", "--force-conflicts", ...FILE]);
    expect(await document()).toContain("kind: AscendDefaults");
    await deleted();
  });

  async function deleted(): Promise<void> {
    await plane.kubectl(["delete", ...FILE, "--wait=false"]);
    const left = (await namesOf(RELEASE)).filter((name) => !name.startsWith("namespace/"));
    expect(left).toEqual([]);
    // Nobody here finishes the deletion of a namespace.
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE },
      spec: { finalizers: [] },
    };
    const path = `/api/v1/namespaces/${NAMESPACE}/finalize`;
    await plane.kubectl(["replace", "--raw", path, "-f", "-"], { input: JSON.stringify(namespace) });
  }
});

describe("on nodes", () => {
  let full: ControlPlane;
  const NAMESPACED = `--namespace=${NAMESPACE}`;

  beforeAll(async () => {
    const controllers = ["deployment-controller", "replicaset-controller", "disruption-controller"];
    full = await startControlPlane({ controllers });
  });

  afterAll(async () => {
    await full?.stop();
  });

  test("replicas are on different ones, after an upgrade too, and one at a time may be evicted", async () => {
    const wait = ["--wait", "--timeout=120s"];
    for (const step of [
      ["install", "--create-namespace"],
      ["upgrade", "--set=logLevel=debug"],
    ]) {
      await full.helm([...step, RELEASE, CHART, NAMESPACED, ...wait], { timeoutMs: 130_000 });
      await full.kubectl(["rollout", "status", `deployment/${RELEASE}`, NAMESPACED, "--timeout=60s"]);
      const nodes = "jsonpath={range .items[*]}{.spec.nodeName} {end}";
      const running = ["get", "pods", NAMESPACED, "--field-selector=status.phase=Running", "-o", nodes];
      const names = (await full.kubectl(running)).stdout.trim().split(" ");
      expect(new Set(names).size).toBeGreaterThan(1);
    }
    const allowed = "jsonpath={.status.disruptionsAllowed}";
    await full.kubectl(["wait", "pdb", RELEASE, NAMESPACED, `--for=${allowed}=1`, "--timeout=60s"]);
  });
});
