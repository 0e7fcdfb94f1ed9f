import type { IncomingMessage } from "node:http";
import { StringDecoder } from "node:string_decoder";
import { objectOf, stringOf } from "../api/json.ts";
import { type Failure, failureOfStatus, failureOfThrow } from "./failure.ts";
import type { KubeObject } from "./resource.ts";

/** How a watch is to be run. */
export interface WatchCall {
  /** From where on. */
  resourceVersion: string;
  /** After which time the server ends the watch in good order. */
  timeoutSeconds: number;
  /** How long to wait for the answer to begin. */
  openTimeoutMs: number;
  /** How long nothing at all may come (the server sends a bookmark about every minute). */
  idleTimeoutMs: number;
  signal: AbortSignal;
}

/** What a watch tells. A throw ends the watch as failed. */
export interface WatchListener<T extends KubeObject> {
  /** The server has taken the watch. */
  opened(): void;
  /** `length`: of the object's JSON. */
  event(type: "ADDED" | "MODIFIED" | "DELETED", object: T, length: number): void;
  /** Everything up to this version has been told; undefined where the server named none. */
  bookmark(resourceVersion: string | undefined): void;
}

/**
 * How a watch ended: in good order by the server, because nothing came for too long, or with a failure.
 * After the first two it can go on from the last version that was told.
 */
export type WatchEnd = { end: "closed" | "idle" } | { end: "failed"; failure: Failure };

/** Reads a watch's answer, a JSON object a line, to its end. Never throws. */
export async function watchStream<T extends KubeObject>(
  body: IncomingMessage,
  { signal, idleTimeoutMs }: WatchCall,
  listener: WatchListener<T>,
): Promise<WatchEnd> {
  let idle = false;
  const timer = setTimeout(() => {
    idle = true;
    body.destroy();
  }, idleTimeoutMs);
  const abort = () => body.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    // The signal may have fired between the answer's headers and now.
    if (signal.aborted) return { end: "closed" };
    listener.opened();
    for await (const line of linesOf(body)) {
      timer.refresh();
      const failure = tell(line, listener);
      if (failure) return { end: "failed", failure };
    }
    return { end: "closed" };
  } catch (error) {
    if (signal.aborted) return { end: "closed" };
    return idle ? { end: "idle" } : { end: "failed", failure: failureOfThrow(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    body.destroy();
  }
}

function tell<T extends KubeObject>(line: string, listener: WatchListener<T>): Failure | undefined {
  const event = JSON.parse(line) as { type: string; object: T };
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      listener.event(event.type, event.object, line.length);
      return undefined;
    case "BOOKMARK":
      listener.bookmark(versionOf(event.object));
      return undefined;
    case "ERROR":
      return failureOfStatus(objectOf(event.object));
    default:
      return { code: 0, reason: "BadAnswer", message: `watch event of unknown type ${event.type}` };
  }
}

/** The version that an event's object names, of whatever shape it is. */
function versionOf(object: unknown): string | undefined {
  return stringOf(objectOf(objectOf(object).metadata).resourceVersion) || undefined;
}

/** Lines of a stream. Only the new chunk is searched, so a line of megabytes costs linear time. */
async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  for await (const chunk of body) {
    const text = decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = pending + text.slice(start, end);
      pending = "";
      start = end + 1;
      if (line.trim() !== "") yield line;
    }
    pending += text.slice(start);
  }
}
