import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DEFAULTS_LIMITS } from "../../src/api/limits.ts";
import { showDefaults, showSchema } from "../../src/commands/defaults/defaults.ts";
import { commentedDocument } from "../../src/commands/defaults/document-text.ts";
import { defaultsJsonSchema } from "../../src/commands/defaults/schema.ts";
import { type DefaultsDocument, defaultsSchema } from "../../src/defaults/document.ts";
import { HARDWARE_NAMES } from "../../src/defaults/hardware.ts";
import { checkDefaults, parseDefaults } from "../../src/defaults/parse.ts";
import { PLATFORMS } from "../../src/defaults/presets.ts";
import { type Layer, type Resolution, resolveDefaults } from "../../src/defaults/resolve.ts";
import { defaultsProblems } from "../../src/rules/defaults-problems.ts";
import { recordingConsole } from "./recording-console.ts";

const ROOT = join(import.meta.dirname, "../..");

function layer(document: DefaultsDocument, source = "site.yaml"): Layer {
  return { source, document };
}

/** What is resolved from the text that was printed. */
function again(text: string): Resolution {
  const parsed = parseDefaults(text, "printed");
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.problems)}\n${text}`);
  expect(parsed.located(defaultsProblems(parsed.document, "printed"))).toEqual([]);
  return resolveDefaults([layer(parsed.document, "printed")]);
}

function expectSame(printed: Resolution, first: Resolution): void {
  expect(printed.settings).toEqual({ ...first.settings, asks: {} });
  expect(printed.namespaceMay).toEqual(first.namespaceMay);
  if (Object.keys(first.settings.asks).length === 0) expect(printed.text).toBe(first.text);
}

const word = fc.constantFrom(
  "a",
  "b1",
  "yes",
  "off",
  "1e3",
  "0x1f",
  "1_000",
  "~",
  "<<",
  "no",
  "12:30:45",
  "é",
  "",
);
const label = fc.constantFrom(
  "one",
  "two",
  "mooncake-store-client",
  "kv-routing-proxy",
  "constructor",
  "null",
);
const map = (value: fc.Arbitrary<string>) =>
  fc.dictionary(
    word.filter((key) => key !== ""),
    value,
    { maxKeys: 4 },
  );
const env = fc.dictionary(
  fc.constantFrom("HCCL_BUFFSIZE", "A", "YES", "constructor", "NULL"),
  fc.oneof(word, fc.constant({ valueFrom: { configMapKeyRef: { name: "c", key: "k" } } })),
  { maxKeys: 4 },
);
const mountName = fc.constantFrom("mine", "ascend-install-info", "ascend-hccn-conf", "ascend-driver-lib64");
const sidecar = fc.record(
  {
    name: label,
    enabled: fc.boolean(),
    pods: fc.constantFrom("entry", "worker", "all"),
    container: fc.record({ image: fc.constant("i:1"), command: fc.array(word, { maxLength: 2 }) }),
  },
  { requiredKeys: ["name"] },
);
const version = fc.record(
  { from: fc.constantFrom("0.9", "0.18", "0.18.0", "0.20", "1.0"), class: fc.constantFrom("C", "no") },
  { requiredKeys: ["from"] },
);
const optional = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(shape, { requiredKeys: [] });

const document = optional({
  mode: fc.constantFrom("enforce", "audit"),
  platform: fc.constantFrom("cce", "mindcluster", "bare", "custom"),
  hardware: fc.constantFrom(...HARDWARE_NAMES),
  hardwareBySelector: fc.array(
    fc.record({ nodeSelector: fc.record({ pool: word }), hardware: fc.constantFrom("a2", "a3") }),
    { maxLength: 2 },
  ),
  fabric: fc.constantFrom("", "roce", "hccs"),
  engineContainers: fc.array(fc.constantFrom("vllm", "no", "e"), { minLength: 1, maxLength: 3 }),
  npu: optional({
    resourceName: fc.constantFrom(
      "huawei.com/ascend-1980",
      "huawei.com/Ascend910",
      "huawei.com/ascend-310",
      "huawei.com/npu",
      "example.com/thing",
    ),
    inferFromArguments: fc.boolean(),
    perNode: fc.integer({ min: 1, max: 16 }),
    allowedCounts: fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 4 }),
  }),
  hccl: optional({ socketIfname: fc.constantFrom("eth0", "yes", "1e3"), env }),
  driverMounts: optional({
    extra: fc.uniqueArray(
      fc.record(
        {
          name: mountName,
          hostPath: fc.constantFrom("/x", "/etc/hccn.conf"),
          type: fc.constantFrom("", "File"),
          readOnly: fc.boolean(),
        },
        { requiredKeys: ["name", "hostPath"] },
      ),
      { selector: ({ name }) => name, maxLength: 4 },
    ),
    omit: fc.array(fc.constantFrom(...PLATFORMS.bare.driverMounts.map(({ name }) => name)), { maxLength: 3 }),
  }),
  sharedMemory: optional({ enabled: fc.boolean(), sizeLimit: fc.constantFrom("1Gi", "1e9") }),
  startupProbe: optional({ enabled: fc.boolean(), periodSeconds: fc.integer({ min: 1, max: 99 }) }),
  scheduling: optional({
    queue: fc.constantFrom("", "q", "no"),
    nodeSelector: map(word),
    annotations: map(word),
    tolerations: fc.array(optional({ key: word, effect: fc.constantFrom("", "NoSchedule") }), {
      maxLength: 3,
    }),
  }),
  gang: optional({
    enabled: fc.boolean(),
    networkTopology: optional({ groupPolicy: optional({ mode: fc.constant("hard") }) }),
  }),
  kvConnectors: optional({
    default: fc.constantFrom("none", "mooncake"),
    engineVersion: fc.constantFrom("", "0.18"),
    sidecarMode: fc.constantFrom("auto", "native", "container"),
    mooncake: optional({
      sidecars: fc.array(sidecar, { maxLength: 3 }),
      versions: fc.array(version, { maxLength: 3 }),
      hashSeed: fc.constantFrom("0", "007"),
      env,
    }),
    lmcache: optional({
      maxLocalCpuGB: fc.double({ min: 0, max: 1e22, noNaN: true }),
      versions: fc.array(version, { maxLength: 2 }),
    }),
  }),
  rules: fc.dictionary(
    fc.constantFrom("*", "kv/*", "npu/count-shape"),
    fc.constantFrom("warn", "off", "default", "deny"),
  ),
  namespaceMay: fc.array(fc.constantFrom("rules", "mode", "hccl"), { maxLength: 3 }),
});

/** Whether the document is one that is accepted by itself. */
function accepted(given: unknown): DefaultsDocument | undefined {
  const checked = checkDefaults(JSON.parse(JSON.stringify(given)), "site.yaml");
  if (!checked.ok || defaultsProblems(checked.document, "site.yaml").length > 0) return undefined;
  return checked.document;
}

describe("defaults -o yaml", () => {
  it("without a document prints one that changes nothing", () => {
    expectSame(again(commentedDocument(resolveDefaults([]))), resolveDefaults([]));
  });

  it("prints a document that is read again with the same result, whatever the documents are", () => {
    let compared = 0;
    fc.assert(
      fc.property(document, (given) => {
        const one = accepted(given);
        if (!one) return;
        compared += 1;
        const first = resolveDefaults([layer(one)], undefined, "v1.28.0");
        // A sidecar without a container is told of and left out.
        expectSame(again(commentedDocument(first)), first);
      }),
      { numRuns: 600 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  it("prints one document of several, or says where they contradict each other", () => {
    let compared = 0;
    fc.assert(
      fc.property(document, document, document, (...given) => {
        const layers = given.flatMap((one) => accepted(one) ?? []);
        const [own, ...cluster] = layers.map((one, index) => layer(one, `${index}.yaml`));
        const first = resolveDefaults(cluster, own && { name: "n", document: own });
        const text = commentedDocument(first);
        const parsed = parseDefaults(text, "printed");
        if (!parsed.ok) {
          const lines = parsed.problems.map(({ path, message }) => `${path} ${message}`).join();
          expect(lines).not.toMatch(/is not a setting|write a value of type|YAML/);
          return;
        }
        compared += 1;
        expectSame(again(text), first);
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(30);
  });

  it("names where each value came from, for lists and what presets bring too", () => {
    const site: DefaultsDocument = {
      platform: "mindcluster",
      driverMounts: { extra: [{ name: "mine", hostPath: "/x" }] },
      kvConnectors: { mooncake: { versions: [{ from: "0.20" }] } },
      engineContainers: ["e"],
    };
    const text = commentedDocument(resolveDefaults([layer(site)]));
    expect(text).toContain("platform: mindcluster # site.yaml");
    expect(text).toContain("# hardware: a2 # built-in");
    expect(text).toContain("# engineContainers: site.yaml");
    expect(text).toContain("# resourceName: huawei.com/Ascend910 # preset of platform mindcluster");
    expect(text).toContain("# allowedCounts: [1, 2, 3, 4, 5, 6, 7, 8] # preset of hardware a2");
    expect(text).toContain("# ascend-hccn-conf: /etc/hccn.conf # preset of platform mindcluster");
    expect(text).toContain("- name: mine # site.yaml");
    expect(text).toContain('- from: "0.18" # built-in');
    expect(text).toContain('- from: "0.20" # site.yaml');
  });

  it("has annotations of the Namespace beside the document", () => {
    const text = commentedDocument(
      resolveDefaults([], { name: "n", asks: { "kthena-ascend.io/npus": "4" } }),
    );
    expect(text).toContain('# kthena-ascend.io/npus: "4" # annotation of Namespace n');
    again(text);
  });

  it("cannot be led astray by the name of a file or the value of an annotation", () => {
    const evil = 'a\nrules: {"*": off}\r#\u2028x: 1';
    const text = commentedDocument(
      resolveDefaults([layer({ mode: "audit" }, evil)], { name: "n", asks: { "kthena-ascend.io/x": evil } }),
    );
    expect(again(text).settings).toMatchObject({ mode: "audit", rules: {}, asks: {} });
  });

  it("is never too long to be read again", () => {
    const keys = Array.from({ length: 500 }, (_, index) => [`VAR_${index}`, "v".repeat(20)]);
    const site = layer({ hccl: { env: Object.fromEntries(keys) } }, "d/".repeat(100));
    const text = commentedDocument(resolveDefaults([site]));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(DEFAULTS_LIMITS.textBytes);
    expectSame(again(text), resolveDefaults([site]));
  });

  it("reads the same in YAML 1.1, as kubectl and helm read it", () => {
    const site = layer({ hccl: { env: { A: "yes", B: "012", C: "1:30" } }, rules: { "*": "off" } });
    const text = commentedDocument(resolveDefaults([site]));
    expect(parse(text, { version: "1.1" })).toEqual(parse(text));
  });

  it("warns where documents that are right one by one contradict each other", async () => {
    const console = recordingConsole();
    const files = [join(ROOT, "test/commands/defaults-a.yaml"), join(ROOT, "test/commands/defaults-b.yaml")];
    const wanted = {
      defaults: files,
      namespaceDefaults: undefined,
      cluster: undefined,
      output: "yaml" as const,
    };
    expect(await showDefaults(wanted, console)).toBe(0);
    expect(console.errors).toContain(
      "the documents together: npu.allowedCounts[0] 8 is more than npu.perNode, 4",
    );
  });
});

describe("defaults --schema", () => {
  it("is the schema that the package has", async () => {
    const console = recordingConsole();
    expect(showSchema(console)).toBe(0);
    const shipped = JSON.parse(await readFile(join(ROOT, "schemas/defaults.json"), "utf8"));
    expect(JSON.parse(console.output), "run npm run docs").toEqual(shipped);
    expect(shipped).toEqual(JSON.parse(JSON.stringify(defaultsJsonSchema())));
  });

  it("knows every setting", () => {
    const { properties } = defaultsJsonSchema() as { properties: object };
    expect(Object.keys(properties)).toEqual(Object.keys(defaultsSchema.shape));
  });

  it("is named in the first line of what is written", () => {
    expect(commentedDocument(resolveDefaults([]))).toMatch(
      /^# yaml-language-server: \$schema=ascend-defaults\.schema\.json\n/,
    );
  });
});
