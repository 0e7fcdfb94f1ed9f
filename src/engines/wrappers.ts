import type { Word } from "./word.ts";

/** How a program that only starts another one takes its own options. */
interface Wrapper {
  /** Options that take the next word as their value. */
  valued: readonly string[];
  /** Words of its own between the options and the program: `taskset MASK`, `timeout DURATION`. */
  operands: number;
  /** `NAME=value` words may stand before the program. */
  assigns?: boolean;
  /** The subcommand that starts another program; without it this is no wrapper. */
  subcommand?: string;
}

const PLAIN: Wrapper = { valued: [], operands: 0 };
const CONDA: Wrapper = {
  valued: ["-n", "--name", "-p", "--prefix", "-r", "--root-prefix", "--cwd", "-e", "--env"],
  operands: 0,
  subcommand: "run",
};

/** Programs that people put before the engine; options as in their manual pages. */
const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  exec: { valued: ["-a"], operands: 0 },
  nohup: PLAIN,
  command: PLAIN,
  setsid: PLAIN,
  env: { valued: ["-u", "--unset", "-C", "--chdir"], operands: 0, assigns: true },
  nice: { valued: ["-n", "--adjustment"], operands: 0 },
  ionice: { valued: ["-c", "-n", "-t", "--class", "--classdata"], operands: 0 },
  stdbuf: { valued: ["-i", "-o", "-e", "--input", "--output", "--error"], operands: 0 },
  numactl: {
    valued: [
      "-C",
      "-N",
      "-m",
      "-i",
      "-p",
      "--physcpubind",
      "--cpunodebind",
      "--membind",
      "--interleave",
      "--preferred",
    ],
    operands: 0,
  },
  taskset: { valued: [], operands: 1 },
  timeout: { valued: ["-k", "-s", "--kill-after", "--signal"], operands: 1 },
  tini: { valued: ["-e", "-p"], operands: 0 },
  "dumb-init": { valued: ["-r", "--rewrite"], operands: 0 },
  gosu: { valued: [], operands: 1 },
  "su-exec": { valued: [], operands: 1 },
  runuser: { valued: ["-u", "--user", "-g", "--group"], operands: 0 },
  chrt: { valued: [], operands: 1 },
  conda: CONDA,
  mamba: CONDA,
  micromamba: CONDA,
  poetry: { valued: ["-C", "--directory", "-P", "--project"], operands: 0, subcommand: "run" },
  time: { valued: ["-f", "-o"], operands: 0 },
};

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * How many words stand before the program that really runs: `exec`, `nohup`, `env A=b`, `numactl -C 0-15` and their
 * like. undefined where that cannot be told.
 */
export function wrapperLength(words: readonly Word[]): number | undefined {
  let index = 0;
  while (index < words.length) {
    const word = words[index];
    const wrapper =
      word?.known && Object.hasOwn(WRAPPERS, baseName(word.text)) ? WRAPPERS[baseName(word.text)] : undefined;
    if (wrapper === undefined) return index;
    const own = wrapper.subcommand === undefined ? 1 : 2;
    if (own === 2 && words[index + 1]?.text !== wrapper.subcommand) return index;
    const next = afterWrapper(words, index + own, wrapper);
    if (next === undefined) return undefined;
    index = next;
  }
  return index;
}

function afterWrapper(words: readonly Word[], from: number, wrapper: Wrapper): number | undefined {
  let index = from;
  let operands = wrapper.operands;
  for (; index < words.length; index++) {
    const word = words[index];
    if (word === undefined || word.loose) return undefined;
    if (word.known && word.text === "--") return index + 1 + operands;
    if (word.known && word.text.startsWith("-")) {
      if (wrapper.valued.includes(word.text)) index++;
      continue;
    }
    if (wrapper.assigns && /^[A-Za-z_]\w*=/.test(word.text.slice(0, word.knownLength))) continue;
    if (operands === 0) return index;
    operands--;
  }
  return index;
}
