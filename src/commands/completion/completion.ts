import type { CommandUnknownOpts } from "@commander-js/extra-typings";

type Shell = "bash" | "zsh" | "fish";

/** What can be written behind one command. */
interface Words {
  command: string;
  summary: string;
  /** Commands of a command. */
  below: readonly string[];
  /** With those of the commands below it. */
  options: readonly { flags: readonly string[]; summary: string; values: readonly string[] }[];
}

/** The completion script for a shell, made of the commands as they are declared. */
export function completionScript(shell: Shell, program: CommandUnknownOpts): string {
  const commands = program.commands.map(wordsOf);
  if (shell === "bash") return bash(commands);
  return shell === "zsh" ? zsh(commands) : fish(commands);
}

function wordsOf(command: CommandUnknownOpts): Words {
  const options = [command, ...command.commands]
    .flatMap((one) => one.options)
    .map(({ short, long, description, argChoices }) => ({
      flags: [short, long].filter((flag): flag is string => flag !== undefined && flag !== null),
      summary: description,
      values: argChoices ?? [],
    }));
  const flags = new Set<string>();
  return {
    command: command.name(),
    summary: command.summary(),
    below: command.commands.map((one) => one.name()),
    options: options.filter(({ flags: own }) => {
      const name = own.join(" ");
      return !flags.has(name) && flags.add(name);
    }),
  };
}

function bash(commands: readonly Words[]): string {
  const cases = commands.flatMap(({ command, below, options }) => [
    ...options
      .filter(({ values }) => values.length > 0)
      .map(
        ({ flags, values }) =>
          `    ${flags.map((flag) => `${command}:${flag}`).join("|")}) words="${values.join(" ")}" ;;`,
      ),
    `    ${command}:*) words="${[...below, ...options.flatMap(({ flags }) => flags)].join(" ")}" ;;`,
  ]);
  return `_kthena_ascend() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ command }) => command).join(" ")} help" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}:$previous" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ "\${#COMPREPLY[@]}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _kthena_ascend kthena-ascend
`;
}

function zsh(commands: readonly Words[]): string {
  const list = commands.map(({ command, summary }) => `    '${command}:${plain(summary)}'`).join("\n");
  const cases = commands
    .map(({ command, below, options }) => {
      const flags = options.flatMap(({ flags: names, summary, values }) =>
        names.map(
          (flag) => `'${flag}[${plain(summary)}]${values.length > 0 ? `:value:(${values.join(" ")})` : ""}'`,
        ),
      );
      return `    ${command}) _arguments ${flags.join(" ")} ${below.length > 0 ? `'1:command:(${below.join(" ")})' ` : ""}'*:file:_files' ;;`;
    })
    .join("\n");
  return `#compdef kthena-ascend
_kthena_ascend() {
  local -a commands=(
${list}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="$words[2]"
  shift words; (( CURRENT-- ))
  case "$command" in
${cases}
  esac
}
compdef _kthena_ascend kthena-ascend
`;
}

function fish(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ command, summary, below, options }) => [
    `complete -c kthena-ascend -n __fish_use_subcommand -f -a ${command} -d '${plain(summary)}'`,
    ...below.map(
      (name) => `complete -c kthena-ascend -n '__fish_seen_subcommand_from ${command}' -f -a ${name}`,
    ),
    ...options.map(({ flags, summary: what, values }) => {
      const names = flags.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const choices = values.length > 0 ? ` -x -a '${values.join(" ")}'` : "";
      return `complete -c kthena-ascend -n '__fish_seen_subcommand_from ${command}' ${names.join(" ")}${choices} -d '${plain(what)}'`;
    }),
  ]);
  return `${lines.join("\n")}\n`;
}

/** A text that no shell reads anything into. */
function plain(text: string): string {
  return text.replace(/['"`$\\[\]:]/g, " ");
}
