import { Command, type CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { auditCommand } from "./audit/command.ts";
import { certsCommand } from "./certs/command.ts";
import { checkCommand } from "./check/command.ts";
import { completionCommand } from "./completion/command.ts";
import { EXIT, UsageError } from "./console.ts";
import type { CommandContext } from "./context.ts";
import { defaultsCommand } from "./defaults/command.ts";
import { explainCommand } from "./explain/command.ts";
import { newCommand } from "./new/command.ts";
import { reconcileCommand } from "./reconcile/command.ts";
import { refreshCommand } from "./refresh/command.ts";
import { reviewCommand } from "./review/command.ts";
import { rulesCommand } from "./rules/command.ts";
import { serveCommand } from "./serve/command.ts";
import { uninjectCommand } from "./uninject/command.ts";
import { versionCommand } from "./version/command.ts";

/** Every command, in the order of the help: one line each. A command declares its options and loads its work when it runs. */
const COMMANDS: readonly ((context: CommandContext) => CommandUnknownOpts)[] = [
  newCommand,
  reviewCommand,
  rulesCommand,
  defaultsCommand,
  checkCommand,
  auditCommand,
  explainCommand,
  uninjectCommand,
  refreshCommand,
  serveCommand,
  reconcileCommand,
  certsCommand,
  versionCommand,
  completionCommand,
];

/** Longer lines are hard to read, and text that goes into a file is the same everywhere. */
const HELP_COLUMNS = 110;

/** The command line as a whole. */
export function makeProgram(context: CommandContext): CommandUnknownOpts {
  const program: CommandUnknownOpts = new Command(context.programName)
    .description("Completes Kthena's model workloads for Huawei Ascend NPUs.")
    .usage("COMMAND [options]")
    .helpCommand("help [command]", "tell more about a command")
    .addHelpText("after", `\n${context.programName} COMMAND --help tells more.`);
  for (const command of COMMANDS) program.addCommand(command(context));
  prepare(program, context);
  return program;
}

/** A mistake on the command line, and in which command it was made. */
class CommandLineError extends Error {
  readonly command: CommandUnknownOpts;
  override readonly cause: CommanderError;

  constructor(command: CommandUnknownOpts, cause: CommanderError) {
    super(cause.message);
    this.command = command;
    this.cause = cause;
  }
}

/** Options that commander hands down to sub-commands only where it makes them itself. */
function prepare(command: CommandUnknownOpts, context: CommandContext): void {
  const { console } = context;
  command
    .exitOverride((error) => {
      throw new CommandLineError(command, error);
    })
    .configureOutput({
      writeOut: (text) => console.print(text.replace(/\n$/, "").split("\n")),
      writeErr: (text) => console.complain(text.replace(/\n$/, "").split("\n")),
      outputError: () => {},
      getOutHelpWidth: () => Math.min(HELP_COLUMNS, console.width ?? HELP_COLUMNS),
      getErrHelpWidth: () => Math.min(HELP_COLUMNS, console.width ?? HELP_COLUMNS),
    })
    .helpOption("-h, --help", "this text");
  for (const child of command.commands) prepare(child, context);
}

/** Runs a command line: the exit code. Throws what is a bug. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.ok;
  const { console } = context;
  const program = makeProgram({
    ...context,
    ends: (end) => {
      code = end;
    },
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof UsageError) {
      console.complain(error.message.split("\n"));
      return EXIT.unreadable;
    }
    if (!(error instanceof CommandLineError)) throw error;
    const help = error.cause.code === "commander.help";
    if ((help && asksForHelp(argv, program)) || error.cause.exitCode === 0) return EXIT.ok;
    if (!help) console.complain(mistakeLines(error));
    return EXIT.unreadable;
  }
}

/** Whether `help` was written, alone or of a command that is there: that is no mistake. */
function asksForHelp(argv: readonly string[], program: CommandUnknownOpts): boolean {
  const [first, second, third] = argv;
  const below = program.commands.find((command) => command.name() === first);
  const [parent, of] = first === "help" ? [program, second] : [second === "help" ? below : undefined, third];
  return parent?.commands.some((command) => of === undefined || command.name() === of) === true;
}

function mistakeLines({ command, cause }: CommandLineError): string[] {
  const path = pathOf(command);
  const [first = "", ...more] = cause.message.replace(/^error: /, "").split("\n");
  return [`${path}: ${first}`, ...more, `See ${path} --help.`];
}

function pathOf(command: CommandUnknownOpts): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
