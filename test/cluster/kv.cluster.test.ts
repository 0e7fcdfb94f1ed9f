import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED, SETTINGS } from "../../src/api/names.ts";
import { containerIn, generatedIn, type RoleInput, roleIn, workload } from "../kv/pair.ts";
import {
  contains,
  eventually,
  type ManifestUser,
  manifestOf,
  metadataOf,
  rolesThatRestart,
  userIn,
  WAYS,
} from "./manifest-user.ts";
import { type Product, startProduct } from "./product.ts";

/** KV connectors on a real API server: what is stored, applied again, scaled, changed and switched. */

const examples = join(import.meta.dirname, "..", "..", "examples", "kv");
const names = readdirSync(examples).flatMap((file) =>
  file.endsWith(".complete.yaml") ? [file.replace(".complete.yaml", "")] : [],
);

let product: Product;

beforeAll(async () => {
  const values = [
    "defaults.kvConnectors.mooncake.masterAddress=kthena-ascend-mooncake-master.kthena-ascend-system:50051",
    "defaults.kvConnectors.mooncake.segmentSize=4GB",
    "defaults.kvConnectors.lmcache.remoteUrl=redis://kv-cache.models:6379",
  ];
  product = await startProduct({ scheduler: false, kwok: false, values });
});

afterAll(async () => {
  await product?.stop();
});

let users = 0;
function user(): Promise<ManifestUser> {
  users += 1;
  return userIn(product.plane, `kv-${users}`);
}

/** Prefill and decode with one annotation; Mooncake's libraries are found as in the examples. */
function pair(prefill: string[] = [], decode: string[] = [], connector = "mooncake"): JsonObject {
  const engine = (args: string[]): RoleInput => ({
    args: ["vllm", "serve", "m", ...args],
    container: {
      command: ["sh", "-c", 'export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/lib; exec "$@"', "--"],
    },
  });
  const annotations = { "kthena-ascend.io/inject": "true", "kthena-ascend.io/kv-connector": connector };
  const roles = { prefill: engine(["-tp", "4", ...prefill]), decode: engine(["-tp", "2", ...decode]) };
  return manifestOf(stringify(workload(roles, annotations)));
}

const serving = (person: ManifestUser): Promise<JsonObject> => person.get("modelserving", "m");
const json = (value: unknown): string => JSON.stringify(value);

