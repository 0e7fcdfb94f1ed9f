import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  code: number;
  out: string;
  err: string;
}

function run(args: string[], input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, "src/main.ts"), ...args],
      { cwd: root },
      (error, out, err) => {
        resolve({ code: error ? Number(error.code) : 0, out, err });
      },
    );
    child.stdin?.end(input);
  });
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const LEAN = `# kept
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata:
  name: m
  annotations: {kthena-ascend.io/inject: "true"} # kept too
spec:
  template:
    roles:
    - name: server
      entryTemplate:
        spec:
          containers:
          - name: vllm
            image: engine:1
            command: [vllm, serve, m]
            args: [-tp, "4"]
`;

describe("review", () => {
  it("shows the verdict and a diff, and with --explain the reason and source of each addition", async () => {
    const { code, out } = await run([
      "review",
      "--explain",
      "--color=never",
      "-f",
      await file("lean.yaml", LEAN),
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/ModelServing m .*: completed, \d+ additions/);
    expect(out).toContain('+                huawei.com/ascend-1980: "4"');
    expect(out).toContain("engine arguments: -tp 4".replace("-tp", "tensor-parallel-size"));
    expect(out).toContain("hccl.socketIfname (built-in)");
    expect(out).not.toContain("\u001b[");
  });

  it("ends with 1 where something is refused, at its line and column", async () => {
    const path = await file("refused.yaml", LEAN.replace('[-tp, "4"]', "[-tp, two]"));
    const { code, out } = await run(["review", path, "--color=never"]);
    expect(code).toBe(1);
    expect(out).toContain(`refused ${path}:`);
    expect(out).toContain("fix: set the annotation kthena-ascend.io/npus");
  });

  it("ends with 2 for what cannot be read, and still judges the rest", async () => {
    const broken = await file("broken.yaml", `${LEAN}---\nkind: [\n`);
    const { code, out, err } = await run(["review", broken, join(folder, "none.yaml"), "--color=never"]);
    expect(code).toBe(2);
    expect(err).toMatch(/broken\.yaml:\d+: is no YAML/);
    expect(err).toContain("none.yaml: does not exist");
    expect(out).toContain("completed");
  });

  it("writes complete manifests that keep comments, other kinds and their order", async () => {
    const other = "# of another kind\nkind: ConfigMap\napiVersion: v1\nmetadata: {name:   odd-spacing}\n";
    const { code, out } = await run(
      ["review", "-o", "yaml", "-f", "-"],
      `${other}---\n${LEAN}--- # last\n${other}`,
    );
    expect(code).toBe(0);
    expect(out.startsWith(other)).toBe(true);
    expect(out.endsWith(`--- # last\n${other}`)).toBe(true);
    expect(out).toContain("# kept\n");
    expect(out).toContain("# kept too");
    expect(out).toContain("    roles:\n    - name: server");
    const again = await run(["review", "-o", "patch", "-f", "-"], out);
    expect(JSON.parse(again.out).map((entry: { patch: unknown[] }) => entry.patch)).toEqual([[], [], []]);
  });

  it("gives a JSON Patch and JSON", async () => {
    const path = await file("lean.yaml", LEAN);
    const patch = JSON.parse((await run(["review", "-o", "patch", path])).out);
    expect(patch.length).toBeGreaterThan(3);
    const { apiVersion, items } = JSON.parse((await run(["review", "-o", "json", path])).out);
    const [entry] = items;
    expect(apiVersion).toBe("review.kthena-ascend.io/v1");
    expect(entry).toMatchObject({
      file: path,
      line: 2,
      kind: "ModelServing",
      name: "m",
      verdict: "completed",
      findings: [],
    });
    expect(entry.additions[0]).toHaveProperty("source");
  });

  it("takes a Namespace and its defaults among the manifests as a cluster would", async () => {
    const namespace =
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: default\n  annotations: {kthena-ascend.io/socket-ifname: eth4}\n";
    const { out } = await run(["review", "-o", "yaml", "-f", "-"], `${namespace}---\n${LEAN}`);
    expect(out).toContain("value: eth4");
    const defaults =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kthena-ascend-defaults, labels: {kthena-ascend.io/defaults: "true"}}\n' +
      "data:\n  defaults.yaml: |\n    apiVersion: kthena-ascend.io/v1alpha1\n    kind: AscendDefaults\n    hccl: {socketIfname: eth6}\n";
    expect((await run(["review", "-o", "yaml", "-f", "-"], `${defaults}---\n${LEAN}`)).out).toContain(
      "value: eth6",
    );
  });

  it("reads the objects of a List", async () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n${LEAN.split("\n")
      .map((line, index) => (index === 1 ? `- ${line}` : `  ${line}`))
      .slice(1)
      .join("\n")}`;
    const { code, out } = await run(["review", "-o", "yaml", "-f", "-"], list);
    expect(code).toBe(0);
    expect(parse(out).items[0].spec.template.roles[0].workerReplicas).toBe(0);
  });
});

describe("defaults", () => {
  it("are printed with where each value came from", async () => {
    const path = await file(
      "d.yaml",
      "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl: {socketIfname: eth1}\n",
    );
    const { code, out } = await run(["defaults", "--defaults", path]);
    expect(code).toBe(0);
    expect(out).toContain(`socketIfname: eth1 # ${path}`);
    expect(out).toContain("sizeLimit: 16Gi # built-in");
    expect(parse(out).hccl.socketIfname).toBe("eth1");
  });

  it("that are wrong are told with file, line, path and suggestion", async () => {
    const path = await file(
      "wrong.yaml",
      "apiVersion: kthena-ascend.io/v1alpha1\nkind: AscendDefaults\nhccl:\n  socketIfName: eth1\n",
    );
    const { code, err } = await run(["defaults", "-d", path]);
    expect(code).toBe(2);
    expect(err).toBe(`${path}:4: hccl.socketIfName is not a setting; did you mean "socketIfname"?\n`);
  });
});

