import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/commands/program.ts";
import { recordingConsole } from "./recording-console.ts";

const execute = promisify(execFile);

async function script(shell: string): Promise<string> {
  const console = recordingConsole();
  const facts = { hostName: "h", podName: undefined, podNamespace: undefined };
  const context = { console, programName: "kthena-ascend", userAgent: "test", facts, ends: () => {} };
  const stopSignal = async (): Promise<NodeJS.Signals> => "SIGTERM";
  expect(await runProgram(["completion", shell], { ...context, stopSignal })).toBe(0);
  return console.output;
}

async function installed(shell: string): Promise<boolean> {
  return execute("sh", ["-c", `command -v ${shell}`]).then(
    () => true,
    () => false,
  );
}
const shells: string[] = [];
for (const shell of ["bash", "zsh", "fish"]) if (await installed(shell)) shells.push(shell);

/** What bash would offer behind these words. */
async function offered(...words: string[]): Promise<string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _kthena_ascend; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execute("bash", ["-c", `${await script("bash")}\n${ask}`], { cwd: "/" });
  return stdout.split("\n").filter(Boolean);
}

describe("completion", () => {
  it.each(shells)("is a script that %s reads", async (shell) => {
    await execute(shell, ["-n", "-c", await script(shell)]);
  });

  // Neither uses a word of its shell's grammar that bash lacks; quotes that are left open show there too.
  it.each(["zsh", "fish"])("for %s has the grammar of any shell", async (shell) => {
    await execute("bash", ["-n", "-c", await script(shell)]);
  });

  it.each(["bash", "zsh", "fish"])("names every command and its options for %s", async (shell) => {
    const text = await script(shell);
    for (const word of ["review", "new", "check", "certs", "fail-on", "prefill"])
      expect(text).toContain(word);
  });

  it("offers commands, options and the values of options in bash", async () => {
    expect(await offered("kthena-ascend", "re")).toEqual(["review", "refresh", "reconcile"]);
    expect(await offered("kthena-ascend", "review", "--fail")).toEqual(["--fail-on"]);
    expect(await offered("kthena-ascend", "review", "--fail-on", "w")).toEqual(["warn"]);
    expect(await offered("kthena-ascend", "certs", "ro")).toEqual(["rotate"]);
    expect(await offered("kthena-ascend", "certs", "rotate", "--time")).toEqual(["--timeout"]);
    expect(await offered("kthena-ascend", "review", "-f", "/etc/host")).toContain("/etc/hosts");
  });
});
