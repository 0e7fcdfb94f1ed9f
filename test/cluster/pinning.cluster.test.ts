import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { ASK, INJECTED, SETTINGS } from "../../src/api/names.ts";
import { MODEL_SERVINGS } from "../../src/cluster/kinds.ts";
import type { AnyObject } from "../../src/kube/resource.ts";
import { must } from "../kube/account.ts";
import { mainEntry } from "./installation/installation.ts";
import {
  eventually,
  type ManifestUser,
  manifestOf,
  metadataOf,
  rolesThatRestart,
  userIn,
  WAYS,
} from "./manifest-user.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "./product.ts";

const examples = join(import.meta.dirname, "..", "..", "examples");
const otherVersion = join(import.meta.dirname, "other-version.ts");
const NAME = "qwen3-32b";

let product: Product;

beforeAll(async () => {
  // The namespace `before` is looked at only from the upgrade on: what is made there now is older than that.
  product = await startProduct({
    scheduler: false,
    kwok: false,
    values: ["webhooks.excludedNamespaces={before}"],
  });
  const person = await userIn(product.plane, "before");
  await person.apply(written());
  await person.apply(booster());
  await product.plane.helm([
    "upgrade",
    "kthena-ascend",
    join(import.meta.dirname, "..", "..", "deploy", "chart"),
    `--namespace=${RELEASE_NAMESPACE}`,
    "--reuse-values",
    "--set",
    "webhooks.excludedNamespaces=null",
  ]);
});

afterAll(async () => {
  await product?.stop();
});

const DOCUMENT = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nplatform: cce\nhardware: a2\n";

/** Replaces the cluster's defaults, and waits until a dry run shows that they are in force. */
async function setDefaults(more: string, ifname: string): Promise<void> {
  const patch = JSON.stringify({ data: { "defaults.yaml": DOCUMENT + more } });
  const args = ["patch", "configmap", "kthena-ascend-defaults", `--namespace=${RELEASE_NAMESPACE}`];
  await product.plane.kubectl([...args, "--type=merge", "-p", patch]);
  const probe = stringify(lean());
  const look = async () => {
    const dryRun = ["create", "--dry-run=server", "-o", "yaml", "--namespace=default", "-f", "-"];
    return (await product.plane.kubectl(dryRun, { input: probe })).stdout;
  };
  await eventually("the new defaults in force", look, (text) => text.includes(`value: ${ifname}`));
}

function lean(): JsonObject {
  return manifestOf(readFileSync(join(examples, "modelserving", "single-node.yaml"), "utf8"));
}

function booster(): JsonObject {
  return manifestOf(readFileSync(join(examples, "modelbooster", "prefill-decode.yaml"), "utf8"));
}

/** One that a person wrote the NPUs into, as people did before the installation. */
function written(): JsonObject {
  const object = structuredClone(lean());
  const { annotations: _annotations, ...metadata } = metadataOf(object);
  for (const role of listOf(objectOf(objectOf(object.spec).template).roles).map(objectOf)) {
    role.workerReplicas = 0;
    for (const container of containersOf(role)) {
      const resources = { "huawei.com/ascend-1980": "4" };
      container.resources = { limits: resources, requests: resources };
    }
  }
  return { ...object, metadata };
}

function containersOf(role: JsonObject): JsonObject[] {
  return listOf(objectOf(objectOf(role.entryTemplate).spec).containers).map(objectOf);
}

interface Step {
  name: string;
  do: (person: ManifestUser, manifest: JsonObject) => Promise<unknown>;
}

const patch = (type: string, body: unknown) => [
  "patch",
  "modelserving",
  NAME,
  `--type=${type}`,
  "-p",
  JSON.stringify(body),
];

/** What must not start any pod anew. */
const QUIET: readonly Step[] = [
  {
    name: "a merge patch of replicas",
    do: (person) => person.run(patch("merge", { spec: { replicas: 2 } })),
  },
  {
    name: "the autoscaler's JSON patch of a role's replicas",
    do: (person) =>
      person.run(
        patch("json", [
          { op: "test", path: "/spec/template/roles/0/name", value: "server" },
          { op: "replace", path: "/spec/template/roles/0/replicas", value: 3 },
        ]),
      ),
  },
  { name: "a label", do: (person) => person.run(["label", "modelserving", NAME, "team=a", "--overwrite"]) },
  {
    name: "an annotation that is not ours",
    do: (person) => person.run(["annotate", "modelserving", NAME, "example.org/note=x", "--overwrite"]),
  },
  {
    name: "a finalizer, added and removed",
    do: async (person) => {
      await person.run(patch("merge", { metadata: { finalizers: ["example.org/held"] } }));
      await person.run(patch("merge", { metadata: { finalizers: [] } }));
    },
  },
  { name: "kubectl scale", do: (person) => person.run(["scale", "modelserving", NAME, "--replicas=1"]) },
  {
    name: "an Update of the whole lean spec, as Kthena's ModelBooster controller sends it",
    do: async (person, manifest) => {
      const place = { namespace: person.namespace, name: NAME };
      const stored = must(await product.admin.get<AnyObject>(MODEL_SERVINGS, place));
      must(await product.admin.replace(MODEL_SERVINGS, { ...stored, spec: objectOf(manifest.spec) }));
    },
  },
  {
    name: "kubectl replace of the manifest",
    do: (person, manifest) => person.run(["replace", "-f", "-"], stringify(manifest)),
  },
  {
    name: "our annotations dropped by hand",
    do: (person) => person.run(["annotate", "modelserving", NAME, `${INJECTED}-`, `${SETTINGS}-`]),
  },
  {
    name: "our annotations edited by hand",
    do: (person) =>
      person.run(["annotate", "modelserving", NAME, `${INJECTED}={}`, `${SETTINGS}={}`, "--overwrite"]),
  },
  ...WAYS.map(([way, flags]) => ({
    name: `the same manifest by ${way}`,
    do: (person: ManifestUser, manifest: JsonObject) =>
      person.apply(manifest, flags.length === 0 ? [] : [...flags, "--force-conflicts"]),
  })),
];

