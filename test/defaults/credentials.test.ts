import { describe, expect, it } from "vitest";
import { configMapFindings } from "../../src/admission/config-map.ts";
import { clusterDocument } from "../../src/admission/defaults-document.ts";
import type { AdmissionRequest } from "../../src/api/admission-review.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { hasUserinfo } from "../../src/api/secret-names.ts";
import { appliedProblems } from "../../src/defaults/applied.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { ref } from "../../src/defaults/references.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { complete, containerIn, defaultsWith, workload } from "../kv/pair.ts";

const REF = { valueFrom: { secretKeyRef: { name: "store", key: "url" } } };

function told(body: JsonObject): string[] {
  const parsed = parseDefaults(JSON.stringify(body), "d");
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return appliedProblems(parsed.document, "d").map(({ path, message, fix }) => `${path} ${message}; ${fix}`);
}

const sidecar = (container: JsonObject): JsonObject => ({
  kvConnectors: { lmcache: { sidecars: [{ name: "s", container: { image: "i", ...container } }] } },
});

describe("credentials in a document", () => {
  it.each<[string, JsonObject, RegExp]>([
    [
      "a variable",
      { hccl: { env: { HF_TOKEN: "hf_abcdef" } } },
      /^hccl.env.HF_TOKEN gives HF_TOKEN, .*secretKeyRef/,
    ],
    [
      "a connector's variable",
      { kvConnectors: { mooncake: { env: { STORE_PASSWORD: "pw" } } } },
      /^kvConnectors.mooncake.env.STORE_PASSWORD /,
    ],
    [
      "the store's URL",
      { kvConnectors: { lmcache: { remoteUrl: "redis://u:p@cache:6379" } } },
      /^kvConnectors.lmcache.remoteUrl holds a URL .*secretKeyRef/,
    ],
    [
      "the metadata server's URL",
      { kvConnectors: { mooncake: { metadataServer: "http://u:p@meta:8080/metadata" } } },
      /^kvConnectors.mooncake.metadataServer holds a URL .*take the user and the password out/,
    ],
    [
      "a sidecar's variable",
      sidecar({ env: [{ name: "API_KEY", value: "k" }] }),
      /env\[0\].value gives API_KEY/,
    ],
    ["a sidecar's flag", sidecar({ args: ["--api-key=k"] }), /args\[0\] gives --api-key/],
    ["a sidecar's flag of two words", sidecar({ args: ["--password", "k"] }), /args\[0\] gives --password/],
    [
      "a URL in an argument",
      sidecar({ command: ["sh", "-c", "go redis://:p@h:1"] }),
      /command\[2\] holds a URL/,
    ],
    ["a variable with a URL", { hccl: { env: { PROXY: "http://u@p:1" } } }, /^hccl.env.PROXY holds a URL/],
  ])("%s is told with where it belongs", (_name, body, message) => {
    expect(told(body)).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, JsonObject]>([
    ["numbers and switches", { hccl: { env: { MAX_KEYS: "8", USE_TOKEN: "true", KEY_FILE: "/etc/key" } } }],
    [
      "references",
      sidecar({ env: [{ name: "API_KEY", value: "$(OTHER)" }], args: ["--api-key=$(API_KEY)"] }),
    ],
    ["URLs without a user", { kvConnectors: { lmcache: { remoteUrl: "redis://cache:6379/a@b" } } }],
    ["a Secret", { hccl: { env: { HF_TOKEN: REF } }, kvConnectors: { lmcache: { remoteUrl: REF } } }],
    ["tokenizers", { hccl: { env: { TOKENIZERS_PARALLELISM: "maybe" } } }],
  ])("%s are none", (_name, body) => {
    expect(told(body)).toEqual([]);
  });

  it("are refused where a document is changed, warned about where it stays, and leave it in force", () => {
    const data = { "defaults.yaml": "hccl: {env: {HF_TOKEN: hf_abcdef}}" };
    const object = { metadata: { name: "kthena-ascend-defaults", namespace: "sys" }, data };
    const places = { releaseNamespace: "sys", namespaced: true, cluster: [] };
    const request = (before: JsonObject): AdmissionRequest => ({
      uid: "u",
      kind: { group: "", version: "v1", kind: "ConfigMap" },
      operation: "UPDATE",
      namespace: "sys",
      object,
      oldObject: { ...object, data: before },
    });
    expect(configMapFindings(request({}), places).map(({ severity }) => severity)).toEqual(["deny"]);
    expect(configMapFindings(request(data), places).map(({ severity }) => severity)).toEqual(["warn"]);
    expect(clusterDocument(object, "c").ok).toBe(true);
  });
});

describe("a value in a Secret", () => {
  const pair = workload(
    { prefill: { args: ["-tp", "4"] }, decode: { args: ["-tp", "2"] } },
    { "kthena-ascend.io/inject": "true", "kthena-ascend.io/kv-connector": "lmcache" },
  );

  it("reaches every engine, and the sidecars that refer to it", () => {
    const container = {
      image: "i",
      env: [{ name: "URL", value: ref("lmcache.remoteUrl") }],
    };
    const today = defaultsWith({
      hccl: { env: { HF_TOKEN: REF, PLAIN: "x" } },
      kvConnectors: {
        lmcache: {
          remoteUrl: REF,
          env: { LM_SECRET: REF },
          sidecars: [{ name: "side", enabled: true, container }],
        },
      },
    });
    const { object } = complete(pair, today);
    for (const role of ["prefill", "decode"]) {
      const { env } = containerIn(object, role);
      for (const name of ["HF_TOKEN", "LMCACHE_REMOTE_URL", "LM_SECRET"])
        expect(env).toContainEqual({ name, ...REF });
      expect(env).toContainEqual({ name: "PLAIN", value: "x" });
      expect(containerIn(object, role, "side").env).toEqual([{ name: "URL", ...REF }]);
    }
  });

  it("stands in a variable as a whole only", () => {
    const container = { image: "i", args: [ref("lmcache.remoteUrl")] };
    const body = { kvConnectors: { lmcache: { remoteUrl: REF, sidecars: [{ name: "s", container }] } } };
    const parsed = parseDefaults(JSON.stringify(body), "d");
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ message: "refers to a URL that is kept in a Secret" }],
    });
  });

  it.each<[JsonObject, string]>([
    [{ valueFrom: { secretKeyRef: { name: "S", key: "k" } } }, "hccl.env.A.valueFrom.secretKeyRef.name"],
    [{ valueFrom: { secretKeyRef: { name: "s" } } }, "hccl.env.A.valueFrom.secretKeyRef.key"],
    [{ valueFrom: {} }, "hccl.env.A.valueFrom"],
    [{ valueFrom: { secretKeyRf: { name: "s", key: "k" } } }, "hccl.env.A.valueFrom.secretKeyRf"],
    [{ value: "x" }, "hccl.env.A.value"],
  ])("%j is told at its place", (value, path) => {
    const parsed = parseDefaults(JSON.stringify({ hccl: { env: { A: value } } }), "d");
    if (parsed.ok) throw new Error("should be refused");
    expect(parsed.problems.map((problem) => problem.path)).toContain(path);
  });

  it("a number for a variable is told as before", () => {
    const parsed = parseDefaults("hccl: {env: {A: 1}}", "d");
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ path: "hccl.env.A", fix: "write a value of type string" }],
    });
  });
});

