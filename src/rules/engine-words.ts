// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some of the texts are shell scripts
import { isObject, type Json } from "../api/json.ts";
import { isSecretName } from "../api/secret-names.ts";
import { isFlagName } from "../engines/flag-names.ts";
import type { Flag } from "../engines/flags.ts";
import { jsonSlip } from "../engines/json-slip.ts";
import { stringsOf } from "../engines/references.ts";
import type { Word } from "../engines/word.ts";
import { wordField } from "./engine-arguments.ts";
import type { RuleEngine } from "./engines.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Flags of vLLM that take a JSON object (vllm/engine/arg_utils.py, parse_type and parse_dataclass). */
const JSON_FLAGS: ReadonlySet<string> = new Set(
  `additional-config attention-config compilation-config default-chat-template-kwargs ec-transfer-config eplb-config
  hf-overrides kernel-config kv-events-config media-io-kwargs mm-processor-kwargs model-loader-extra-config
  override-generation-config pooler-config profiler-config quantization-config reasoning-config rope-scaling
  speculative-config structured-outputs-config`.split(/\s+/),
);

/** Longer values are not looked at twice. */
const MOST_JSON = 64 * 1024;

const json: Rule = {
  id: "engine/json",
  severity: "deny",
  summary: "A flag that takes a JSON object holds one",
  why: "vLLM reads the value by Python's json and ends where that fails (vllm/engine/arg_utils.py).",
  example: {
    in: "container",
    refused: `args: [--additional-config, '{"enable_cpu_binding": true,}']`,
    admitted: `args: [--additional-config, '{"enable_cpu_binding": true}']`,
  },
  check: (subject) =>
    vllmEngines(subject).flatMap((engine) =>
      engine.command.flags.flags.flatMap((flag): Remark[] => {
        const value = JSON_FLAGS.has(flag.name) ? brokenJson(flag.value) : undefined;
        if (value === undefined) return [];
        const quotes = flag.value?.at === undefined ? ", in single quotes" : "";
        const fix = jsonSlip(value) ?? `write JSON${quotes}: {"name": "text"}`;
        const message = `${flag.written} of ${engine.label} is ${quoted(value)}, no JSON object`;
        return [{ path: wordField(engine, flag.value?.at ?? flag.at), value, message, fix }];
      }),
    ),
};

