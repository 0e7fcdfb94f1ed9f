import type { Word } from "./word.ts";
import { baseName, wrapperLength } from "./wrappers.ts";

/** What a command starts, as far as its own words tell. */
export type Program =
  | { kind: "engine"; engine: "vllm" | "sglang"; words: readonly Word[]; serve: boolean; ray: boolean }
  | { kind: "mindie" }
  | { kind: "ray"; part: "head" | "worker" }
  | { kind: "shell"; script: Word; arguments: readonly Word[]; bash: boolean }
  /** Something that cannot be looked into: a script file, a variable, a program's standard input. */
  | { kind: "closed"; what: string }
  | { kind: "other"; name: string };

const PYTHON = /^(?:python|pypy)(?:\d+(?:\.\d+)?)?$/;
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "dash", "ash", "zsh", "ksh"]);

/** Modules that start an engine with its flags (vllm/entrypoints, sglang/launch_server.py); `serve`: a subcommand follows. */
const MODULES: Readonly<Record<string, { engine: "vllm" | "sglang"; serve: boolean }>> = {
  "vllm.entrypoints.openai.api_server": { engine: "vllm", serve: false },
  "vllm.entrypoints.api_server": { engine: "vllm", serve: false },
  "vllm.entrypoints.cli.main": { engine: "vllm", serve: true },
  "sglang.launch_server": { engine: "sglang", serve: false },
  "sglang.cli.main": { engine: "sglang", serve: true },
};

/** Says what a command line starts, through `exec`, `nohup`, `env`, `numactl` and the like. */
export function programOf(line: readonly Word[], depth = 0): Program {
  const skipped = wrapperLength(line);
  if (skipped === undefined || depth > 4) return { kind: "closed", what: line[0]?.text ?? "" };
  const words = line.slice(skipped);
  const first = words[0];
  if (first === undefined) return { kind: "other", name: line[0]?.text ?? "" };
  if (!first.known) return opaque(words, first);
  const name = baseName(first.text);
  if (name === "vllm" || name === "sglang") return subcommand(name, words.slice(1));
  if (PYTHON.test(name)) return python(words.slice(1));
  if (name === "uv" && words[1]?.text === "run") return programOf(words.slice(2), depth + 1);
  if (SHELLS.has(name)) return shell(name, words.slice(1));
  if (name === "ray") return ray(words.slice(1), depth);
  if (name === "mindieservice_daemon" || name === "mindie_llm_server") return { kind: "mindie" };
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

function subcommand(engine: "vllm" | "sglang", words: readonly Word[]): Program {
  const first = words[0];
  if (first?.known && first.text === "serve") {
    return { kind: "engine", engine, words: words.slice(1), serve: true, ray: false };
  }
  if (first !== undefined && !first.known) return { kind: "closed", what: `${engine} ${first.text}` };
  return { kind: "other", name: `${engine} ${first?.text ?? ""}`.trim() };
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
  if (option.known && option.text.endsWith("vllm/entrypoints/openai/api_server.py")) {
    return { kind: "engine", engine: "vllm", words: words.slice(index + 1), serve: false, ray: false };
  }
  return { kind: "closed", what: `the script ${option.text}` };
}

function module(word: Word | undefined, rest: readonly Word[]): Program {
  if (word === undefined || !word.known)
    return { kind: "closed", what: `the module ${word?.text ?? ""}`.trim() };
  const found = Object.hasOwn(MODULES, word.text) ? MODULES[word.text] : undefined;
  if (found === undefined) return { kind: "closed", what: `the module ${word.text}` };
  if (found.serve) return subcommand(found.engine, rest);
  return { kind: "engine", engine: found.engine, words: rest, serve: false, ray: false };
}

/** Reads the shell's own options: `-c` alone or in a cluster (`-lc`), `-o NAME`, long ones. */
function shell(name: string, words: readonly Word[]): Program {
  let takesScript = false;
  let index = 0;
  for (; index < words.length; index++) {
    const text = words[index]?.text ?? "";
    if (text === "-" || text === "--") {
      index++;
      break;
    }
    if (!/^[-+]/.test(text)) break;
    if (text === "--rcfile" || text === "--init-file") index++;
    if (text.startsWith("--")) continue;
    if (text.startsWith("-")) takesScript ||= text.includes("c");
    index += (text.match(/[oO]/g) ?? []).length;
  }
  const operand = words[index];
  if (takesScript && operand !== undefined) {
    return { kind: "shell", script: operand, arguments: words.slice(index + 1), bash: name === "bash" };
  }
  if (operand === undefined) return { kind: "closed", what: `what ${name} reads` };
  if (baseName(operand.text) === "multi-node-serving.sh") return multiNodeServing(words.slice(index + 1));
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
  return { kind: "ray", part: head ? "head" : "worker" };
}

/** vLLM's examples/online_serving/multi-node-serving.sh: it starts Ray only, as leader or as worker. */
function multiNodeServing(words: readonly Word[]): Program {
  const part = words[0]?.text;
  if (part === "leader" || part === "worker")
    return { kind: "ray", part: part === "leader" ? "head" : "worker" };
  return { kind: "closed", what: "the script multi-node-serving.sh" };
}