/** Two steps of the world around an object; each is taken back. */
const AROUND: readonly { name: string; begin: () => Promise<unknown>; end: () => Promise<unknown> }[] = [
  { name: "nothing else changed", begin: async () => {}, end: async () => {} },
  {
    name: "the defaults changed",
    begin: () =>
      setDefaults(
        "hccl: {socketIfname: bond9, env: {HCCL_CONNECT_TIMEOUT: '600'}}\ngang: {enabled: false}\n",
        "bond9",
      ),
    end: () => setDefaults("", "eth0"),
  },
  {
    name: "another version of the webhook",
    begin: () => product.installation.rollOut({ entry: otherVersion }),
    end: () => product.installation.rollOut({ entry: mainEntry }),
  },
];

describe.each(AROUND)("with $name", ({ begin, end }) => {
  let injected: ManifestUser;
  let old: ManifestUser;
  let before: JsonObject[];
  let beforeOld: JsonObject[];
  const seen = async (person: ManifestUser) => rolesThatRestart(await person.get("modelserving", NAME));

  beforeAll(async () => {
    injected = await userIn(product.plane, "injected");
    old = await userIn(product.plane, "before");
    await injected.apply(lean());
    before = await seen(injected);
    beforeOld = await seen(old);
    await begin();
  });

  afterAll(async () => {
    await end();
  });

  test.each(QUIET)("$name starts no pod of a completed ModelServing anew", async (step) => {
    await step.do(injected, lean());
    expect(await seen(injected)).toEqual(before);
    expect(objectOf(metadataOf(await injected.get("modelserving", NAME)).annotations)[INJECTED]).toContain(
      "HCCL_IF_IP",
    );
  });

  test.each(QUIET)(
    "$name starts no pod of a ModelServing from before the installation anew",
    async (step) => {
      await step.do(old, written());
      expect(await seen(old)).toEqual(beforeOld);
    },
  );

  test("a Namespace annotated, and every manifest applied again, changes nothing", async () => {
    for (const person of [injected, old]) {
      await product.plane.kubectl([
        "annotate",
        "namespace",
        person.namespace,
        `${ASK.socketIfname}=bond3`,
        "--overwrite",
      ]);
    }
    await injected.apply(lean());
    await old.apply(written());
    expect(await seen(injected)).toEqual(before);
    expect(await seen(old)).toEqual(beforeOld);
    for (const person of [injected, old])
      await product.plane.kubectl(["annotate", "namespace", person.namespace, `${ASK.socketIfname}-`]);
  });

  test("a ModelBooster's backend stays the same under a scaling, a label and the same manifest", async () => {
    const name = String(metadataOf(booster()).name);
    const backendOf = (object: JsonObject) => objectOf(objectOf(object.spec).backend);
    for (const person of [injected, old]) {
      await person.apply(booster());
      const stored = backendOf(await person.get("modelbooster", name));
      await person.run(["label", "modelbooster", name, "team=a", "--overwrite"]);
      await person.run(["annotate", "modelbooster", name, "example.org/note=x", "--overwrite"]);
      await person.apply(booster());
      await person.run(["replace", "-f", "-"], stringify(booster()));
      expect(backendOf(await person.get("modelbooster", name))).toEqual(stored);
    }
  });
});

