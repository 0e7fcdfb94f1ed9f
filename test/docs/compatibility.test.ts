import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { listOf, objectOf } from "../../src/api/json.ts";
import { reviewDeclared, reviewOptions } from "../../src/commands/review/command.ts";
import { review } from "../../src/commands/review/review.ts";
import type { HARDWARE_NAMES } from "../../src/defaults/hardware.ts";
import { RESOURCE_NAMES } from "../../src/engines/resource-names.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { readPage } from "./console-blocks.ts";

/** deploy/compatibility.md says what the files say that versions come from. */

const ROOT = join(import.meta.dirname, "../..");
const page = await readPage("deploy/compatibility.md");

function read(file: string): Promise<string> {
  return readFile(join(ROOT, file), "utf8");
}

function row(name: string): string {
  const found = page.split("\n").find((line) => line.startsWith(`| ${name} |`));
  if (found === undefined) throw new Error(`no row ${name}`);
  return found;
}

async function moduleVersion(folder: string, name: string): Promise<string> {
  const [, version] = new RegExp(`${name} v(\\S+)`).exec(await read(`${folder}/go.mod`)) ?? [];
  if (version === undefined) throw new Error(`no ${name} in ${folder}`);
  return version;
}

test("Kubernetes: what the chart takes, and what the tests run against", async () => {
  const { kubeVersion } = parse(await read("deploy/chart/Chart.yaml")) as { kubeVersion: string };
  const [, least] = /^>=(\d+\.\d+)\.0-0$/.exec(kubeVersion) ?? [];
  expect(row("Kubernetes")).toContain(`| ${least} and later`);
  const tested = await moduleVersion("test/cluster/control-plane/kubernetes", "k8s.io/kubernetes");
  expect(row("Kubernetes")).toContain(`the tests run against ${tested} |`);
  for (const other of ["README.md", "deploy/README.md", "deploy/chart/README.md"])
    expect(await readPage(other)).toContain(`Kubernetes ${least} or later`);
});

test("Kthena: the versions of its API that the CRDs of the tests have", async () => {
  const files = globSync("test/cluster/crds/kthena/*.yaml", { cwd: ROOT });
  expect(files).toHaveLength(4);
  for (const file of files) {
    const { group, versions } = objectOf(objectOf(parse(await read(file))).spec);
    for (const { name } of listOf(versions).map(objectOf))
      expect(row("Kthena")).toContain(`\`${String(group)}/${String(name)}\``);
  }
});

test("Node.js: what the package takes, and what it is tested with", async () => {
  const { engines } = JSON.parse(await read("package.json")) as { engines: { node: string } };
  const least = engines.node.replace(">=", "");
  const lock = JSON.parse(await read("package-lock.json")) as {
    packages: Record<string, { version: string }>;
  };
  const tested = lock.packages["node_modules/node"]?.version.split(".")[0];
  expect(row("Node.js")).toContain(`| ${least} and later to run it; ${tested} in the image |`);
  expect(row("Node.js")).toContain(`the tests run on ${tested} |`);
  expect(await readPage("README.md")).toContain(`Node ${least} or later`);
});

test("helm and Flux: what the tests run with", async () => {
  const helm = await moduleVersion("test/cluster/control-plane/helm", "helm.sh/helm/v4");
  expect(row("helm")).toContain(`the tests run with ${helm} |`);
  const flux = await moduleVersion("test/cluster/flux", "github.com/fluxcd/pkg/ssa");
  expect(await readPage("deploy/gitops.md")).toContain(`\`github.com/fluxcd/pkg/ssa\` v${flux}`);
});

test("device plugins: everybody who publishes a name that is known, by a name that is known", () => {
  const plugins = row("device plugins");
  const known = RESOURCE_NAMES.filter(({ examples }) => examples.length > 0);
  for (const { publisher } of known) for (const one of publisher.split(", ")) expect(plugins).toContain(one);
  const named = [...plugins.matchAll(/`(?:huawei\.com\/)?([^`]+)`/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(4);
  for (const name of named)
    expect(
      known.some(({ pattern }) => pattern.test(name)),
      name,
    ).toBe(true);
});

test("hardware: every row of the table of hardware", () => {
  const names: Record<(typeof HARDWARE_NAMES)[number], string | undefined> = {
    a2: "A2",
    "a2-box16": "A2 Box16",
    a3: "A3",
    "a3-superpod": "A3 SuperPoD",
    a5: "A5",
    "310p": "310P",
    snt9: "910 (snt9)",
    custom: undefined,
  };
  const told = row("hardware")
    .split("|")[2]
    ?.split(",")
    .map((name) => name.trim());
  const all = Object.values(names).filter((name) => name !== undefined);
  expect(told?.sort()).toEqual(all.sort());
});

test("Kthena's own NPU templates are refused for the fields that the page names", async () => {
  const manifest = `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelBooster
metadata: {name: qwen}
spec:
  backend: {name: b, type: vLLM, modelURI: "hf://Qwen/Qwen3-8B", cacheURI: "hostpath:///c", minReplicas: 1, maxReplicas: 1, workers: [{type: server, image: i, replicas: 1, pods: 1}]}
`;
  const console = recordingConsole(manifest);
  const command = reviewDeclared().parse(["-f", "-", "-o", "json"], { from: "user" });
  expect(await review(reviewOptions([], command.opts(), "test"), console)).toBe(1);
  const [item] = JSON.parse(console.output).items as { findings: { path: string; severity: string }[] }[];
  const refused = item?.findings.filter(({ severity }) => severity === "deny").map(({ path }) => path);
  for (const field of ["minReplicas", "maxReplicas", "replicas"]) {
    expect(refused).toContain(`spec.backend.${field}`);
    expect(page).toContain(`\`${field}\``);
  }
});
