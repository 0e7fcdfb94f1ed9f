import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { checkDefaults } from "../../src/defaults/parse.ts";
import { parsePinned, pinnedText } from "../../src/defaults/pinned.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { MAX_SETTINGS_BYTES, sourceOf } from "../../src/defaults/settings.ts";
import { withContainerDefaults, withVolumeDefaults } from "../../src/injectors/crd-defaults.ts";

const document = (kvConnectors: JsonObject, more: JsonObject = {}) => {
  const checked = checkDefaults(
    { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", kvConnectors, ...more },
    "test",
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.document;
};
const problems = (kvConnectors: JsonObject): string => {
  const checked = checkDefaults(
    { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", kvConnectors },
    "test",
  );
  return checked.ok
    ? ""
    : checked.problems.map(({ path, message, fix }) => `${path} ${message}; ${fix}`).join("\n");
};

describe("kvConnectors in the defaults", () => {
  it("are layered, lists of named things by name, with where each came from", () => {
    const { settings, provenance } = resolveDefaults([
      {
        source: "one",
        document: document({
          mooncake: { masterAddress: "a:1", versions: [{ from: "0.30", class: "New" }] },
        }),
      },
      {
        source: "two",
        document: document({
          mooncake: { segmentSize: "2GB", versions: [{ from: "0.11", useAscendDirect: false }] },
        }),
      },
    ]);
    const { mooncake } = settings.kvConnectors;
    expect(mooncake).toMatchObject({ masterAddress: "a:1", segmentSize: "2GB", prefillPort: 36000 });
    expect(mooncake.versions.map(({ from }) => from)).toEqual([
      "0.10",
      "0.11",
      "0.12",
      "0.14",
      "0.18",
      "0.30",
    ]);
    expect(mooncake.versions.find(({ from }) => from === "0.11")).toMatchObject({
      class: "MooncakeConnectorV1",
      useAscendDirect: false,
    });
    expect(mooncake.versions.at(-1)).toMatchObject({ class: "New", storeClass: "AscendStoreConnector" });
    expect(sourceOf(provenance, "kvConnectors.mooncake.masterAddress")).toBe("one");
    expect(sourceOf(provenance, "kvConnectors.mooncake.segmentSize")).toBe("two");
    expect(sourceOf(provenance, "kvConnectors.lmcache.chunkSize")).toBe("built-in");
  });

  it("cannot be set by a namespace unless the cluster lets it", () => {
    const cluster = { source: "cluster", document: document({}) };
    const own = {
      source: "own",
      document: document({
        mooncake: { env: { "A.B": "1" }, sidecars: [{ name: "kv-routing-proxy", enabled: true }] },
      }),
    };
    const refused = resolveDefaults([cluster], { name: "n", document: own });
    expect(refused.problems.map(({ path }) => path)).toEqual([
      "kvConnectors.mooncake.env",
      "kvConnectors.mooncake.sidecars",
    ]);
    expect(refused.settings.kvConnectors.mooncake).toMatchObject({
      env: {},
      sidecars: [{ enabled: false }, { enabled: false }],
    });
    const open = {
      source: "cluster",
      document: document({}, { namespaceMay: ["kvConnectors.mooncake.env"] }),
    };
    const some = resolveDefaults([open], { name: "n", document: own });
    expect(some.settings.kvConnectors.mooncake.env).toEqual({ "A.B": "1" });
    expect(some.problems.map(({ path }) => path)).toEqual(["kvConnectors.mooncake.sidecars"]);
  });

  it("leave room in what is pinned with each object: what is shipped is not repeated there", () => {
    const standard = resolveDefaults([]);
    expect(standard.text.length).toBeLessThan(MAX_SETTINGS_BYTES / 10);
    expect(standard.text).not.toContain("kv-routing-proxy");
    const own = document({ mooncake: { sidecars: [{ name: "kv-routing-proxy", enabled: true }] } });
    expect(resolveDefaults([{ source: "own", document: own }]).text).toContain("kv-routing-proxy");
    const pinned = parsePinned(pinnedText(standard.text, {}), standard)?.base;
    expect(pinned?.settings.kvConnectors).toEqual(standard.settings.kvConnectors);
    expect(pinned?.text).toBe(standard.text);
  });

  it.each<[string, JsonObject, RegExp]>([
    [
      "a port in the transport's range",
      { mooncake: { prefillPort: 20001 } },
      /prefillPort 20001 is in the transport's own range/,
    ],
    [
      "the same where the range is moved",
      { mooncake: { decodePort: 41000, transportBasePort: 40000 } },
      /write 56000 or more/,
    ],
    ["a port that leaves no room below HCCL's", { mooncake: { decodePort: 60000 } }, /HCCL's ports/],
    ["an address without a port", { mooncake: { masterAddress: "mooncake" } }, /must be HOST:PORT/],
    ["a segment that is no whole GB", { mooncake: { segmentSize: "512MB" } }, /whole number of GB/],
    [
      "a variable that a setting stands for",
      { mooncake: { env: { MOONCAKE_MASTER: "a:1" } } },
      /set mooncake\.masterAddress/,
    ],
    [
      "a variable that would replace the image's",
      { lmcache: { env: { LD_LIBRARY_PATH: "/x" } } },
      /replace the image's/,
    ],
    ["a name that is none", { nixl: { env: { "A B": "1" } } }, /no name of an environment variable/],
    ["LMCache without any place", { lmcache: { localCpu: false, remoteUrl: "" } }, /no place at all/],
    ["a version that is a number", { engineVersion: 0.18 as unknown as string }, /engineVersion/],
    ["a mistyped key", { mooncake: { masterAdress: "a:1" } }, /did you mean "masterAddress"/],
    [
      "a sidecar that stands twice",
      { nixl: { sidecars: [{ name: "a", container: { image: "x" } }, { name: "a" }] } },
      /stands twice/,
    ],
  ])("refuse %s", (_, kv, expected) => expect(problems(kv)).toMatch(expected));

  it("are said to be auto and resolved by the server's version", () => {
    const layer = { source: "x", document: document({ sidecarMode: "auto" }) };
    const mode = (version?: string) =>
      resolveDefaults([layer], undefined, version).settings.kvConnectors.sidecarMode;
    expect([mode("v1.28.9"), mode("v1.29.0"), mode("v1.36.3+k3s1"), mode("garbage"), mode()]).toEqual([
      "container",
      "native",
      "native",
      "native",
      "native",
    ]);
  });
});

describe("what the API server adds by itself", () => {
  it("stands in additions already", () => {
    const container = {
      image: "x",
      ports: [{ containerPort: 1 }, { containerPort: 2, protocol: "UDP" }],
      readinessProbe: { grpc: { port: 3 } },
      env: [{ name: "A", valueFrom: { secretKeyRef: { key: "k" } } }],
      envFrom: [{ secretRef: { optional: true } }],
    };
    expect(withContainerDefaults(container)).toEqual({
      image: "x",
      ports: [
        { containerPort: 1, protocol: "TCP" },
        { containerPort: 2, protocol: "UDP" },
      ],
      readinessProbe: { grpc: { port: 3, service: "" } },
      env: [{ name: "A", valueFrom: { secretKeyRef: { key: "k", name: "" } } }],
      envFrom: [{ secretRef: { optional: true, name: "" } }],
    });
    const volume = { name: "v", rbd: { image: "i", pool: "p" } };
    expect(withVolumeDefaults(volume)).toEqual({
      name: "v",
      rbd: { image: "i", pool: "p", keyring: "/etc/ceph/keyring", user: "admin" },
    });
    expect(withVolumeDefaults({ name: "v", projected: { sources: [{ configMap: {} }] } })).toEqual({
      name: "v",
      projected: { sources: [{ configMap: { name: "" } }] },
    });
  });
});
