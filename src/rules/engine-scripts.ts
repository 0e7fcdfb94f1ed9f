// biome-ignore-all lint/suspicious/noTemplateCurlyInString: some of the texts are shell scripts
import { isOfService, isSetElsewhere, type PodVariables, variableFor } from "../engines/known-variables.ts";
import { environmentOf, stringsOf } from "../engines/references.ts";
import type { RuleEngine } from "./engines.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Field path of the string that holds an engine's script. */
function scriptField(engine: RuleEngine): string {
  const at = engine.command.script?.at;
  return at === undefined ? engine.field : `${engine.field}.${at.list}[${at.index}]`;
}

const background: Rule = {
  id: "engine/background",
  severity: "warn",
  summary: "A container's script goes on as long as what it starts",
  why: "A container ends with its first process (Kubernetes, pod lifecycle): a script that leaves the engine in the background and comes to its end takes the engine with it.",
  example: {
    in: "container",
    refused: 'command: [bash, -c, "nohup vllm serve m > /tmp/log 2>&1 &"]',
    admitted: 'command: [bash, -c, "nohup vllm serve m > /tmp/log 2>&1 & wait"]',
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine): Remark[] => {
      const end = engine.command.script?.end;
      if (end === undefined) return [];
      const about = { path: scriptField(engine), value: end.command };
      if (end.kind === "ray") {
        const message = `"${end.command}" of ${engine.label} comes back at once, and the container ends`;
        return [{ ...about, message, fix: "add --block to ray start" }];
      }
      const message = `the script of ${engine.label} leaves "${end.command}" in the background and ends, and the container with it`;
      return [{ ...about, message, fix: "take the & away, or write wait as the script's last line" }];
    }),
};

const unsetVariable: Rule = {
  id: "engine/unset-variable",
  severity: "warn",
  summary: "Scripts and arguments use no variable that nothing sets",
  why: "A shell puts nothing in the place of a variable that is not set, and Kubernetes leaves `$(NAME)` as it is; Kthena sets ENTRY_ADDRESS, GROUP_SIZE and WORKER_INDEX (pkg/model-serving-controller/utils), and none of LeaderWorkerSet's.",
  example: {
    in: "container",
    refused:
      'image: quay.io/ascend/vllm-ascend:v0.18.0\ncommand: [bash, -c, "vllm serve m --host $SERVER_ADDRESS"]',
    admitted:
      'image: quay.io/ascend/vllm-ascend:v0.18.0\ncommand: [bash, -c, "vllm serve m --host ${SERVER_ADDRESS:-0.0.0.0}"]',
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine): Remark[] => {
      // What envFrom brings, only the cluster knows.
      if (engine.envFrom) return [];
      const names = (engine.command.script?.unset ?? []).filter((name) => isMissing(engine, name));
      const inScript = names.map((name) => ({
        path: scriptField(engine),
        value: name,
        message: `the script of ${engine.label} uses $${name}, which nothing sets`,
        fix: unsetFix(name, engine.variables),
      }));
      return [...inScript, ...unresolved(engine)];
    }),
};

/** So many references of a container are looked at, in so much of each string. */
const MOST_REFERENCES = 200;
const MOST_CHARACTERS = 32 * 1024;

/** `$(NAME)` in command and args that Kubernetes cannot replace (third_party/forked/golang/expansion/expand.go). */
function unresolved(engine: RuleEngine): Remark[] {
  if (engine.pod === undefined) return [];
  const references = referencesOf(engine);
  if (references.length === 0) return [];
  const environment = environmentOf(engine.container, engine.pods, engine.variables);
  return references
    .filter(({ name }) => !environment.has(name) && !isOfService(name))
    .map(({ path, name }) => {
      const ours = variableFor(name, engine.variables);
      return {
        path,
        value: name,
        message: `$(${name}) of ${engine.label} stays as it is: ${name} is no variable of the container`,
        fix: ours === undefined ? `set ${name} in env` : `use $(${ours}), which Kthena sets`,
      };
    });
}

