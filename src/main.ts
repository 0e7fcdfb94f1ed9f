#!/usr/bin/env node
import { hostname } from "node:os";
import { basename } from "node:path";
import { EXIT } from "./commands/console.ts";
import type { CommandContext } from "./commands/context.ts";
import { runProgram } from "./commands/program.ts";
import { terminalConsole } from "./commands/terminal.ts";

const { NO_COLOR, FORCE_COLOR, TERM, POD_NAME: podName, POD_NAMESPACE: podNamespace } = process.env;
const [, program = "", ...argv] = process.argv;

const context: CommandContext = {
  console: terminalConsole(process, { NO_COLOR, FORCE_COLOR, TERM }),
  programName: basename(program).startsWith("kubectl-ascend") ? "kubectl ascend" : "kthena-ascend",
  userAgent: "kthena-ascend",
  facts: { hostName: hostname(), podName, podNamespace },
  stopSignal,
  ends: () => {},
};

// A bug ends with its stack, and not with the code of a refusal.
process.exitCode = EXIT.unreadable;
process.exitCode = await runProgram(argv, context).catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.console.complain(["kthena-ascend: this is a bug, please report it:", ...text.split("\n")]);
  return EXIT.unreadable;
});

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