describe("a namespace's sidecar", () => {
  const open = { source: "c", document: { namespaceMay: ["kvConnectors"] } };
  const problemsOf = (given: JsonObject): string[] => {
    const parsed = parseDefaults(
      JSON.stringify({
        kvConnectors: { mooncake: { sidecars: [{ name: "mooncake-store-client", ...given }] } },
      }),
      "d",
    );
    if (!parsed.ok) return parsed.problems.map(({ path }) => path);
    const layer = { source: "d", document: parsed.document };
    const { settings, problems } = resolveDefaults([open], { name: "n", document: layer });
    const shipped = resolveDefaults([]).settings.kvConnectors.mooncake.sidecars;
    if (problems.length > 0) expect(settings.kvConnectors.mooncake.sidecars).toEqual(shipped);
    return problems.map(({ path }) => path);
  };
  const context = (securityContext: JsonObject): JsonObject => ({
    container: { image: "i", securityContext },
  });

  it.each<[string, JsonObject]>([
    ["securityContext.privileged", context({ privileged: true })],
    ["securityContext.privileged", context({ privileged: "true" })],
    ["securityContext.allowPrivilegeEscalation", context({ allowPrivilegeEscalation: true })],
    ["securityContext.capabilities.add[0]", context({ capabilities: { add: ["SYS_ADMIN"] } })],
    ["securityContext.capabilities.add[0]", context({ capabilities: { add: ["cap_net_admin"] } })],
    ["securityContext.capabilities.add[1]", context({ capabilities: { add: ["NET_BIND_SERVICE", "ALL"] } })],
    ["securityContext.procMount", context({ procMount: "Unmasked" })],
    ["securityContext.seccompProfile.type", context({ seccompProfile: { type: "Unconfined" } })],
    ["securityContext.appArmorProfile.type", context({ appArmorProfile: { type: "Unconfined" } })],
    ["securityContext.windowsOptions", context({ windowsOptions: { hostProcess: true } })],
    ["securityContext.seLinuxOptions.type", context({ seLinuxOptions: { type: "spc_t" } })],
    ["securityContext.seLinuxOptions.user", context({ seLinuxOptions: { user: "system_u" } })],
    ["ports[0].hostPort", { container: { image: "i", ports: [{ containerPort: 1, hostPort: 1 }] } }],
    [
      "volumeMounts[0].mountPropagation",
      { container: { image: "i", volumeMounts: [{ mountPropagation: "Bidirectional" }] } },
    ],
    ["volumeDevices", { container: { image: "i", volumeDevices: [{ name: "d", devicePath: "/dev/x" }] } }],
    [
      "livenessProbe.httpGet.host",
      {
        container: {
          image: "i",
          livenessProbe: { failureThreshold: 99, httpGet: { host: "10.0.0.1", port: 1 } },
        },
      },
    ],
    [
      "lifecycle.preStop.tcpSocket.host",
      { container: { image: "i", lifecycle: { preStop: { tcpSocket: { host: "h" } } } } },
    ],
    ["hostNetwork", { container: { image: "i", hostNetwork: true } }],
    ["volumes[0].hostPath", { volumes: [{ name: "v", hostPath: { path: "/" } }] }],
    ["volumes[0].hostPath", { container: { image: "i" }, volumes: [{ name: "v", hostPath: { path: "/" } }] }],
    ["volumes[0].nfs", { volumes: [{ name: "v", nfs: { server: "s", path: "/" } }] }],
    ["volumes[0].flexVolume", { volumes: [{ name: "v", flexVolume: { driver: "d" } }] }],
  ])("is refused and left out for %s", (path, given) => {
    const found = problemsOf(given);
    expect(found.some((one) => one.endsWith(path))).toBe(true);
  });

  it("may have what its own pods may have anyway", () => {
    expect(
      problemsOf({
        ...context({
          privileged: false,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
          seccompProfile: { type: "RuntimeDefault" },
          runAsNonRoot: true,
        }),
        volumes: [
          { name: "v", emptyDir: {} },
          { name: "s", secret: { secretName: "x" } },
        ],
      }),
    ).toEqual([]);
  });

  it("with a host path and no container is refused in the cluster's document too, where it is applied", () => {
    const [problem] = told({
      kvConnectors: {
        mooncake: {
          sidecars: [{ name: "mooncake-store-client", volumes: [{ name: "v", hostPath: { path: "/" } }] }],
        },
      },
    });
    expect(problem).toMatch(/^kvConnectors.mooncake.sidecars\[0\].volumes\[0\].hostPath reaches the host/);
  });
});

it.each([
  ["a://u:p@h", true],
  ["x a://h b://u@h", true],
  ["a://h/u@h", false],
  ["a://h?u@h", false],
  ["u@h", false],
  ["://".repeat(20_000), false],
])("%s has a user in it: %s", (text, expected) => {
  expect(hasUserinfo(text)).toBe(expected);
});
