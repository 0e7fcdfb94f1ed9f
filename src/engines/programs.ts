import type { FlagEngine } from "./flag-names.ts";
import { type KnownProgram, knownModule, knownProgram, lmdeployProgram } from "./known-programs.ts";
import type { Word } from "./word.ts";
import { baseName, wrapperLength } from "./wrappers.ts";

/** What a command starts, as far as its own words tell. */
export type Program =
  | { kind: "engine"; engine: FlagEngine; words: readonly Word[]; serve: boolean; ray: boolean }
  | { kind: "mindie" }
  /** A model server whose sizes are not read here. */
  | { kind: "server"; product: string }
  /** A router, proxy, store or controller beside engines. */
  | { kind: "helper"; product: string; does: string }
  | { kind: "ray"; part: "head" | "worker"; words: readonly Word[] }
  | { kind: "shell"; script: Word; arguments: readonly Word[]; bash: boolean; login: boolean }
  /** Something that cannot be looked into: a script file, a variable, a program's standard input. */
  | { kind: "closed"; what: string }
  | { kind: "other"; name: string };

const PYTHON = /^(?:python|pypy)(?:\d+(?:\.\d+)?)?$/;
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash", "ash", "zsh", "ksh"]);

/** Says what a command line starts, through `exec`, `nohup`, `env`, `numactl` and the like. */
export function programOf(line: readonly Word[], depth = 0): Program {
  const skipped = wrapperLength(line);
  if (skipped === undefined || depth > 4) return { kind: "closed", what: line[0]?.text ?? "" };
  const words = line.slice(skipped);
  const first = words[0];
  if (first === undefined) return { kind: "other", name: line[0]?.text ?? "" };
  if (!first.known) return opaque(words, first);
  const name = baseName(first.text);
  const known = knownProgram(name);
  if (known !== undefined) return programKnown(known, name, words.slice(1));
  if (PYTHON.test(name)) return python(words.slice(1));
  if (name === "uv" && words[1]?.text === "run") return programOf(words.slice(2), depth + 1);
  if (SHELLS.has(name)) return shell(name, words.slice(1));
  if (name === "ray") return ray(words.slice(1), depth);
  if (name === "lmdeploy") return lmdeploy(words);
  if (name === "serve" && /^(?:run|deploy)$/.test(words[1]?.text ?? "")) {
    return { kind: "server", product: "Ray Serve" };
  }
  if (name === "multi-node-serving.sh") return multiNodeServing(words.slice(1));
  if (name.endsWith(".sh") || name.endsWith(".py"))
    return { kind: "closed", what: `the script ${first.text}` };
  if (name === "eval" || name === "source" || name === ".") {
    return { kind: "closed", what: `${first.text} ${words[1]?.text ?? ""}`.trim() };
  }
  return { kind: "other", name };
}

/** `$PYTHON -m vllm.entrypoints.…` is clear enough; other variables are not. */
function opaque(words: readonly Word[], first: Word): Program {
  const program = words[1]?.text === "-m" ? python(words.slice(1)) : undefined;
  return program?.kind === "engine" ? program : { kind: "closed", what: first.text };
}

function programKnown(known: KnownProgram, name: string, words: readonly Word[]): Program {
  if (known.kind === "helper") return known;
  if (known.kind === "server") return known.product === "MindIE" ? { kind: "mindie" } : known;
  if (known.serve) return subcommand(known.engine, name, words);
  return { kind: "engine", engine: known.engine, words, serve: false, ray: false };
}

function subcommand(engine: FlagEngine, name: string, words: readonly Word[]): Program {
  const first = words[0];
  if (first?.known && first.text === "serve") {
    return { kind: "engine", engine, words: words.slice(1), serve: true, ray: false };
  }
  if (first !== undefined && !first.known) return { kind: "closed", what: `${name} ${first.text}` };
  return { kind: "other", name: `${name} ${first?.text ?? ""}`.trim() };
}

function lmdeploy(words: readonly Word[]): Program {
  const found = words[1]?.text === "serve" ? lmdeployProgram(words[2]?.text) : undefined;
  const name = words.slice(0, 3).map(({ text }) => text);
  if (found === undefined) return { kind: "other", name: name.join(" ") };
  return programKnown(found, "lmdeploy", words.slice(3));
}

