import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unsupportedNode } from "../../src/commands/supported-node.js";

/** The package as it is installed: built, without the sources. */

const ROOT = join(import.meta.dirname, "..", "..");
let folder: string;

interface Ran {
  code: number;
  out: string;
  err: string;
}

function node(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-package-"));
  const { files } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const name of files as string[]) {
    if (/^[a-z-]+$/.test(name) && name !== "dist")
      await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  await new Promise<void>((resolve, reject) => {
    const args = ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(folder, "dist")];
    execFile(tsc, args, (error, out) => (error ? reject(new Error(out)) : resolve()));
  });
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

describe("the installed package", () => {
  test.each(["bootstrap", "inspect", "rotate"])(
    "has certs %s, as a command and as a script",
    async (name) => {
      const command = await node("dist/main.js", "certs", name, "--help");
      expect(command).toMatchObject({ code: 0, err: "" });
      expect(command.out).toContain("where its webhooks send reviews, else kthena-ascend-system");
      expect((await node(`certs-scripts/${name}.js`, "--help")).out).toBe(command.out);
    },
  );

  test("makes certificates without a cluster, and leaves those that are there", async () => {
    const made = await node("dist/main.js", "certs", "bootstrap", "--out", "made", "--dns=a.example");
    expect(made).toMatchObject({ code: 0, err: "" });
    expect(await readFile(join(folder, "made", "tls.crt"), "utf8")).toContain("BEGIN CERTIFICATE");
    const again = await node("dist/main.js", "certs", "bootstrap", "--out", "made");
    expect(again).toMatchObject({ code: 2, out: "", err: "made/ca.crt exists; --force replaces it\n" });
  });

  test.each([
    ["dist/main.js", "version"],
    ["certs-scripts/inspect.js", "--help"],
  ])("says on a Node that is too old what it needs, before it reads anything else: %s", async (...args) => {
    const older = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'18.20.4'}})";
    const { code, out, err } = await node("--import", older, ...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toBe(`${unsupportedNode("18.20.4", ">=22.19")}\n`);
  });

  test("is called kubectl ascend in its own help where kubectl calls it", async () => {
    await symlink(join(folder, "dist", "main.js"), join(folder, "kubectl-ascend"));
    expect((await node("kubectl-ascend", "--help")).out).toContain("Usage: kubectl ascend COMMAND");
    expect((await node("kubectl-ascend", "review", "--help")).out).toContain("Usage: kubectl ascend review ");
    expect((await node("kubectl-ascend", "reveiw")).err).toContain("See kubectl ascend --help.");
  });

  test("is quiet where the reader of its output goes away, and its verdict counts", async () => {
    const script = 'set -o pipefail; "$0" dist/main.js review -f examples/modelserving -o json | head -n 1';
    const ran = await new Promise<Ran>((resolve) => {
      execFile("bash", ["-c", script, process.execPath], { cwd: folder }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
    expect(ran).toEqual({ code: 0, out: "{\n", err: "" });
  });
});

test.each([
  ["20.11.0", false],
  ["22.18.9", false],
  ["22.19.0", true],
  ["24.21.0", true],
])("Node %s: supported %s", (version, supported) => {
  expect(unsupportedNode(version, ">=22.19") === undefined).toBe(supported);
});