describe.each(WAYS)("%s", (_name, way) => {
  test.each(names)(
    "stores examples/kv/%s as its counterpart says, and again changes nothing",
    async (name) => {
      const person = await user();
      const read = (file: string): JsonObject => manifestOf(readFileSync(join(examples, file), "utf8"));
      const lean = read(`${name}.yaml`);
      const complete = read(`${name}.complete.yaml`);
      const { [INJECTED]: _i, [SETTINGS]: _s, ...annotations } = objectOf(metadataOf(complete).annotations);
      await person.apply(lean, way);
      const get = (): Promise<JsonObject> => person.get("modelserving", String(metadataOf(lean).name));
      const stored = await get();
      const counterpart = { ...complete, metadata: { ...metadataOf(complete), annotations } };
      expect(contains(stored, counterpart), stringify(stored)).toBe(true);
      await person.apply(lean, way);
      expect(metadataOf(await get()).resourceVersion).toBe(metadataOf(stored).resourceVersion);
    },
  );

  test("the other role follows when the sizes of one change, and nothing else restarts it", async () => {
    const person = await user();
    await person.apply(pair(), way);
    const before = await serving(person);
    await person.apply(pair(["--max-model-len", "8192"]), way);
    const longer = await serving(person);
    expect(roleIn(longer, "decode")).toEqual(roleIn(before, "decode"));
    expect(roleIn(longer, "prefill")).not.toEqual(roleIn(before, "prefill"));
    await person.apply(pair(["-tp", "8"]), way);
    const after = await serving(person);
    for (const role of ["prefill", "decode"]) {
      expect(json(generatedIn(after, role))).toContain(
        '"prefill":{"dp_size":1,"tp_size":8},"decode":{"dp_size":1,"tp_size":2}',
      );
    }
  });

  test("the connector is switched and switched off by its annotation", async () => {
    const person = await user();
    await person.apply(pair(), way);
    await person.apply(pair([], [], "lmcache"), way);
    expect(json(generatedIn(await serving(person), "decode"))).toContain("LMCacheAscendConnectorV1Dynamic");
    await person.apply(pair([], [], "none"), way);
    const off = await serving(person);
    expect(containerIn(off, "prefill").args).toEqual(containerIn(pair(), "prefill").args);
    expect(json(off.spec)).not.toMatch(/MOONCAKE|LMCACHE|mooncake\.json/);
  });

  test("what its user has written stays, and sizes that differ are refused", async () => {
    const person = await user();
    const text =
      '{"kv_connector": "MooncakeConnectorV1", "kv_role": "kv_producer",  "kv_port": "36500", "kv_connector_extra_config": {"prefill": {"dp_size": 1, "tp_size": 4}, "decode": {"dp_size": 1, "tp_size": 2}}}';
    const written = pair(["--kv-transfer-config", text]);
    await person.apply(written, way);
    const stored = await serving(person);
    expect(containerIn(stored, "prefill").args).toEqual(containerIn(written, "prefill").args);
    expect(generatedIn(stored, "decode")?.kv_connector).toBe("MooncakeConnectorV1");
    const changed = pair(["--kv-transfer-config", text], ["-tp", "1"]);
    const answer = await person.try(["apply", ...way, "-f", "-"], stringify(changed));
    expect(`${answer.stdout}${answer.stderr}`).toMatch(/kv\//);
  });
});

test("scaling changes no template", async () => {
  const person = await user();
  await person.apply(pair());
  const before = await serving(person);
  await person.run(["patch", "modelserving", "m", "--type=merge", "-p", '{"spec":{"replicas":3}}']);
  const role = '[{"op":"replace","path":"/spec/template/roles/1/replicas","value":4}]';
  await person.run(["patch", "modelserving", "m", "--type=json", "-p", role]);
  const after = await serving(person);
  expect(objectOf(after.spec).replicas).toBe(3);
  expect(rolesThatRestart(after)).toEqual(rolesThatRestart(before));
});

test("a native sidecar is stored as it was written", async () => {
  const person = await user();
  const lean = pair();
  metadataOf(lean).annotations = {
    ...objectOf(metadataOf(lean).annotations),
    "kthena-ascend.io/kv-sidecar": "mooncake-store-client",
  };
  await person.apply(lean);
  const spec = objectOf(objectOf(roleIn(await serving(person), "prefill").entryTemplate).spec);
  expect(listOf(spec.initContainers)).toMatchObject([
    { name: "mooncake-store-client", restartPolicy: "Always" },
  ]);
});

describe("a ModelServer", () => {
  const server = (type?: string): JsonObject => ({
    apiVersion: "networking.serving.volcano.sh/v1alpha1",
    kind: "ModelServer",
    metadata: { name: "m" },
    spec: {
      inferenceEngine: "vLLM",
      workloadPort: { port: 8000 },
      ...(type === undefined ? {} : { kvConnector: { type } }),
      workloadSelector: {
        matchLabels: { "modelserving.volcano.sh/name": "m" },
        pdGroup: {
          groupKey: "modelserving.volcano.sh/group-name",
          prefillLabels: { "modelserving.volcano.sh/role": "prefill" },
          decodeLabels: { "modelserving.volcano.sh/role": "decode" },
        },
      },
    },
  });
  const typeOf = async (person: ManifestUser): Promise<unknown> =>
    objectOf(objectOf((await person.get("modelserver", "m")).spec).kvConnector).type;

  test("gets the connector of its workload at its creation, and keeps it when it is replaced", async () => {
    const person = await user();
    await person.apply(pair());
    // A replica learns of the workload by its watch.
    await eventually(
      "the type of a ModelServer",
      async () => {
        await person.try(["delete", "modelserver", "m", "--ignore-not-found"]);
        await person.apply(server());
        return typeOf(person);
      },
      (type) => type === "mooncake",
    );
    await person.apply(server());
    expect(await typeOf(person)).toBe("mooncake");
    await person.run(["replace", "-f", "-"], stringify(server()));
    expect(await typeOf(person)).toBe("mooncake");
  });

  test("that would do another thing than the roles is told, whichever comes second", async () => {
    const person = await user();
    await person.apply(pair());
    const told = (answer: { stderr: string }): boolean => answer.stderr.includes("kv/model-server-connector");
    const first = (): Promise<{ stderr: string }> =>
      person.run(["apply", "--dry-run=server", "-f", "-"], stringify(server("http")));
    await eventually("a warning to the ModelServer", first, told);
    await person.apply(server("http"));
    const second = (): Promise<{ stderr: string }> =>
      person.run(["apply", "--dry-run=server", "-f", "-"], stringify(pair(["--max-model-len", "8192"])));
    await eventually("a warning to the ModelServing", second, told);
  });
});