describe("the command line", () => {
  it.each([
    [
      ["reveiw"],
      "kthena-ascend: unknown command 'reveiw'\n(Did you mean review?)\nSee kthena-ascend --help.\n",
    ],
    [["review"], "name at least one file"],
    [
      ["review", "x", "-o", "xml"],
      "argument 'xml' is invalid. Allowed choices are diff, findings, yaml, json",
    ],
    [
      ["review", "x", "--port", "1"],
      "kthena-ascend review: unknown option '--port'\nSee kthena-ascend review --help.\n",
    ],
    [["review", "x", "--explian"], "(Did you mean --explain?)\nSee kthena-ascend review --help.\n"],
    [["serve", "--port", "many"], "argument 'many' is invalid. It must be a whole number from 0 to 65535."],
    [["serve", "--tls-cert-file", "x"], "--tls-private-key-file is missing"],
    [["serve", "--tls-cert-file", "x", "--tls-private-key-file", "y"], "x: cannot be read"],
    [["defaults", "-d", "/nowhere/d.yaml"], "/nowhere/d.yaml: does not exist\n"],
    [["review", "x", "--cluster-facts", "/nowhere/f.yaml"], "/nowhere/f.yaml: does not exist\n"],
    [["rules", "npu", "hccl"], "kthena-ascend rules: too many arguments"],
    [["--nonsense"], "kthena-ascend: unknown option '--nonsense'\nSee kthena-ascend --help.\n"],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("helps", async () => {
    expect((await run(["--help"])).out).toContain("Commands:");
    expect((await run(["review", "--help"])).out).toContain("--explain");
    expect((await run(["help", "serve"])).out).toContain("--tls-cert-file");
    for (const args of [["--help"], ["help"], ["help", "serve"], ["review", "--help"], ["certs", "--help"]])
      expect((await run(args)).code, args.join(" ")).toBe(0);
    expect((await run(["help", "nonsense"])).code).toBe(2);
    expect((await run(["certs"])).code).toBe(2);
  });
});

describe("reconcile", () => {
  it("needs to know of which installation, and takes nothing of the webhook's", async () => {
    expect(await run(["reconcile"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("reconcile: --release is missing"),
    });
    expect(await run(["reconcile", "--release", "r", "--port", "1"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("kthena-ascend reconcile: unknown option '--port'"),
    });
  });
});
