import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ServingPair } from "../src/certs/self-made.ts";

/** floor: a bare node:https server. shell: our server without the work. ours: the webhook. */
export type Kind = "floor" | "shell" | "ours";

/** What a server process tells of itself. */
export interface Usage {
  rss: number;
  /** Processor time so far, in microseconds. */
  cpu: number;
  /** The longest that its event loop was held up since it was last asked, in milliseconds. */
  blocked: number;
}

/** A server in a process of its own. */
export interface Target {
  kind: Kind;
  port: number;
  usage: () => Promise<Usage>;
  stop: () => void;
}

/**
 * Starts a server; `reply` is what all but `ours` answer. Its log is written, but to nowhere.
 * @param nodeOptions limits of the heap, as the chart sets them
 */
export async function startTarget(
  kind: Kind,
  { cert, key }: ServingPair,
  reply: string,
  nodeOptions: string,
): Promise<Target> {
  const child = fork(join(import.meta.dirname, "server-process.ts"), {
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const { port } = await asked<{ port: number }>(child, { which: kind, cert, key, reply });
  return { kind, port, usage: () => asked<Usage>(child, { usage: true }), stop: () => child.kill() };
}

async function asked<Answer>(child: ChildProcess, question: object): Promise<Answer> {
  const exit = new AbortController();
  const ended = once(child, "exit", { signal: exit.signal }).then(
    ([code, signal]) => Promise.reject(new Error(`a server process ended: ${code ?? signal}`)),
    () => new Promise<never>(() => undefined),
  );
  const answer = once(child, "message") as Promise<[Answer]>;
  child.send(question);
  const [told] = await Promise.race([answer, ended]);
  exit.abort();
  return told;
}
