import { describe, expect, it } from "vitest";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { ref } from "../../src/defaults/references.ts";
import { patchOf } from "../../src/pinning/patch.ts";
import { findingsOn } from "../rules/judging.ts";
import {
  ASKED,
  complete,
  containerIn,
  defaultsWith,
  type RoleInput,
  roleIn,
  stored,
  variablesOf,
  workload,
} from "./pair.ts";

const asking = (names: string): Record<string, string> => ({
  ...ASKED,
  "kthena-ascend.io/kv-sidecar": names,
});
const pair = (annotations: Record<string, string> = ASKED, decode: RoleInput = {}): JsonObject =>
  workload({ prefill: { args: ["-tp", "4"] }, decode: { args: ["-tp", "2"], ...decode } }, annotations);
const listed = (object: JsonObject, role: string, list: string, part = "entryTemplate"): unknown[] =>
  listOf(objectOf(objectOf(roleIn(object, role)[part]).spec)[list]).map((item) => objectOf(item).name);

const PROXY: JsonObject = {
  name: "proxy",
  enabled: true,
  roles: ["decode"],
  container: {
    image: ref("engine.image"),
    imagePullPolicy: ref("engine.imagePullPolicy"),
    args: ["--to", `${ref("peer.role")}:${ref("peer.port")}`, "--as", ref("kv.role"), "$${HOME}"],
    env: [{ name: "KV", value: ref("kv.port") }],
    ports: [{ name: "proxy", containerPort: 9100 }],
    readinessProbe: { tcpSocket: { port: ref("engine.port") } },
    resources: { requests: { cpu: "1" } },
  },
  volumes: [{ name: "scratch", emptyDir: {} }],
};
const withSidecars = (...sidecars: JsonObject[]) =>
  defaultsWith({ kvConnectors: { mooncake: { sidecars } } });
