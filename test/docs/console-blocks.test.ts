import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  blocksWithoutCommand,
  commandsOf,
  pageNames,
  readersFolder,
  readPage,
  removeFolder,
  runAsReader,
  type Shown,
  servesAsReader,
  shows,
} from "./console-blocks.ts";
import { runnerOf, SCRIPTS, SUITES } from "./runners.ts";

/** Pages with `text` blocks that no command prints: a drawing, an example of a condition. */
const DRAWINGS = ["src/README.md", "src/conditions/README.md"];

const shown: Shown[] = [];
for (const page of await pageNames()) shown.push(...commandsOf(page, await readPage(page)));

describe("the commands of the pages", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await readersFolder();
  });

  afterAll(() => removeFolder(folder));

  it.each(shown.filter((one) => runnerOf(one)?.here === true))(
    "$page: $command",
    async ({ command, output }) => {
      const ended = await runAsReader(command, folder);
      expect(ended, ended.stderr).toMatchObject({ code: ended.expected });
      if (output === undefined || shows(output, ended.stdout) || shows(output, ended.stderr)) return;
      expect(output).toBe(`${ended.stdout}${ended.stderr}`);
    },
  );

  it.each(shown.filter((one) => runnerOf(one)?.serves === true))("$page: $command", async ({ command }) => {
    await runAsReader("npx node certs-scripts/bootstrap.js --out . --force", folder);
    expect(await servesAsReader(command.replace(/--port \d+/, "--port 0"), folder)).toBe(true);
  });

  it("are all run here, by a suite, or are told not to be", () => {
    expect(shown.filter((one) => runnerOf(one) === undefined)).toEqual([]);
  });

  it.each(Object.entries(SCRIPTS))("npm run %s is run by what is named", async (script, [file, words]) => {
    const { scripts } = JSON.parse(await readPage("package.json")) as { scripts: object };
    expect(scripts).toHaveProperty([script]);
    expect(await readFile(join(import.meta.dirname, "../..", file), "utf8")).toContain(words);
  });

  it("that no test can run are these", () => {
    const never = shown.flatMap((one) => {
      const { reason } = runnerOf(one) ?? {};
      return reason === undefined ? [] : [`${one.page}: ${one.command.split(/ {2,}#/)[0]}: ${reason}`];
    });
    expect(never).toMatchInlineSnapshot(`
      [
        "CONTRIBUTING.md: npm ci: the tests run on what it installs; .ci/run begins with it",
        "CONTRIBUTING.md: npm run format: it writes into the sources; the tests hold that what it writes is there",
        "CONTRIBUTING.md: npm run docs: it writes into the sources; the tests hold that what it writes is there",
        "CONTRIBUTING.md: npm run render: it writes into the sources; the tests hold that what it writes is there",
        "CONTRIBUTING.md: npm run test:cluster: it runs the cluster suites",
        "CONTRIBUTING.md: .ci/run: it runs the tests",
        "README.md: npm ci: the tests run on what it installs; .ci/run begins with it",
        "README.md: docker build -t REGISTRY/kthena-ascend:0.1.0 . && docker push REGISTRY/kthena-ascend:0.1.0: it needs a container engine",
        "deploy/README.md: docker build -t REGISTRY/kthena-ascend:0.1.0 .: it needs a container engine",
        "deploy/README.md: docker push REGISTRY/kthena-ascend:0.1.0: it needs a container engine",
        "deploy/README.md: kubectl --namespace kthena-ascend-system logs deployment/kthena-ascend: it needs a kubelet",
        "test/README.md: npm run test:cluster -- test/cluster/apply.cluster.test.ts: it runs the cluster suites",
      ]
    `);
  });

  it.each(SUITES)("are run by $file, which takes them from the pages", async ({ file, word }) => {
    expect(await readFile(join(import.meta.dirname, "../..", file), "utf8")).toContain(word);
    expect(shown.filter((one) => runnerOf(one)?.suite === file)).not.toEqual([]);
  });

  it("come before every block of output", async () => {
    const pages = (await pageNames()).filter((page) => !DRAWINGS.includes(page));
    const alone: string[] = [];
    for (const page of pages) {
      for (const block of blocksWithoutCommand(await readPage(page))) alone.push(`${page}: ${block}`);
    }
    expect(alone).toEqual([]);
  });
});

describe("the output that a page shows", () => {
  it("is the command's to the letter, but for lines left out and times", () => {
    expect(shows("a\nb\n", "a\nb\n")).toBe(true);
    expect(shows("a (3 ms)\n…\nc\n", "a (41.5 ms)\nb\nc\n")).toBe(true);
    expect(shows("a\n…\n", "a\nb\nc\n")).toBe(true);
    expect(shows("…\nc\n", "a\nb\nc\n")).toBe(true);
    expect(shows("a\nc\n", "a\nb\nc\n")).toBe(false);
    expect(shows("a\n", "a\nb\n")).toBe(false);
    expect(shows("a\n…\nd\n", "a\nb\nc\n")).toBe(false);
    expect(shows("b\n", "a\nb\n")).toBe(false);
  });
});

describe("README.md", () => {
  it("is 10 KB at most", async () => {
    expect(Buffer.byteLength(await readPage("README.md"))).toBeLessThanOrEqual(10 * 1024);
  });
});

describe("the page of examples", () => {
  it("leads to every manifest, and to what becomes of it", async () => {
    const page = await readPage("examples/README.md");
    const linked = [...page.matchAll(/\]\(([^)]+\.yaml)\)/g)].map(([, file]) => file);
    const there = globSync("*/*.yaml", { cwd: join(import.meta.dirname, "../../examples") });
    expect([...new Set(linked)].sort()).toEqual(there.sort());
  });
});
