import { describe, expect, it } from "vitest";
import { askProblems, asksOfNamespace, readAsks } from "../../src/defaults/asks.ts";
import type { DefaultsDocument } from "../../src/defaults/document.ts";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { type Layer, resolveDefaults } from "../../src/defaults/resolve.ts";
import { sourceOf } from "../../src/defaults/settings.ts";

const HEAD = "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\n";
const problems = (body: string) => {
  const parsed = parseDefaults(HEAD + body, "d.yaml");
  return parsed.ok
    ? []
    : parsed.problems.map(({ path, message, fix, line }) => ({ path, message, fix, line }));
};
const layer = (source: string, rest: Partial<DefaultsDocument>): Layer => ({
  source,
  document: { apiVersion: "kthena-ascend.io/v1alpha1", kind: "AscendDefaults", ...rest },
});

describe("a defaults document", () => {
  it("may leave out everything but its head", () => {
    expect(problems("")).toEqual([]);
  });

  it.each([
    ["sharedmemory: {}", "sharedmemory", /did you mean "sharedMemory"/],
    ["hccl:\n  socketIfName: eth0", "hccl.socketIfName", /did you mean "socketIfname"/],
    [
      "driverMounts:\n  extra:\n    - {name: a, hostPath: /a, typ: File}",
      "driverMounts.extra[0].typ",
      /did you mean "type"/,
    ],
    ["platform: cceai", "platform", /write one of: cce, mindcluster, bare, custom/],
    ["sharedMemory: {sizeLimit: 16GB}", "sharedMemory.sizeLimit", /sharedMemory\.sizeLimit/],
    ["startupProbe: {periodSeconds: 0}", "startupProbe.periodSeconds", /./],
    ["startupProbe: {enabled: 'yes'}", "startupProbe.enabled", /type boolean/],
    ["npu: {resourceName: nvidia.com/gpu}", "npu.resourceName", /./],
    ["hccl: {socketIfname: '=eth0'}", "hccl.socketIfname", /./],
    ["platform: custom", "npu.resourceName", /device plugin/],
    ["hardware: custom", "npu.allowedCounts", /NPUs one pod can have/],
    ["hardware: a2\nfabric: hccs", "fabric", /roce, or hardware: a3/],
    ["npu: {perNode: 4, allowedCounts: [1, 8]}", "npu.allowedCounts[1]", /4 at most/],
    ["hccl: {env: {HCCL_IF_IP: 10.0.0.1}}", "hccl.env.HCCL_IF_IP", /remove/],
    [
      "hccl: {env: {HCCL_INTRA_ROCE_ENABLE: '1', HCCL_INTRA_PCIE_ENABLE: '1'}}",
      "hccl.env.HCCL_INTRA_PCIE_ENABLE",
      /keep one/,
    ],
    [
      "driverMounts: {extra: [{name: a, hostPath: /dev/davinci0}]}",
      "driverMounts.extra[0].hostPath",
      /remove/,
    ],
    [
      "driverMounts: {extra: [{name: a, hostPath: /usr/local/Ascend}]}",
      "driverMounts.extra[0].mountPath",
      /driver/,
    ],
    ["driverMounts: {omit: [ascend-hccn-config]}", "driverMounts.omit[0]", /did you mean "ascend-hccn-conf"/],
    [
      "scheduling: {annotations: {volcano.sh/task-spec: x}}",
      "scheduling.annotations.volcano.sh/task-spec",
      /remove/,
    ],
    ["hardwareBySelector: [{nodeSelector: {}, hardware: a3}]", "hardwareBySelector[0].nodeSelector", /./],
    ["rules: {npu/count-shape: warning}", "rules.npu/count-shape", /deny, warn, off, default/],
  ])("is refused for %s at %s", (body, path, fix) => {
    const found = problems(body);
    expect(found.map((problem) => problem.path)).toContain(path);
    expect(found.find((problem) => problem.path === path)?.fix).toMatch(fix);
  });

  it("tells every problem at once, each with its line", () => {
    const found = problems("platfrom: cce\nhccl:\n  socketIfname: ''\nsharedMemory:\n  sizeLimit: 0\n");
    expect(found.map(({ path, line }) => [path, line]).sort()).toEqual([
      ["hccl.socketIfname", 5],
      ["platfrom", 3],
      ["sharedMemory.sizeLimit", 7],
    ]);
  });

  it("that is no YAML is told with the line", () => {
    expect(problems("hccl: [")[0]).toMatchObject({ path: "", message: expect.stringContaining("no YAML") });
    expect(problems("hccl: [")[0]?.line).toBeGreaterThan(2);
  });

  it("with a wrong or missing head is refused", () => {
    expect(parseDefaults("", "d").ok).toBe(false);
    expect(parseDefaults("- 1", "d").ok).toBe(false);
    expect(parseDefaults("apiVersion: v1\nkind: AscendDefaults", "d").ok).toBe(false);
  });
});

