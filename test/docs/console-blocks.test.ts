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

/** What can be run here: it asks no cluster, and ends. */
const HERE = [
  /^npm run demo\b/,
  /^(npx node src\/main\.ts|kthena-ascend) (review|new|defaults|rules|version --client|completion|serve --help)\b/,
  /^(npx node src\/main\.ts|kthena-ascend) (explain|uninject) -f [a-z]/,
  /^npx node certs-scripts\/bootstrap\.js --out /,
];
const AGAINST_A_CLUSTER = / --(cluster|context|live|namespace|release)\b|^\S.*defaults -n /;

const SERVE = /^npx node src\/main\.ts serve --port/;

/** What cannot, and who runs it. A file that is named must be there and hold the word. */
const ELSEWHERE: readonly { commands: RegExp; pages?: RegExp; by: string; word: string }[] = [
  {
    commands: /./,
    pages: /^deploy\/rollout\.md$/,
    by: "test/cluster/audit-mode.cluster.test.ts",
    word: "rollout.md",
  },
  {
    commands: /^npx node src\/main\.ts refresh\b/,
    by: "test/cluster/operate.cluster.test.ts",
    word: "refresh",
  },
  {
    commands: /^npx node src\/main\.ts audit\b/,
    by: "test/cluster/operate.cluster.test.ts",
    word: "audit",
  },
  { commands: /^docker |^kubectl .* logs /, by: "a container engine, which no test has", word: "" },
  { commands: /^kubectl .* edit /, by: "an editor, which no test has", word: "" },
  { commands: /^(npm ci|git clone|cd) ?/, by: ".ci/run", word: "npm ci" },
  {
    commands:
      /^(helm|kubectl|sed) |^npx node src\/main\.ts (check --(pre|suggest)|review --cluster -f model\.yaml)/,
    pages: /^(README|deploy\/(?!rollout).*)\.md$/,
    by: "test/cluster/readme.cluster.test.ts",
    word: "consoleBlocks",
  },
  {
    commands: /^npx node src\/main\.ts review --(cluster|context)/,
    pages: /^src\/commands\//,
    by: "test/cluster/readme.cluster.test.ts",
    word: "--context prod",
  },
  {
    commands: /^(kubectl get .* \| )?npx node src\/main\.ts (explain|uninject) /,
    by: "test/cluster/operate.cluster.test.ts",
    word: "uninject",
  },
  {
    commands: /^npx node src\/main\.ts defaults --namespace/,
    by: "test/cluster/defaults.cluster.test.ts",
    word: "defaults --namespace",
  },
  { commands: /^npx node src\/main\.ts check\b/, by: "test/cluster/check.cluster.test.ts", word: "check" },
  { commands: /^head -n 1 whole\.yaml/, by: "test/docs/defaults-page.test.ts", word: "One document of all" },
  { commands: SERVE, by: "the test below", word: "" },
  {
    commands: /^npx node certs-scripts\/(rotate|inspect)\.js/,
    by: "test/cluster/lifecycle.cluster.test.ts",
    word: "rotate",
  },
];
/** Commands of those who work on this: the scripts must be there; running all of them is what .ci/run does. */
const SCRIPT = /^(npm (?:run (?:-s )?(?<script>[\w:-]+)|test)|\.ci\/run)/;

/** Pages with `text` blocks that no command prints: a drawing, an example of a condition. */
const DRAWINGS = ["src/README.md", "src/conditions/README.md"];

const shown: Shown[] = [];
for (const page of await pageNames()) shown.push(...commandsOf(page, await readPage(page)));

const isHere = ({ command }: Shown): boolean =>
  HERE.some((one) => one.test(command)) && !AGAINST_A_CLUSTER.test(command.replace(/-defaults\b/g, ""));

describe("the commands of the pages", () => {
  let folder = "";

  beforeAll(async () => {
    folder = await readersFolder();
  });

  afterAll(() => removeFolder(folder));

  it.each(shown.filter(isHere))("$page: $command", async ({ command, output }) => {
    const ended = await runAsReader(command, folder);
    expect(ended, ended.stderr).toMatchObject({ code: ended.expected });
    if (output === undefined || shows(output, ended.stdout) || shows(output, ended.stderr)) return;
    expect(output).toBe(`${ended.stdout}${ended.stderr}`);
  });

  it.each(shown.filter(({ command }) => SERVE.test(command)))("$page: $command", async ({ command }) => {
    await runAsReader("npx node certs-scripts/bootstrap.js --out . --force", folder);
    expect(await servesAsReader(command.replace(/--port \d+/, "--port 0"), folder)).toBe(true);
  });

  it("are all run here, or by what is named", async () => {
    const { scripts } = JSON.parse(await readPage("package.json")) as { scripts: Record<string, string> };
    const left = shown.filter((one) => !isHere(one)).map(({ page, command }) => ({ page, command }));
    const unknown = left.filter(({ page, command }) => {
      const script = SCRIPT.exec(command);
      if (script) return script.groups?.script !== undefined && !Object.hasOwn(scripts, script.groups.script);
      return !ELSEWHERE.some(({ commands, pages = /./ }) => commands.test(command) && pages.test(page));
    });
    expect(unknown).toEqual([]);
  });

  it.each(ELSEWHERE.filter(({ word }) => word !== ""))("are run by $by", async ({ by, word }) => {
    expect(await readFile(join(import.meta.dirname, "../..", by), "utf8")).toContain(word);
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