function python(words: readonly Word[]): Program {
  let index = 0;
  while (/^-[A-Za-z]+$/.test(words[index]?.text ?? "") && !/^-[mc]/.test(words[index]?.text ?? "")) {
    index += /^-[XW]$/.test(words[index]?.text ?? "") ? 2 : 1;
  }
  const option = words[index];
  if (option?.text === "-m") return module(words[index + 1], words.slice(index + 2));
  if (option === undefined || option.text === "-") return { kind: "closed", what: "Python's standard input" };
  if (option.text === "-c") return { kind: "closed", what: "a Python program" };
  const script = option.known ? knownProgram(baseName(option.text)) : undefined;
  if (script !== undefined) return programKnown(script, baseName(option.text), words.slice(index + 1));
  if (option.known && option.text.endsWith("vllm/entrypoints/openai/api_server.py")) {
    return { kind: "engine", engine: "vllm", words: words.slice(index + 1), serve: false, ray: false };
  }
  return { kind: "closed", what: `the script ${option.text}` };
}

function module(word: Word | undefined, rest: readonly Word[]): Program {
  if (word === undefined || !word.known)
    return { kind: "closed", what: `the module ${word?.text ?? ""}`.trim() };
  // vLLM-MindSpore's launcher takes the module that it starts as its first argument.
  if (word.text === "vllm_mindspore.entrypoints") return module(rest[0], rest.slice(1));
  const found = knownModule(word.text);
  if (found === undefined) return { kind: "closed", what: `the module ${word.text}` };
  return programKnown(found, word.text, rest);
}

/** Reads the shell's own options: `-c` alone or in a cluster (`-lc`), `-o NAME`, long ones. */
function shell(name: string, words: readonly Word[]): Program {
  let takesScript = false;
  let login = false;
  let index = 0;
  for (; index < words.length; index++) {
    const text = words[index]?.text ?? "";
    if (text === "-" || text === "--") {
      index++;
      break;
    }
    if (!/^[-+]/.test(text)) break;
    if (text === "--rcfile" || text === "--init-file") index++;
    login ||= text === "--login" || /^-[^-]*[li]/.test(text);
    if (text.startsWith("--")) continue;
    if (text.startsWith("-")) takesScript ||= text.includes("c");
    index += (text.match(/[oO]/g) ?? []).length;
  }
  const operand = words[index];
  if (takesScript && operand !== undefined) {
    return {
      kind: "shell",
      script: operand,
      arguments: words.slice(index + 1),
      bash: name === "bash",
      login,
    };
  }
  if (operand === undefined) return { kind: "closed", what: `what ${name} reads` };
  if (baseName(operand.text) === "multi-node-serving.sh") return multiNodeServing(words.slice(index + 1));
  const known = knownProgram(baseName(operand.text));
  if (known !== undefined && known.kind !== "engine") return programKnown(known, name, []);
  return { kind: "closed", what: `the script ${operand.text}` };
}

/** `ray start`, and `ray symmetric-run -- COMMAND`, which starts Ray on every pod and the command on top. */
function ray(words: readonly Word[], depth: number): Program {
  if (words[0]?.text === "symmetric-run") {
    const end = words.findIndex((word) => word.text === "--");
    const inner = end < 0 ? undefined : programOf(words.slice(end + 1), depth + 1);
    return inner?.kind === "engine" ? { ...inner, ray: true } : { kind: "other", name: "ray symmetric-run" };
  }
  if (words[0]?.text !== "start") return { kind: "other", name: `ray ${words[0]?.text ?? ""}`.trim() };
  const head = words.some((word) => word.text === "--head" || word.text.startsWith("--head="));
  return { kind: "ray", part: head ? "head" : "worker", words };
}

/** vLLM's examples/online_serving/multi-node-serving.sh: it starts Ray only, as leader or as worker. */
function multiNodeServing(words: readonly Word[]): Program {
  const part = words[0]?.text;
  if (part === "leader" || part === "worker")
    return { kind: "ray", part: part === "leader" ? "head" : "worker", words: [] };
  return { kind: "closed", what: "the script multi-node-serving.sh" };
}
