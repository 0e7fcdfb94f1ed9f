import { spawn } from "node:child_process";

/** Runs a program to its end. */

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type CommandOptions = {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Kills the program after this time; 60 s unless told. */
  readonly timeoutMs?: number;
  /** Give back a failure as its exit code instead of throwing. */
  readonly mayFail?: boolean;
};

export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await run(file, args, options);
  if (result.code !== 0 && options.mayFail !== true) {
    const output = [result.stderr.trim(), result.stdout.trim()].filter(Boolean).join("\n");
    throw new Error(`${file} ${args.join(" ")} failed with code ${result.code}:\n${output}`);
  }
  return result;
}

function run(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const timeout = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => {}); // a program that does not read its input
    child.stdin.end(options.input ?? "");
    const onExit = () => child.kill(); // no build goes on when whoever wanted it has ended
    process.once("exit", onExit);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      process.off("exit", onExit);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      process.off("exit", onExit);
      const note = timedOut ? `\nkilled after ${timeout} ms` : signal === null ? "" : `\nended by ${signal}`;
      resolve({ code: code ?? 128, stdout: text(stdout), stderr: text(stderr) + note });
    });
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