const problems = (sidecar: JsonObject) => {
  const document = {
    apiVersion: "kthena-ascend.io/v1alpha1",
    kind: "AscendDefaults",
    kvConnectors: { mooncake: { sidecars: [sidecar] } },
  };
  const checked = checkDefaults(document, "test");
  return checked.ok ? [] : checked.problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`);
};

describe("a sidecar", () => {
  it("of those that are shipped comes when it is asked for, and not before", () => {
    expect(listed(complete(pair()).object, "decode", "containers")).toEqual(["vllm"]);
    const { object } = complete(pair(asking("kv-routing-proxy")));
    expect(listed(object, "decode", "containers")).toEqual(["vllm", "kv-routing-proxy"]);
    expect(listed(object, "prefill", "containers")).toEqual(["vllm"]);
    const { command } = containerIn(object, "decode", "kv-routing-proxy");
    expect(listOf(command).filter((word) => typeof word !== "string")).toEqual([]);
    expect(command).toContain("$(KV_GROUP)-prefill-0-0.$(NAMESPACE)");
  });

  it("that needs a setting waits for it", () => {
    const object = pair(asking("mooncake-store-client"));
    expect(listed(complete(object).object, "prefill", "initContainers")).toEqual([]);
    expect(findingsOn(object).find(({ rule }) => rule === "kv/sidecar")).toMatchObject({
      severity: "deny",
      message: expect.stringContaining("mooncake.masterAddress"),
    });
    const today = defaultsWith({ kvConnectors: { mooncake: { masterAddress: "m:1", segmentSize: "2GB" } } });
    const client = containerIn(complete(object, today).object, "prefill", "mooncake-store-client");
    expect(client.restartPolicy).toBe("Always");
    expect(variablesOf(client)).toMatchObject({
      MOONCAKE_MASTER: "m:1",
      MOONCAKE_GLOBAL_SEGMENT_SIZE: "2GB",
      MOONCAKE_PROTOCOL: "tcp",
    });
  });

  it("is filled in with the engine's image, ports, roles and the like", () => {
    const { object } = complete(pair(), withSidecars(PROXY));
    expect(containerIn(object, "decode", "proxy")).toEqual({
      name: "proxy",
      restartPolicy: "Always",
      image: "quay.io/ascend/vllm-ascend:v0.18.0",
      args: ["--to", "prefill:8000", "--as", "kv_consumer", `\${HOME}`],
      env: [{ name: "KV", value: "36100" }],
      ports: [{ name: "proxy", containerPort: 9100, protocol: "TCP" }],
      readinessProbe: { tcpSocket: { port: 8000 } },
      resources: { requests: { cpu: "1" } },
    });
    const spec = objectOf(objectOf(roleIn(object, "decode").entryTemplate).spec);
    expect(listOf(spec.volumes)).toContainEqual({ name: "scratch", emptyDir: {} });
  });

  it.each<[string, JsonObject, string, unknown[]]>([
    ["after the downloader", {}, "initContainers", ["downloader", "proxy"]],
    ["before it", { placement: "before-downloader" }, "initContainers", ["proxy", "downloader"]],
    ["as a plain container", { placement: "container" }, "containers", ["vllm", "proxy"]],
  ])("stands %s", (_, more, list, names) => {
    const spec = { initContainers: [{ name: "downloader", image: "d" }] };
    const { object } = complete(pair(ASKED, { spec }), withSidecars({ ...PROXY, ...more }));
    expect(listed(object, "decode", list)).toEqual(names);
  });

  it.each([
    ["1.28", "containers"],
    ["v1.29.3", "initContainers"],
    [undefined, "initContainers"],
  ])("with sidecarMode auto and Kubernetes %s is one of the %s", (version, list) => {
    const document = { kvConnectors: { sidecarMode: "auto", mooncake: { sidecars: [PROXY] } } };
    expect(listed(complete(pair(), defaultsWith(document, version)).object, "decode", list)).toContain(
      "proxy",
    );
  });

  it("stands in the pods of a role that it is for", () => {
    const role = {
      workerReplicas: 1,
      workerTemplate: {
        spec: {
          containers: [
            {
              name: "vllm",
              command: ["vllm", "serve", "m"],
              args: ["-tp", "2", "--nnodes", "2", "--headless"],
            },
          ],
        },
      },
    };
    const decode = { args: ["-tp", "2", "--nnodes", "2"], role };
    for (const [pods, entry, worker] of [
      ["entry", ["proxy"], []],
      ["worker", [], ["proxy"]],
      ["all", ["proxy"], ["proxy"]],
    ] as const) {
      const { object } = complete(pair(ASKED, decode), withSidecars({ ...PROXY, pods }));
      expect([
        listed(object, "decode", "initContainers"),
        listed(object, "decode", "initContainers", "workerTemplate"),
      ]).toEqual([entry, worker]);
    }
  });

  it("leaves the fields of a container of the same name as their user wrote them", () => {
    const own = {
      name: "proxy",
      image: "mine",
      env: [{ name: "KV", value: "1" }],
      resources: { requests: { memory: "1Gi" } },
    };
    const { object } = complete(pair(ASKED, { spec: { initContainers: [own] } }), withSidecars(PROXY));
    const container = containerIn(object, "decode", "proxy");
    expect(container).toMatchObject({
      image: "mine",
      env: [{ name: "KV", value: "1" }],
      resources: { requests: { memory: "1Gi", cpu: "1" } },
      ports: [{ name: "proxy", containerPort: 9100, protocol: "TCP" }],
      restartPolicy: "Always",
    });
  });

  it.each<[string, RoleInput]>([
    [
      "another container's",
      { spec: { initContainers: [{ name: "x", image: "x", ports: [{ containerPort: 9100 }] }] } },
    ],
    ["the engine's own", { args: ["-tp", "2", "--port", "9100"] }],
    [
      "the written connector's",
      {
        args: [
          "-tp",
          "2",
          "--kv-transfer-config",
          '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_consumer","kv_port":"9099"}',
        ],
      },
    ],
  ])("is refused on %s port", (_, decode) => {
    const object = pair(ASKED, decode);
    const defaults = { kvConnectors: { mooncake: { sidecars: [PROXY] } } };
    expect(findingsOn(object, { defaults }).map(({ rule }) => rule)).toContain("kv/sidecar");
    expect(listed(complete(object, withSidecars(PROXY)).object, "decode", "initContainers")).not.toContain(
      "proxy",
    );
  });

  it("is refused on a port that the generated configuration takes", () => {
    const template = { ...PROXY, container: { image: "x", ports: [{ name: "p", containerPort: 36101 }] } };
    const defaults = { kvConnectors: { mooncake: { sidecars: [template] } } };
    const found = findingsOn(pair(), { defaults }).filter(({ rule }) => rule === "kv/sidecar");
    expect(found).toMatchObject([{ message: expect.stringContaining("the connector has") }]);
    expect(listed(complete(pair(), withSidecars(template)).object, "decode", "initContainers")).toEqual([]);
  });

  it("that nobody knows is refused", () => {
    const found = findingsOn(pair(asking("kv-routing-prxy"))).filter(({ rule }) => rule === "kv/sidecar");
    expect(found[0]?.fix).toContain("kv-routing-proxy");
    expect(findingsOn(pair(asking("none"))).filter(({ rule }) => rule === "kv/sidecar")).toEqual([]);
  });

  it("stays as it is until it is not wanted any more, and then goes", () => {
    const today = withSidecars(PROXY);
    const before = stored(complete(pair(), today));
    expect(patchOf(before, complete(pair(), defaultsWith({}), before).object)).toEqual([]);
    const { object } = complete(pair(asking("none")), today, before);
    expect(listed(object, "decode", "initContainers")).toEqual([]);
    expect(objectOf(objectOf(roleIn(object, "decode").entryTemplate).spec).initContainers).toBeUndefined();
  });

  it("follows the other role's port, and only a sidecar that refers to it does", () => {
    const moved = (): JsonObject =>
      workload({ prefill: { args: ["-tp", "4", "--port", "9000"] }, decode: { args: ["-tp", "2"] } });
    const today = withSidecars(PROXY);
    const after = complete(moved(), today, stored(complete(pair(), today)));
    expect(containerIn(after.object, "decode", "proxy").args).toContain("prefill:9000");
    const plain = stored(complete(pair()));
    expect(roleIn(complete(moved(), defaultsWith({}), plain).object, "decode")).toEqual(
      roleIn(plain, "decode"),
    );
  });
});

describe("a template in the defaults", () => {
  it.each<[string, JsonObject, RegExp]>([
    ["an unknown reference", { container: { image: `\${engine.imge}` } }, /did you mean \$\{engine\.image\}/],
    ["no image", { container: {} }, /container\.image: is missing/],
    [
      "NPUs",
      { container: { image: "x", resources: { limits: { "huawei.com/ascend-1980": "1" } } } },
      /gives NPUs to a sidecar/,
    ],
    ["privilege", { container: { image: "x", securityContext: { privileged: true } } }, /privileged/],
    ["a name inside", { container: { name: "x", image: "x" } }, /container\.name/],
    [
      "a host path",
      { container: { image: "x" }, volumes: [{ name: "h", hostPath: { path: "/" } }] },
      /reaches the host/,
    ],
    [
      "a hasty liveness probe",
      { container: { image: "x", livenessProbe: { periodSeconds: 5, failureThreshold: 3 } } },
      /recreates the role/,
    ],
    ["no port", { container: { image: "x", ports: [{ containerPort: 70000 }] } }, /is no port/],
    [
      "a setting that does not exist",
      { whenSet: "mooncake.master", container: { image: "x" } },
      /no setting to wait for/,
    ],
    ["an unknown key", { container: { image: "x" }, role: ["decode"] }, /did you mean "roles"/],
  ])("with %s is refused", (_, sidecar, expected) => {
    expect(problems({ name: "s", ...sidecar }).join("\n")).toMatch(expected);
  });

  it("of a lower layer is turned on by its name, and one that nobody describes is told", () => {
    const { settings } = withSidecars({ name: "kv-routing-proxy", enabled: true });
    expect(settings.kvConnectors.mooncake.sidecars.map(({ name, enabled }) => [name, enabled])).toEqual([
      ["kv-routing-proxy", true],
      ["mooncake-store-client", false],
    ]);
    const resolution = defaultsWith({ kvConnectors: { mooncake: { sidecars: [{ name: "nobodys" }] } } });
    expect(resolution).toMatchObject({ problems: [{ message: expect.stringContaining("nobodys") }] });
  });
});
