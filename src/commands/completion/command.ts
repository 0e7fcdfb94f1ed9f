import { Argument, Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { CommandContext } from "../context.ts";

/** `kthena-ascend completion`. */
export function completionCommand({ console, ends }: CommandContext) {
  return new Command("completion")
    .summary("print a script that completes commands and options in a shell")
    .description("Prints a completion script: source <(kthena-ascend completion bash)")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"] as const))
    .action(async (shell, _flags, command) => {
      const { completionScript } = await import("./completion.ts");
      const program: CommandUnknownOpts | null = command.parent;
      console.out(program ? completionScript(shell, program) : "");
      ends(0);
    });
}