/** A value that is meant as a JSON object and is none; other forms, such as a level of optimization, are let be. */
function brokenJson(word: Word | undefined): string | undefined {
  if (word === undefined || !word.known || word.text.length > MOST_JSON) return undefined;
  // Python's json takes these, JavaScript's does not.
  if (!/^(?:['"]\s*)?\{/.test(word.text.trimStart()) || /NaN|Infinity/.test(word.text)) return undefined;
  try {
    return isObject(JSON.parse(word.text) as Json) ? undefined : word.text;
  } catch {
    return word.text;
  }
}

const switchValue: Rule = {
  id: "engine/switch-value",
  severity: "deny",
  summary: "A switch has no value",
  why: "argparse ends with `ignored explicit argument` or `unrecognized arguments`; off is the flag's --no- form.",
  example: {
    in: "container",
    refused: "image: quay.io/ascend/vllm-ascend:v0.18.0\nargs: [--enable-expert-parallel=true]",
    admitted: "image: quay.io/ascend/vllm-ascend:v0.18.0\nargs: [--enable-expert-parallel]",
  },
  check: (subject) =>
    vllmEngines(subject).flatMap((engine) =>
      engine.command.flags.overfull.map(({ flag, text, inline }): Remark => {
        const off = /^(?:false|0|no|off)$/i.test(text);
        const bare = flag.written.replace(/=.*$/s, "");
        const opposite = flag.name.startsWith("no-") ? `--${flag.name.slice(3)}` : `--no-${flag.name}`;
        return {
          path: wordField(engine, flag.at),
          value: `${bare} ${text}`,
          message: `${bare} of ${engine.label} is a switch, and ${quoted(text)} behind it no argument that the engine takes`,
          fix: alone(engine, off ? opposite : bare),
          // A release that is not known may take one; a word of its own may be the model.
          uncertain: engine.image?.version === undefined || !inline,
        };
      }),
    ),
};

/** A flag without a value: in a ModelBooster's config an empty text. */
function alone(engine: RuleEngine, flag: string): string {
  return engine.pod === undefined ? `write ${flag.replace(/^--?/, "")}: ""` : `write ${flag} alone`;
}

/** What ends, joins or redirects a command in a shell. */
const OPERATOR = /^(?:&&?|\|\|?|;|\\|\d?>{1,2}(?:&\d)?|&>|<|\d?>{1,2}[&/.\w-]\S*)$/;
const IN_QUOTES = /^(?:"[^"]*"|'[^']*')$/;
const SHELL_VARIABLE = /^\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})$/;

const shellSyntax: Rule = {
  id: "engine/shell-syntax",
  severity: "deny",
  summary: "A list of arguments has nothing that only a shell understands",
  why: "Kubernetes starts the program without a shell: quotes, &, | and > reach it as they are, and of variables only $(NAME) is replaced.",
  example: {
    in: "container",
    refused: 'command: [vllm, serve, m, "2>&1", "|", tee, /var/log/vllm.log]',
    admitted: 'command: [bash, -c, "vllm serve m 2>&1 | tee /var/log/vllm.log"]',
  },
  check: (subject) =>
    (subject.engines ?? []).flatMap((engine) => {
      if (engine.pod === undefined || engine.command.form !== "list") return [];
      const { flags, positionals } = engine.command.flags;
      return [
        ...positionals.flatMap((word) => shellRemark(engine, word, undefined)),
        ...flags.flatMap((flag) =>
          (flag.values ?? [flag.value]).flatMap((word) => (word ? shellRemark(engine, word, flag) : [])),
        ),
      ];
    }),
};

/** `flag`: whose value the word is. */
function shellRemark(engine: RuleEngine, word: Word, flag: Flag | undefined): Remark[] {
  const { text, at } = word;
  // A secret is quoted by nothing.
  if (at === undefined || !word.known || isSecretName(flag?.name ?? "")) return [];
  const about = { path: wordField(engine, at), value: text };
  if (OPERATOR.test(text)) {
    const message = `${engine.label} gets ${quoted(text)} as an argument: no shell reads the list`;
    const fix = "take it out, or start the engine by bash -c with a script in one string";
    return [{ ...about, message, fix, uncertain: flag !== undefined }];
  }
  if (SHELL_VARIABLE.test(text)) {
    const message = `${text} of ${engine.label} stays as it is: no shell reads the list`;
    return [{ ...about, message, fix: `write $(${text.replace(/[${}]/g, "")})`, uncertain: true }];
  }
  if (!IN_QUOTES.test(text) || takesJson(flag)) return [];
  const message = `${engine.label} gets ${quoted(text)} with its quotes: no shell takes them away`;
  return [{ ...about, message, fix: `write ${text.slice(1, -1)} without them`, uncertain: true }];
}

/** What is wrong with JSON is another rule's. */
function takesJson(flag: Flag | undefined): boolean {
  return flag !== undefined && (JSON_FLAGS.has(flag.name) || flag.name === "kv-transfer-config");
}

const SHELL = /(?:^|\/)(?:ba|da|a|z|k)?sh$/;
/** A script that takes arguments, or hands all it has to something that may. */
const TAKES_ARGUMENTS = /\$[@*#1-9]|\$\{[@*#1-9]|\b(?:shift|getopts|source|eval)\b|(?:^|[\s;&|])\.\s/;

const lostArguments: Rule = {
  id: "engine/lost-arguments",
  severity: "deny",
  summary: "Flags behind the script of a -c reach the engine",
  why: "A shell gives what follows its script to the script as $0, $1 and on; a script that does not use them loses them (bash(1), -c).",
  example: {
    in: "container",
    refused: 'command: [bash, -c]\nargs: ["vllm serve m", --tensor-parallel-size, "4"]',
    admitted: 'command: [bash, -c]\nargs: ["vllm serve m --tensor-parallel-size 4"]',
  },
  check: (subject) =>
    (subject.engines ?? []).flatMap((engine): Remark[] => {
      const lost = engine.pod === undefined ? undefined : lostFlag(engine);
      if (lost === undefined) return [];
      const message = `${quoted(lost.text)} of ${engine.label} goes to a script that does not use it, and not to the engine`;
      const fix = "write it into the script, in the same string";
      return [{ path: `${engine.field}.${lost.list}[${lost.index}]`, value: lost.text, message, fix }];
    }),
};

/** The first flag of the engine behind the script of a `bash -c` that takes no arguments. */
function lostFlag({
  container,
  command,
}: RuleEngine): { text: string; list: string; index: number } | undefined {
  const at = command.script?.at;
  const first = stringsOf(container.command)?.[0] ?? stringsOf(container.args)?.[0] ?? "";
  if (at === undefined || !SHELL.test(first)) return undefined;
  const words = (["command", "args"] as const).flatMap((list) =>
    (stringsOf(container[list]) ?? []).map((text, index) => ({ text, list, index })),
  );
  const script = words.findIndex(({ list, index }) => list === at.list && index === at.index);
  if (TAKES_ARGUMENTS.test(words[script]?.text ?? "")) return undefined;
  return words.slice(script + 1).find(({ text }) => {
    const name = /^--([a-z][\w-]*)(?:=|$)/.exec(text)?.[1];
    return name !== undefined && isFlagName(name.replaceAll("_", "-"), "vllm");
  });
}

function vllmEngines(subject: RuleSubject): readonly RuleEngine[] {
  return (subject.engines ?? []).filter(({ command }) => command.engine === "vllm");
}

/** Rules of the family engine about words that come out of a shell's habits. */
export const ENGINE_WORD_RULES: readonly Rule[] = [json, switchValue, shellSyntax, lostArguments];
