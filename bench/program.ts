import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import type { ServingPair } from "../src/certs/self-made.ts";
import { processUsage } from "./process-usage.ts";
import type { Target } from "./target.ts";

const ROOT = join(import.meta.dirname, "..");

/** The program as it is shipped: plain JavaScript in a folder of its own, with a certificate to serve. */
export interface Program {
  main: string;
  pair: { cert: string; key: string };
  /** NODE_OPTIONS of the chart. */
  nodeOptions: string;
  remove: () => Promise<void>;
}

/** Builds the program as `npm run build` does, beside the packages that it needs. */
export async function buildProgram({ cert, key }: ServingPair): Promise<Program> {
  const folder = await mkdtemp(join(ROOT, "node_modules", ".bench-"));
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  await promisify(execFile)(tsc, ["-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(folder, "dist")]);
  // Beneath node_modules nothing else says that these are modules, and with which Node they work.
  await copyFile(join(ROOT, "package.json"), join(folder, "package.json"));
  const pair = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  await writeFile(pair.cert, cert);
  await writeFile(pair.key, key);
  const values: unknown = parse(await readFile(join(ROOT, "deploy", "chart", "values.yaml"), "utf8"));
  const { nodeOptions } = values as { nodeOptions: string };
  const remove = () => rm(folder, { recursive: true });
  return { main: join(folder, "dist", "main.js"), pair, nodeOptions, remove };
}

/** What the chart sets beside. */
export function environmentOf({ nodeOptions }: Program): NodeJS.ProcessEnv {
  // Its authorities would be read into the memory that is measured; the container has none of them.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  return { ...env, NODE_OPTIONS: nodeOptions, MALLOC_ARENA_MAX: "1" };
}

/** Starts `kthena-ascend serve`. `ms`: until `/readyz` said yes. */
export async function startProgram(program: Program): Promise<{ target: Target; ms: number }> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(process.execPath, [program.main, "serve", ...serveArguments(program, port)], {
    stdio: "ignore",
    env: environmentOf(program),
  });
  await untilReady(child, port);
  const ms = performance.now() - began;
  return { target: { kind: "ours", port, usage: () => usageOf(child), stop: () => void child.kill() }, ms };
}

/** A program that tells what its heap holds. */
export interface ProbedProgram extends Target {
  /** Bytes that are in use, buffers among them, once the heap was cleared. */
  heap: () => Promise<number>;
}

/**
 * Starts `kthena-ascend serve` with a module that is asked over its channel.
 * @param probe the module, which answers `{ heap }`
 */
export async function startProbed(program: Program, probe: string): Promise<ProbedProgram> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--import", probe, program.main, "serve", ...serveArguments(program, port)],
    { stdio: ["ignore", "ignore", "ignore", "ipc"], env: environmentOf(program) },
  );
  await untilReady(child, port);
  const heap = async (): Promise<number> => {
    const told = once(child, "message") as Promise<[{ heap: number }]>;
    child.send({});
    return (await told)[0].heap;
  };
  return { kind: "ours", port, usage: () => usageOf(child), heap, stop: () => void child.kill() };
}

function serveArguments({ pair: { cert, key } }: Program, port: number): string[] {
  const files = [`--tls-cert-file=${cert}`, `--tls-private-key-file=${key}`];
  return [`--port=${port}`, "--bind-address=127.0.0.1", ...files];
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`kthena-ascend serve ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A port of the loopback address that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Whether `/readyz` says yes. */
export function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = request({
      host: "127.0.0.1",
      port,
      path: "/readyz",
      rejectUnauthorized: false,
      agent: false,
    });
    ask.on("response", (answer) => resolve(answer.resume().statusCode === 200));
    ask.on("error", () => resolve(false));
    ask.end();
  });
}

/** As Linux tells it; how long its event loop was held up is not known from outside. */
export async function usageOf({ pid }: ChildProcess): Promise<{ rss: number; cpu: number; blocked: number }> {
  const { rss, cpu } = await processUsage(pid);
  return { rss, cpu, blocked: 0 };
}
