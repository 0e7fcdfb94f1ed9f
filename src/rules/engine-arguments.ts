import { flagOf, isOn, type Joined, sizeOf } from "../engines/flags.ts";
import { servedPorts } from "../engines/ports.ts";
import { splitLine } from "../engines/split.ts";
import type { Word } from "../engines/word.ts";
import type { RuleEngine } from "./engines.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** Field path of a word of an engine's command line, or of the script that it stands in. */
export function wordField(engine: RuleEngine, at: Word["at"]): string {
  const place = at ?? engine.command.script?.at;
  if (engine.pod === undefined) return `${engine.field}.config`;
  return place === undefined ? engine.field : `${engine.field}.${place.list}[${place.index}]`;
}

const unknownFlag: Rule = {
  id: "engine/unknown-flag",
  severity: "deny",
  summary: "No flag of the engine is misspelt",
  why: "argparse ends with `unrecognized arguments` for a flag that it does not know; only a flag that differs from a known one in a letter or two is told, since versions differ.",
  example: {
    in: "container",
    refused:
      'image: quay.io/ascend/vllm-ascend:v0.18.0\nargs: ["--tensor-paralel-size=4"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
    admitted:
      'image: quay.io/ascend/vllm-ascend:v0.18.0\nargs: ["--tensor-parallel-size=4"]\nresources: {limits: {huawei.com/ascend-1980: "4"}}',
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine) =>
      engine.command.flags.misspelt.map(
        ({ flag, near }): Remark => ({
          path: wordField(engine, flag.at),
          value: flag.written,
          message: `${engine.label} has the flag ${flag.written}, which its engine does not know`,
          fix: `did you mean --${near}?`,
          // A release that is not known may have it.
          uncertain: engine.image?.version === undefined || engine.command.engine !== "vllm",
        }),
      ),
    ),
};

const joinedArguments: Rule = {
  id: "engine/joined-arguments",
  severity: "deny",
  summary: "An item of a list of arguments is one argument",
  why: "Without a shell nothing splits it: the engine takes the whole for a model or a value and ends (vLLM issues 8273 and 22072).",
  example: {
    in: "container",
    refused: 'command: [vllm, serve]\nargs: ["/models/m --tensor-parallel-size 4"]',
    admitted: 'command: [vllm, serve]\nargs: [/models/m, --tensor-parallel-size, "4"]',
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine) => {
      const { joined, flags } = engine.command;
      return [...(joined ? [joined] : []), ...flags.joined].map((item) => joinedRemark(engine, item));
    }),
};

function joinedRemark(engine: RuleEngine, { text, at, certain }: Joined): Remark {
  const list = splitLine(text)
    .map((word) => JSON.stringify(word))
    .join(", ");
  return {
    path: wordField(engine, at),
    value: text,
    message: `${quoted(text)} of ${engine.label} is one argument, which nothing splits`,
    fix: `write [${list}] in place of it`,
    uncertain: !certain,
  };
}

const SUPERVISED = "data-parallel-multi-port-external-lb";

const supervisedRanks: Rule = {
  id: "engine/supervised-ranks",
  severity: "deny",
  summary: `What --${SUPERVISED} asks for is there`,
  why: "vLLM's supervisor ends at start otherwise (vllm/entrypoints/openai/dp_supervisor.py, validate_multi_port_external_lb_args).",
  example: {
    in: "container",
    refused: 'args: [-tp, "4", -dp, "2", -dpm]\nresources: {limits: {huawei.com/ascend-1980: "8"}}',
    admitted:
      'args: [-tp, "4", -dp, "2", -dpl, "2", -dpm]\nresources: {limits: {huawei.com/ascend-1980: "8"}}',
  },
  check: (subject) =>
    enginesOf(subject).flatMap((engine): Remark[] => {
      const { flags } = engine.command;
      const on = flagOf(flags, SUPERVISED);
      if (engine.command.engine !== "vllm" || on.state !== "given" || isOn(flags, SUPERVISED) !== true)
        return [];
      const problem = supervisedProblem(engine);
      if (problem === undefined) return [];
      const message = `${on.flag.written} of ${engine.label} ${problem.what}`;
      return [{ path: wordField(engine, on.flag.at), value: on.flag.written, message, fix: problem.fix }];
    }),
};

function supervisedProblem(engine: RuleEngine): { what: string; fix: string } | undefined {
  const { flags } = engine.command;
  const local = sizeOf(flags, "data-parallel-size-local", 0);
  if (local.state === "absent" || (local.state === "known" && local.value < 2)) {
    return {
      what: "needs --data-parallel-size-local of 2 or more",
      fix: "add --data-parallel-size-local with the ranks of one pod, or leave the flag out",
    };
  }
  const other = ["data-parallel-rank", "data-parallel-external-lb", "data-parallel-hybrid-lb"].find(
    (name) => flagOf(flags, name).state === "given",
  );
  if (other !== undefined) return { what: `cannot stand beside --${other}`, fix: `leave --${other} out` };
  const ports = servedPorts(engine.command) ?? [];
  const supervisor = ports.at(-1);
  if (supervisor === undefined || ports.indexOf(supervisor) === ports.length - 1) return undefined;
  return {
    what: `serves its ranks on ports ${ports[0]} to ${ports.at(-2)}, and the supervisor on ${supervisor} among them`,
    fix: "set --data-parallel-supervisor-port outside of them",
  };
}

function enginesOf(subject: RuleSubject): readonly RuleEngine[] {
  return subject.engines ?? [];
}

/** Rules of the family engine about arguments. */
export const ENGINE_ARGUMENT_RULES: readonly Rule[] = [unknownFlag, joinedArguments, supervisedRanks];
