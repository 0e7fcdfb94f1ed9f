import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunFolders } from "./run-folder.ts";

/** A program that runs in a process group of its own, writes its output to a log, and is known to the guard. */

export type ProcessSpec = {
  /** Unique in its control plane; the log is called after it. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the environment of the control plane. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where its output goes in place of its log. */
  readonly output?: string;
};

const lastLines = 15;

export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  #child: ChildProcess | undefined;
  #exit: string | undefined;
  readonly #spec: ProcessSpec;
  readonly #folders: RunFolders;

  constructor(spec: ProcessSpec, folders: RunFolders) {
    this.name = spec.name;
    this.logFile = join(folders.logs, `${spec.name}.log`);
    this.#spec = spec;
    this.#folders = folders;
  }

  start(): void {
    if (this.isRunning()) throw new Error(`${this.name} runs already`);
    mkdirSync(this.#folders.pids, { recursive: true });
    const log = openSync(this.#spec.output ?? this.logFile, "a");
    this.#exit = undefined;
    const child = spawn(this.#spec.file, this.#spec.args, {
      cwd: this.#spec.cwd ?? this.#folders.root,
      env: { ...this.#folders.env, ...this.#spec.env },
      detached: true,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) writeFileSync(this.#pidFile(), String(child.pid));
    child.on("error", (error) => this.#ended(error.message));
    child.on("exit", (code, signal) => this.#ended(signal === null ? `exit code ${code}` : signal));
  }

  isRunning(): boolean {
    return this.#child !== undefined && this.#exit === undefined;
  }

  get pid(): number | undefined {
    return this.isRunning() ? this.#child?.pid : undefined;
  }

  /** Waits for `ready` to hold, and throws with the end of the log when the program ends before or is late. */
  async waitUntil(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await ready())) {
      if (this.#exit !== undefined) throw new Error(this.#failure(`ended (${this.#exit})`));
      if (Date.now() > deadline) throw new Error(this.#failure(`was not ready after ${timeoutMs} ms`));
      await sleep(50);
    }
  }

  /** Ends the whole process group, by force when it has not ended after `graceMs`. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM", graceMs = 10_000): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning()) return;
    const exited = once(child, "exit");
    this.signal(signal);
    const forced = setTimeout(() => this.signal("SIGKILL"), graceMs);
    await exited;
    clearTimeout(forced);
  }

  signal(signal: NodeJS.Signals): void {
    const pid = this.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // the group ended in this moment
    }
  }

  #ended(how: string): void {
    this.#exit ??= how;
    rmSync(this.#pidFile(), { force: true });
  }

  #pidFile(): string {
    return join(this.#folders.pids, this.name);
  }

  #failure(what: string): string {
    if (this.#spec.output !== undefined) return `${this.name} ${what}; it had no log`;
    const lines = readFileSync(this.logFile, "utf8").trimEnd().split("\n");
    return [`${this.name} ${what}. The end of ${this.logFile}:`, ...lines.slice(-lastLines)].join("\n");
  }
}
