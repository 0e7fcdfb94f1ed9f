import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { trimmedEnd } from "../api/trim.ts";
import { type ConfigSource, type KubeContext, loadAccess } from "./config.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { type Failure, failureOfAnswer, failureOfThrow, type Result } from "./failure.ts";

/** One HTTP request to the API server. */
export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with query. */
  path: string;
  body?: string;
  contentType?: string;
  /** For the whole call; for a stream, until the headers of the answer are there. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Bytes of the answer; more are not read. */
  mostBytes?: number;
}

/** Time after which an unused connection is dropped: well before the API server's own 90 s. */
const IDLE_CONNECTION_MS = 30_000;
/** From when on an idle peer is probed by TCP. Node then probes each second and gives up after ten. */
const TCP_KEEPALIVE_MS = 15_000;

interface Access extends KubeContext {
  credentials: Credentials;
}

/**
 * HTTP to one API server over kept-alive connections. Credentials are asked for at each call (files, exec plugins and
 * tokens change), and read from their source again when the server refuses them. Node's agent pools by certificate
 * and CA too, so renewed ones take effect at once.
 */
export class Transport {
  readonly #source: ConfigSource;
  readonly #userAgent: string;
  readonly #agents = {
    http: new http.Agent(agentOptions()),
    https: new https.Agent(agentOptions()),
  };
  #access: Access | undefined;

  constructor(source: ConfigSource, userAgent: string) {
    this.#source = source;
    this.#userAgent = userAgent;
  }

  /** Address of the API server, as far as the configuration can be read. */
  get server(): string {
    const access = this.#loaded();
    return access.ok ? access.value.cluster.server : "";
  }

  /** Namespace of the current context. */
  get namespace(): string | undefined {
    const access = this.#loaded();
    return access.ok ? access.value.namespace : undefined;
  }

  /** Sends a request and reads the whole answer. */
  async send(request: ApiRequest): Promise<Result<string>> {
    const first = await this.#attempt(request);
    if (first.ok || !mayRetry(request, first.failure)) return first;
    if (first.failure.code === 401) this.#access = undefined;
    return await this.#attempt(request);
  }

  /** Sends a request and hands over the body as it comes. Whoever takes it must read or destroy it. */
  async open(request: ApiRequest): Promise<Result<http.IncomingMessage>> {
    const opened = await this.#exchange(request, (response) => Promise.resolve(response));
    if (!opened.ok && opened.failure.code === 401) this.#access = undefined;
    return opened;
  }

  /** Closes the connections that are not in use. */
  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #attempt(request: ApiRequest): Promise<Result<string>> {
    return this.#exchange(request, (response) => textOf(response, request.mostBytes));
  }

  async #exchange<T>(
    request: ApiRequest,
    read: (response: http.IncomingMessage) => Promise<T>,
  ): Promise<Result<T>> {
    const access = this.#loaded();
    if (!access.ok) return access;
    const cause = new AbortController();
    const timer = setTimeout(() => cause.abort("Timeout"), request.timeoutMs);
    const onAbort = () => cause.abort("Aborted");
    if (request.signal?.aborted) onAbort();
    request.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const response = await this.#respond(access.value, request, cause.signal);
      const code = response.statusCode ?? 0;
      if (code < 200 || code > 299) {
        return {
          ok: false,
          failure: failureOfAnswer(code, await text(response), response.headers["retry-after"]),
        };
      }
      return { ok: true, value: await read(response) };
    } catch (error) {
      return { ok: false, failure: this.#thrown(error, cause.signal, request) };
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", onAbort);
    }
  }

  #thrown(error: unknown, signal: AbortSignal, request: ApiRequest): Failure {
    if (error instanceof TooLarge) return failureOfThrow(error, "TooLarge");
    if (!signal.aborted) return failureOfThrow(error);
    const what =
      signal.reason === "Timeout" ? `no answer within ${request.timeoutMs} ms` : "given up by the caller";
    return { code: 0, reason: String(signal.reason), message: `${request.method} ${request.path}: ${what}` };
  }

  async #respond(
    { cluster, credentials }: Access,
    request: ApiRequest,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const url = new URL(`${trimmedEnd(cluster.server, "/")}${request.path}`);
    const secure = url.protocol === "https:";
    const options: https.RequestOptions = { headers: {} };
    await credentials.applyTo(options);
    options.agent ??= secure ? this.#agents.https : this.#agents.http;
    options.method = request.method;
    options.signal = signal;
    options.headers = {
      ...options.headers,
      accept: "application/json",
      "user-agent": this.#userAgent,
      ...(request.body === undefined
        ? {}
        : {
            "content-type": request.contentType ?? "application/json",
            "content-length": Buffer.byteLength(request.body),
          }),
    };
    return await new Promise((resolve, reject) => {
      const call = (secure ? https : http).request(url, options, resolve);
      call.on("socket", (socket) => socket.setKeepAlive(true, TCP_KEEPALIVE_MS));
      call.on("error", reject);
      call.end(request.body);
    });
  }

  #loaded(): Result<Access> {
    if (this.#access) return { ok: true, value: this.#access };
    const loaded = loadAccess(this.#source);
    if (!loaded.ok) return loaded;
    this.#access = { ...loaded.value, credentials: credentialsOf(loaded.value) };
    return { ok: true, value: this.#access };
  }
}

/** An answer was longer than was asked for. */
class TooLarge extends Error {}

async function textOf(response: http.IncomingMessage, mostBytes = Number.POSITIVE_INFINITY): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    // Leaving the loop ends the connection.
    if (bytes > mostBytes) throw new TooLarge(`the answer is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function agentOptions(): https.AgentOptions {
  return {
    keepAlive: true,
    keepAliveMsecs: TCP_KEEPALIVE_MS,
    timeout: IDLE_CONNECTION_MS,
    scheduling: "lifo",
  };
}

/** A refused credential may have been renewed on disk; a reused connection may have been closed just before. */
function mayRetry(request: ApiRequest, failure: Failure): boolean {
  if (failure.code === 401) return true;
  const dropped = failure.reason === "Network" && /ECONNRESET|socket hang up/.test(failure.message);
  return dropped && request.method === "GET";
}