describe("resolved defaults", () => {
  it("say where each value came from", () => {
    const resolved = resolveDefaults([
      layer("one.yaml", { hccl: { socketIfname: "eth1" } }),
      layer("two.yaml", { hardware: "a3" }),
    ]);
    expect(resolved.settings).toMatchObject({ hardware: "a3", hccl: { socketIfname: "eth1" } });
    expect(sourceOf(resolved.provenance, "hccl.socketIfname")).toBe("one.yaml");
    expect(sourceOf(resolved.provenance, "hardware")).toBe("two.yaml");
    expect(sourceOf(resolved.provenance, "npu.resourceName")).toBe("preset of platform cce");
    expect(sourceOf(resolved.provenance, "gang.enabled")).toBe("built-in");
  });

  it("take the resource name and mounts of the platform, unless they are set", () => {
    const preset = resolveDefaults([layer("c", { platform: "mindcluster" })]).settings;
    expect(preset.npu.resourceName).toBe("huawei.com/Ascend910");
    expect(preset.driverMounts.map(({ name }) => name)).toContain("ascend-version-info");
    const set = resolveDefaults([
      layer("c", { platform: "mindcluster", npu: { resourceName: "huawei.com/npu" } }),
    ]).settings;
    expect(set.npu.resourceName).toBe("huawei.com/npu");
  });

  it("merge lists of named things by name", () => {
    const extra = (hostPath: string, name = "site") => ({ name, hostPath });
    const { driverMounts } = resolveDefaults([
      layer("one", {
        driverMounts: { extra: [extra("/a"), extra("/b", "other")], omit: ["ascend-hccn-tool"] },
      }),
      layer("two", { driverMounts: { extra: [extra("/c")] } }),
    ]).settings;
    expect(driverMounts.map(({ name, hostPath }) => [name, hostPath])).toEqual([
      ["ascend-install-info", "/etc/ascend_install.info"],
      ["ascend-hccn-conf", "/etc/hccn.conf"],
      ["site", "/c"],
      ["other", "/b"],
    ]);
  });

  it("let a namespace set only what the cluster allows", () => {
    const namespace = layer("ns.yaml", {
      hccl: { socketIfname: "eth5", env: { A: "1" } },
      driverMounts: { extra: [{ name: "root", hostPath: "/" }] },
      npu: { inferFromArguments: false, resourceName: "huawei.com/npu" },
      rules: { "npu/count-shape": "off" },
    });
    const { settings, problems: left } = resolveDefaults([], { name: "n", document: namespace });
    expect(settings.hccl).toMatchObject({ socketIfname: "eth5", env: {} });
    expect(settings.npu).toEqual({ inferFromArguments: false, resourceName: "huawei.com/ascend-1980" });
    expect(settings.driverMounts.map(({ name }) => name)).not.toContain("root");
    expect(left.map(({ path }) => path).sort()).toEqual([
      "driverMounts.extra",
      "hccl.env",
      "npu.resourceName",
    ]);
    const opened = resolveDefaults([layer("c", { namespaceMay: ["hccl"] })], {
      name: "n",
      document: namespace,
    });
    expect(opened.settings.hccl.env).toEqual({ A: "1" });
    expect(opened.problems.map(({ path }) => path)).toContain("rules");
  });

  it("that are too large to be kept with each object are told", () => {
    const env = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`SITE_${index}`, "x".repeat(100)]),
    );
    const { problems: found } = resolveDefaults([layer("big.yaml", { hccl: { env } })]);
    expect(found[0]).toMatchObject({ source: "big.yaml", message: expect.stringContaining("32768 at most") });
  });
});

describe("annotations", () => {
  const key = (name: string) => `kthena-ascend.io/${name}`;

  it.each([
    ["inject", "yes", /"true" or "false"/],
    ["npus", "0", /whole number/],
    ["npus", "8.5", /whole number/],
    ["hardware", "A3", /did you mean "a3"/],
    ["kv-connector", "mooncacke", /did you mean "mooncake"/],
    ["socket-ifname", "eth0,eth1", /one plain interface name/],
    ["engine-container", "Not A Name", /name of a container/],
  ])("%s: %s is told with what to write", (name, value, fix) => {
    const [problem] = askProblems({ annotations: { [key(name)]: value } });
    expect(problem?.unknown).toBe(false);
    expect(problem?.fix).toMatch(fix);
    expect(readAsks({ [key(name)]: value })).toEqual({});
  });

  it("near ours on a Namespace hold nothing, are kept to be told, and are not pinned", () => {
    const annotations = {
      npu: "4",
      "ascend.kthena.io/inject": "true",
      "kthena-ascend.io/socket-ifname": "eth4",
      "ascend.example.org/cost-center": "7",
      other: "x",
    };
    const asks = asksOfNamespace(annotations);
    expect(Object.keys(asks).sort()).toEqual([
      "ascend.kthena.io/inject",
      "kthena-ascend.io/socket-ifname",
      "npu",
    ]);
    const { settings, nearAsks, text } = resolveDefaults([], { name: "n", asks });
    expect(settings.asks).toEqual({ "kthena-ascend.io/socket-ifname": "eth4" });
    expect(nearAsks).toEqual({ npu: "4", "ascend.kthena.io/inject": "true" });
    expect(text).not.toContain("ascend.kthena.io");
  });

  it("near ours on a Namespace are told by a few, however many there are", () => {
    const many = Array.from({ length: 5_000 }, (_, index) => [`x${index}.ascend.io/inject`, "true"]);
    expect(Object.keys(asksOfNamespace(Object.fromEntries(many)))).toHaveLength(8);
  });

  it("with an unknown name are told with the closest known one", () => {
    const [problem] = askProblems({ annotations: { [key("injekt")]: "true", other: "x" } });
    expect(problem).toMatchObject({ unknown: true, fix: 'did you mean "kthena-ascend.io/inject"?' });
  });
});
