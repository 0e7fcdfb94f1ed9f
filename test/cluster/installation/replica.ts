import { readFile } from "node:fs/promises";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../control-plane/control-plane.ts";
import type { ManagedProcess } from "../control-plane/managed-process.ts";
import { type PodTemplate, portNumber } from "./deployment.ts";

/** What a kubelet does for one pod: starts its container, probes it, ends it in the order that is promised. */

/** How often readiness is probed: more often than a kubelet would, so that tests need not wait. */
const probeEveryMs = 100;

export type ReplicaPlace = {
  readonly plane: ControlPlane;
  readonly template: PodTemplate;
  /** Name of the pod. */
  readonly name: string;
  readonly address: string;
  readonly kubeconfig: string;
  /** The program that the image would start, with the arguments that come before the container's. */
  readonly entry: readonly string[];
  /** Appended to the container's arguments. */
  readonly extraArguments: readonly string[];
  /** Beside what the container's environment says. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes in place of its log. */
  readonly output?: string;
};

export class Replica {
  readonly name: string;
  readonly address: string;
  readonly template: PodTemplate;
  readonly #process: ManagedProcess;
  #ready = false;
  #terminating = false;
  #probing: Promise<void> | undefined;

  constructor(place: ReplicaPlace) {
    const { plane, template, name, address, kubeconfig, entry, extraArguments, env, output } = place;
    this.name = name;
    this.address = address;
    this.template = template;
    const own = ["--kubeconfig", kubeconfig, "--bind-address", address];
    this.#process = plane.addProcess({
      name,
      file: process.execPath,
      args: [...entry, ...template.args, ...own, ...extraArguments],
      env: { ...template.env({ name, address }), ...env },
      cwd: process.cwd(),
      ...(output === undefined ? {} : { output }),
    });
  }

  /** Starts the process, the first time or after its end, as a kubelet starts a container again. */
  start(): void {
    this.#terminating = false;
    this.#process.start();
    this.#probing = this.#probe();
  }

  isRunning(): boolean {
    return this.#process.isRunning();
  }

  /** Whether it is an endpoint of its Service: probed as Ready, and nobody has asked it to end. */
  isEndpoint(): boolean {
    return this.#ready && !this.#terminating && this.isRunning();
  }

  /** Whether the last probe found it Ready. */
  isReady(): boolean {
    return this.#ready && this.isRunning();
  }

  /** @throws with the end of its log when it ends before it is Ready, or is not in time */
  async waitReady(timeoutMs = 30_000): Promise<void> {
    await this.#process.waitUntil(async () => this.isReady(), timeoutMs);
  }

  /** Deletes the pod: no endpoint any more, preStop hook, SIGTERM, and SIGKILL after the grace period. */
  async stop(): Promise<void> {
    this.#terminating = true;
    const { preStopMs, graceMs } = this.template;
    if (this.isRunning()) await sleep(preStopMs);
    await this.#process.stop("SIGTERM", Math.max(graceMs - preStopMs, 2_000));
    await this.#probing;
  }

  async kill(): Promise<void> {
    await this.#process.stop("SIGKILL");
    await this.#probing;
  }

  freeze(): void {
    this.#process.signal("SIGSTOP");
  }

  thaw(): void {
    this.#process.signal("SIGCONT");
  }

  log(): Promise<string> {
    return readFile(this.#process.logFile, "utf8");
  }

  /** @throws where it serves none */
  async metrics(): Promise<string> {
    const answer = await this.fetch("/metrics", portNumber("metrics", this.template.ports));
    if (answer?.status !== 200) throw new Error(`${this.name} serves no metrics: ${answer?.status}`);
    return answer.text;
  }

  /** What it serves on a path of one of its container's ports, or undefined where nobody answers. */
  fetch(path: string, port: number, scheme: "HTTP" | "HTTPS" = "HTTP", timeoutMs = 5_000) {
    return fetchText({ host: this.address, port, path, scheme, timeoutMs });
  }

  async #probe(): Promise<void> {
    const { path, port, scheme, timeoutMs } = this.template.readiness;
    while (this.isRunning()) {
      const answer = await this.fetch(path, port, scheme, timeoutMs);
      this.#ready = answer?.status === 200;
      await sleep(probeEveryMs);
    }
    this.#ready = false;
  }
}

export type Answer = { readonly status: number; readonly text: string };

type Address = {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: "HTTP" | "HTTPS";
  readonly timeoutMs: number;
};

/** One GET over a connection of its own, with whatever certificate, as probes do. */
function fetchText({ scheme, timeoutMs, ...where }: Address): Promise<Answer | undefined> {
  const options = { ...where, agent: false as const, rejectUnauthorized: false };
  const get = scheme === "HTTPS" ? httpsGet : httpGet;
  return new Promise((resolve) => {
    const request = get(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", () => resolve(undefined));
    });
    const timer = setTimeout(() => request.destroy(), timeoutMs);
    request.on("error", () => resolve(undefined));
    request.on("close", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}
