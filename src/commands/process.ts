import { hostname } from "node:os";
import { basename } from "node:path";
import { EXIT } from "./console.ts";
import type { CommandContext } from "./context.ts";
import { runProgram } from "./program.ts";
import { terminalConsole } from "./terminal.ts";

/** Runs the process's command line: the exit code. */
export async function runProcess(process: NodeJS.Process): Promise<number> {
  const { NO_COLOR, FORCE_COLOR, TERM, POD_NAME: podName, POD_NAMESPACE: podNamespace } = process.env;
  const [, program = "", ...argv] = process.argv;
  const context: CommandContext = {
    console: terminalConsole(process, { NO_COLOR, FORCE_COLOR, TERM }),
    programName: basename(program).startsWith("kubectl-ascend") ? "kubectl ascend" : "kthena-ascend",
    userAgent: "kthena-ascend",
    facts: { hostName: hostname(), podName, podNamespace },
    stopSignal: () => stopSignal(process),
    ends: () => {},
  };
  return runProgram(argv, context).catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.console.complain(["kthena-ascend: this is a bug, please report it:", ...text.split("\n")]);
    return EXIT.unreadable;
  });
}

function stopSignal(process: NodeJS.Process): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
