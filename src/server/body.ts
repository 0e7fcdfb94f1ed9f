import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Work, WorkUnderWay } from "./work-under-way.ts";

/** A body that has arrived whole, and what it holds until it is answered. */
export interface Body {
  text: string;
  work: Work;
}

/** A body that was not read to its end. Code and status as fastify's own errors have them. */
export interface BodyError extends Error {
  code: "BODY_TOO_LARGE" | "BODY_SHED" | "BODY_CUT_SHORT";
  statusCode: number;
}

/** What a text and the objects that are made of it take of memory, against the text alone. */
const READ_COST = 4;
/** What is set aside for a body before more of it has arrived. */
const FIRST_BYTES = 64 * 1024;

/**
 * Reads JSON bodies as text; they are parsed once, by the route. What has arrived is counted as it comes: who
 * announces much and sends nothing takes no room from others.
 */
export function readBodies(app: FastifyInstance, under: WorkUnderWay, mostBytes: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", ({ headers }, payload, done) => {
    const declared = Number(headers["content-length"] ?? Number.NaN);
    if (declared > mostBytes) done(bodyError("BODY_TOO_LARGE", 413));
    else readBody(payload, { declared, mostBytes, under }, done);
  });
}

interface Reading {
  /** NaN where the client does not say. */
  declared: number;
  mostBytes: number;
  under: WorkUnderWay;
}

function readBody(
  payload: IncomingMessage,
  { declared, mostBytes, under }: Reading,
  done: (error: Error | null, body?: Body) => void,
): void {
  const collected = new Collected(declared);
  let over = false;
  const finish = (error: BodyError | null, body?: Body): void => {
    if (over) return;
    over = true;
    payload.off("data", take);
    if (error) {
      work.end();
      // The connection may stay open for long, and holds on to this.
      collected.drop();
      // What still comes is read and dropped.
      payload.resume();
    }
    done(error, body);
  };
  const work = under.begin(() => finish(bodyError("BODY_SHED", 429)));
  const take = (chunk: Buffer): void => {
    if (collected.length + chunk.length > mostBytes) finish(bodyError("BODY_TOO_LARGE", 413));
    else if (!work.hold(collected.sizeWith(chunk))) finish(bodyError("BODY_SHED", 429));
    else collected.add(chunk);
  };
  payload.on("data", take);
  payload.once("end", () => {
    if (over) return;
    work.decided();
    if (!work.hold(collected.length * READ_COST)) return finish(bodyError("BODY_SHED", 429));
    const text = collected.text();
    collected.drop();
    finish(null, { text, work });
  });
  payload.once("close", () => finish(bodyError("BODY_CUT_SHORT", 400)));
}

/** Bytes in one piece: chunks of a byte each would cost a hundred times as much. */
class Collected {
  readonly #declared: number;
  #bytes: Buffer | undefined;
  length = 0;

  constructor(declared: number) {
    this.#declared = declared;
  }

  /** How much it would set aside with this chunk too. */
  sizeWith({ length }: Buffer): number {
    const needed = this.length + length;
    const size = this.#bytes?.length ?? 0;
    if (needed <= size) return size;
    // A declared length is believed once half of it has come.
    return needed * 2 > this.#declared || needed === this.#declared
      ? Math.max(needed, this.#declared)
      : Math.max(needed, size * 2, Math.min(FIRST_BYTES, this.#declared || FIRST_BYTES));
  }

  add(chunk: Buffer): void {
    const size = this.sizeWith(chunk);
    const whole = this.length === 0 && size === chunk.length;
    const bytes = whole ? chunk : this.#ofSize(size);
    if (!whole) chunk.copy(bytes, this.length);
    this.#bytes = bytes;
    this.length += chunk.length;
  }

  #ofSize(size: number): Buffer {
    if (this.#bytes?.length === size) return this.#bytes;
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes?.copy(larger, 0, 0, this.length);
    return larger;
  }

  /** Gives back what is held. */
  drop(): void {
    this.#bytes = undefined;
    this.length = 0;
  }

  text(): string {
    return this.#bytes?.toString("utf8", 0, this.length) ?? "";
  }
}

function bodyError(code: BodyError["code"], statusCode: number): BodyError {
  return Object.assign(new Error(code), { code, statusCode });
}
