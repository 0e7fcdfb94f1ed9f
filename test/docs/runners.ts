import type { Shown } from "./console-blocks.ts";

/** Who runs a command of a page. */
export interface Runner {
  /** `console-blocks.test.ts` itself: it asks no cluster, and ends. */
  here?: boolean;
  /** The same, until it serves. */
  serves?: boolean;
  /** A cluster suite, which takes its commands from the pages. */
  suite?: string;
  /** Scripts of package.json, for those who work on this. */
  scripts?: readonly string[];
  /** Why no test can run it. */
  reason?: string;
}

const OPERATING = "test/cluster/pages.cluster.test.ts";
const INSTALLING = "test/cluster/readme.cluster.test.ts";
const ROLLOUT = "test/cluster/audit-mode.cluster.test.ts";

/** The cluster suites that run commands of pages, and the word by which they take them. */
export const SUITES = [
  { file: OPERATING, word: "runnerOf" },
  { file: INSTALLING, word: "consoleBlocks" },
  { file: ROLLOUT, word: "rollout.md" },
] as const;

/** The scripts of package.json that pages name, the file that runs each, and the words in it. */
export const SCRIPTS: Readonly<Record<string, readonly [file: string, words: string]>> = {
  lint: [".ci/run", "npm run lint"],
  typecheck: [".ci/run", "npm run typecheck"],
  test: [".ci/run", "npm test"],
  demo: [".ci/run", "npm run demo"],
  "bench:fuzz": [".ci/run", "npm run bench:fuzz"],
  "control-plane": [".ci/run", "npm run control-plane"],
  "test:cluster": [".ci/run", "npm run test:cluster"],
  cluster: ["test/cluster/cluster-command.cluster.test.ts", '"run", "--silent", "cluster"'],
};

interface Row {
  commands: RegExp;
  pages?: RegExp;
  runner: Runner;
}

const OURS = String.raw`^(?:npx node src\/main\.ts|kthena-ascend) `;

/** The first that fits holds. */
const RUNNERS: readonly Row[] = [
  { commands: /^docker /, runner: { reason: "it needs a container engine" } },
  { commands: /^kubectl .* logs /, runner: { reason: "it needs a kubelet" } },
  { commands: /^npm ci$/, runner: { reason: "the tests run on what it installs; .ci/run begins with it" } },
  { commands: /^\.ci\/run/, runner: { reason: "it runs the tests" } },
  { commands: /^npm run test:cluster/, runner: { reason: "it runs the cluster suites" } },
  {
    commands: /^npm run (?:format|docs|render)\b/,
    runner: { reason: "it writes into the sources; the tests hold that what it writes is there" },
  },
  { commands: /./, pages: /^deploy\/rollout\.md$/, runner: { suite: ROLLOUT } },
  {
    commands: new RegExp(`${OURS}(?:check --(?:pre|suggest)|review --cluster -f model\\.yaml -o yaml)`),
    pages: /^deploy\//,
    runner: { suite: INSTALLING },
  },
  {
    commands: /^kubectl get modelservings --all-namespaces .*\|/,
    pages: /^deploy\/README/,
    runner: { suite: INSTALLING },
  },
  {
    commands: /^(?:helm|sed|kubectl (?!get .*\|)) ?/,
    pages: /^(?:README|deploy\/.*)\.md$/,
    runner: { suite: INSTALLING },
  },
  {
    commands: new RegExp(
      `${OURS}(?:check|audit|refresh|review --(?:cluster|context)|defaults --(?:cluster|namespace)|(?:explain|uninject) [a-z]+/)`,
    ),
    runner: { suite: OPERATING },
  },
  {
    commands: /^kubectl (?:get .*\| npx node src\/main\.ts |get nodes,|.* edit )/,
    runner: { suite: OPERATING },
  },
  { commands: /^npx node certs-scripts\/(?:rotate|inspect)\.js/, runner: { suite: OPERATING } },
  { commands: /^npm run (?:-s )?demo\b/, runner: { here: true } },
  {
    commands: new RegExp(
      `${OURS}(?:review|new|defaults|rules|version --client|completion|serve --help|explain -f|uninject -f)`,
    ),
    runner: { here: true },
  },
  { commands: /^npx node certs-scripts\/bootstrap\.js --out |^head -n 1 /, runner: { here: true } },
  { commands: new RegExp(`${OURS}serve --port`), runner: { serves: true } },
];

const SCRIPT = /^npm (?:run (?:-s )?([\w:-]+)|(test))$/;

/** Who runs a command of a page; undefined: nobody that is known. */
export function runnerOf({ page, command }: Pick<Shown, "page" | "command">): Runner | undefined {
  const row = RUNNERS.find(({ commands, pages = /./ }) => commands.test(command) && pages.test(page));
  if (row) return row.runner;
  const scripts = command
    .replace(/ +#.*$/, "")
    .split(" && ")
    .map((one) => SCRIPT.exec(one))
    .map((match) => match?.[1] ?? match?.[2]);
  const known = scripts.filter((name) => name !== undefined && Object.hasOwn(SCRIPTS, name));
  return known.length === scripts.length
    ? { scripts: known.filter((name) => name !== undefined) }
    : undefined;
}