/** Each name in each string once. In a script `$(date)` is what a command prints; no command has a name in capitals. */
function referencesOf({ container, command, field }: RuleEngine): { path: string; name: string }[] {
  const found: { path: string; name: string }[] = [];
  const at = command.script?.at;
  for (const list of ["command", "args"] as const) {
    for (const [index, text] of (stringsOf(container[list]) ?? []).entries()) {
      const inScript = at?.list === list && at.index === index;
      for (const name of namesIn(text)) {
        if (found.length >= MOST_REFERENCES) return found;
        if (!inScript || /^[A-Z][A-Z0-9_]*$/.test(name))
          found.push({ path: `${field}.${list}[${index}]`, name });
      }
    }
  }
  return found;
}

/** The names in `$(NAME)`, a bounded number of them; `$$(NAME)` is an escaped one. */
function namesIn(text: string): Set<string> {
  const names = new Set<string>();
  if (!text.includes("$(")) return names;
  for (const [, dollars = "", name = ""] of text
    .slice(0, MOST_CHARACTERS)
    .matchAll(/(?<!\$)(\${1,99})\(([A-Za-z_]\w{0,99})\)/g)) {
    if (dollars.length % 2 === 1) names.add(name);
    if (names.size >= MOST_REFERENCES) break;
  }
  return names;
}

/** An image of one's own can set any variable but those of other controllers. */
function isMissing(engine: RuleEngine, name: string): boolean {
  if (engine.env.has(name) || isSetElsewhere(name, engine.variables)) return false;
  const known = engine.image !== undefined && engine.image.build !== "other";
  return known || variableFor(name, engine.variables) !== undefined;
}

function unsetFix(name: string, variables: PodVariables): string {
  const other = variableFor(name, variables);
  if (other !== undefined) return `use $${other}, which Kthena sets`;
  const entry = /addr|leader|head|master|host/i.test(name)
    ? `use $${variables.entry} for the address of the entry pod, `
    : "";
  return `${entry}set ${name} in env, or write \${${name}:-} where it may be empty`;
}

const rayResources: Rule = {
  id: "engine/ray-resources",
  severity: "warn",
  summary: "Ray is told of NPUs, not of GPUs",
  why: "vllm-ascend asks Ray for the resource NPU (vllm_ascend/platform.py, ray_device_key; issue 3114): with --num-gpus Ray counts GPUs that nobody asks for.",
  example: {
    in: "container",
    refused:
      'command: [bash, -c, "ray start --head --num-gpus=8; vllm serve m -tp 8 --distributed-executor-backend ray"]',
    admitted: `command: [bash, -c, "ray start --head --resources='{\\"NPU\\": 8}'; vllm serve m -tp 8 --distributed-executor-backend ray"]`,
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine): Remark[] => {
      const words = engine.command.rayStart ?? [];
      const at = words.findIndex(({ text }) => text === "--num-gpus" || text.startsWith("--num-gpus="));
      const tellsNpus =
        words.some(({ text }) => /^--resources/.test(text)) && words.some(({ text }) => /NPU/.test(text));
      if (at < 0 || tellsNpus) return [];
      const written = words[at]?.text ?? "";
      const count = written.includes("=")
        ? written.slice(written.indexOf("=") + 1)
        : (words[at + 1]?.text ?? "");
      const shown = /^\d+$/.test(count) ? count : String(engine.npus ?? "<NPUs>");
      return [
        {
          path: scriptField(engine),
          value: written,
          message: `ray start of ${engine.label} is told of ${count || "some"} GPUs; vllm-ascend asks Ray for NPU`,
          fix: `write --resources='{"NPU": ${shown}}' in place of --num-gpus`,
        },
      ];
    }),
};

function enginesOf(subject: RuleSubject): readonly RuleEngine[] {
  return subject.engines ?? [];
}

/** Rules of the family engine about scripts. */
export const ENGINE_SCRIPT_RULES: readonly Rule[] = [background, unsetVariable, rayResources];