test("a gang that is off stays off: `kubectl replace` of the lean manifest drops nothing that is immutable", async () => {
  await setDefaults("gang: {enabled: false}\nhccl: {socketIfname: bond8}\n", "bond8");
  const person = await userIn(product.plane, "no-gang");
  await person.apply(lean());
  await setDefaults("", "eth0");
  const gang = async () =>
    objectOf(objectOf((await person.get("modelserving", NAME)).spec).template).gangPolicy;
  expect(await gang()).toEqual({ minRoleReplicas: { server: 0 } });
  const before = rolesThatRestart(await person.get("modelserving", NAME));
  await person.run(["replace", "-f", "-"], stringify(lean()));
  await person.apply(lean(), ["--server-side", "--force-conflicts"]);
  expect(rolesThatRestart(await person.get("modelserving", NAME))).toEqual(before);
  await person.run(["annotate", "modelserving", NAME, `${ASK.inject}=false`, "--overwrite"]);
  expect(await gang()).toEqual({ minRoleReplicas: { server: 0 } });
  await person.run(["annotate", "modelserving", NAME, `${ASK.inject}=true`, "--overwrite"]);
  expect(await gang()).toEqual({ minRoleReplicas: { server: 0 } });
});

describe("what should change does:", () => {
  let person: ManifestUser;
  let count = 0;

  beforeEach(async () => {
    count += 1;
    person = await userIn(product.plane, `changes-${count}`);
    await person.apply(lean());
  });

  const stored = () => person.get("modelserving", NAME);
  const env = async (name: string) => {
    const [role] = listOf(objectOf(objectOf((await stored()).spec).template).roles).map(objectOf);
    const [container] = containersOf(role ?? {});
    const found = listOf(container?.env)
      .map(objectOf)
      .find((item) => item.name === name);
    return found?.value;
  };
  const npus = async () => {
    const roles = listOf(objectOf(objectOf((await stored()).spec).template).roles).map(objectOf);
    return roles
      .flatMap(containersOf)
      .map(({ resources }) => objectOf(objectOf(resources).limits)["huawei.com/ascend-1980"]);
  };

  describe("after a change of the defaults", () => {
    beforeEach(() => setDefaults("hccl: {socketIfname: bond9}\n", "bond9"));
    afterEach(() => setDefaults("", "eth0"));

    test("`refresh` by annotate alone takes them", async () => {
      expect(await env("HCCL_SOCKET_IFNAME")).toBe("eth0");
      await person.run(["annotate", "modelserving", NAME, `${ASK.refresh}=1`]);
      expect(await env("HCCL_SOCKET_IFNAME")).toBe("bond9");
      const { generation } = metadataOf(await stored());
      await person.apply(lean());
      expect(await env("HCCL_SOCKET_IFNAME")).toBe("bond9");
      await person.run(["annotate", "modelserving", NAME, `${ASK.refresh}=1`, "--overwrite"]);
      expect(metadataOf(await stored()).generation).toBe(generation);
    });

    test("an exported object that is made again takes them, and its manifest then changes nothing", async () => {
      const exported = await stored();
      const { name, annotations } = metadataOf(exported);
      await person.run(["delete", "modelserving", NAME]);
      await person.run(
        ["create", "-f", "-"],
        stringify({ ...exported, metadata: { name, annotations }, status: undefined }),
      );
      expect(await env("HCCL_SOCKET_IFNAME")).toBe("bond9");
      const { generation } = metadataOf(await stored());
      await person.apply(lean());
      expect(metadataOf(await stored()).generation).toBe(generation);
    });

    test("a new role is completed with what the object was admitted with, and the first one stays", async () => {
      const before = rolesThatRestart(await stored());
      const manifest = lean();
      const template = objectOf(objectOf(manifest.spec).template);
      const [role] = listOf(template.roles);
      template.roles = [role ?? {}, { ...structuredClone(objectOf(role)), name: "second" }];
      await person.apply(manifest);
      const after = rolesThatRestart(await stored());
      expect(after[0]).toEqual(before[0]);
      expect(JSON.stringify(after[1])).toContain('"value":"eth0"');
      expect(await npus()).toEqual(["4", "4"]);
    });
  });

  test("tensor parallelism raised by JSON patch: the NPUs follow", async () => {
    const path = "/spec/template/roles/0/entryTemplate/spec/containers/0/args/1";
    await person.run(patch("json", [{ op: "replace", path, value: "--tensor-parallel-size=8" }]));
    expect(await npus()).toEqual(["8"]);
    // The manifest with the old size takes them back.
    await person.apply(lean());
    expect(await npus()).toEqual(["4"]);
  });

  test("opting out by annotation takes our additions away and leaves the user's", async () => {
    await person.run(["annotate", "modelserving", NAME, `${ASK.inject}=false`, "--overwrite"]);
    const object = await stored();
    expect(await npus()).toEqual([undefined]);
    expect(objectOf(metadataOf(object).annotations)[INJECTED]).toBeUndefined();
    const [role] = listOf(objectOf(objectOf(object.spec).template).roles).map(objectOf);
    const [wanted] = listOf(objectOf(objectOf(lean().spec).template).roles).map(objectOf);
    expect(containersOf(role ?? {})[0]).toMatchObject(containersOf(wanted ?? {})[0] ?? {});
    expect(containersOf(role ?? {})[0]?.env).toBeUndefined();
  });
});
