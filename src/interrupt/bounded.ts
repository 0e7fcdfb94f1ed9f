import { createContext, Script } from "node:vm";
import { objectOf } from "../api/json.ts";
import { WORK_LIMITS } from "../api/limits.ts";

/** What work gave, or why it was given up. */
export type Bounded<T> = { ok: true; value: T } | { ok: false; problem: string };

/** The one place through which work gets into the context that can be ended; filled for the moment of a call. */
const DOOR: { run?: () => void } = {};
const CONTEXT = createContext(DOOR);
const SCRIPT = new Script("run()", { filename: "bounded-work" });

/**
 * Runs synchronous work that ends in time whatever it was given: after a second it is ended from outside, between two
 * steps of whatever loop or expression it is in, and neither `catch` nor `finally` of it runs. So what it keeps for
 * later must be right after every single statement: made whole first, then set. Work that nests too deep for the stack
 * is given up as well. Nothing else is caught. `length`: how much it works on; what is short is not watched for time.
 *
 * @throws whatever the work throws
 */
export function bounded<T>(
  length: number,
  work: () => T,
  { milliseconds, unwatchedLength }: { milliseconds: number; unwatchedLength: number } = WORK_LIMITS,
): Bounded<T> {
  try {
    return { ok: true, value: length <= unwatchedLength ? work() : watched(work, milliseconds) };
  } catch (error) {
    const problem = problemOf(error, milliseconds);
    if (problem === undefined) throw error;
    return { ok: false, problem };
  }
}

function watched<T>(work: () => T, milliseconds: number): T {
  let result: { value: T } | undefined;
  DOOR.run = () => {
    delete DOOR.run;
    result = { value: work() };
  };
  SCRIPT.runInContext(CONTEXT, { timeout: milliseconds });
  if (!result) throw new Error("watched work ended without a result");
  return result.value;
}

/** Why the work was given up; undefined where it threw by itself. */
function problemOf(error: unknown, milliseconds: number): string | undefined {
  // The error of the time-out comes out of the other context, so it is none of ours by its class.
  if (objectOf(error).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
    return `reading it takes longer than ${milliseconds / 1000} s`;
  }
  // V8's own: the stack is full, or a text or list would be larger than it can hold.
  if (error instanceof RangeError && LIMIT_OF_V8.test(error.message)) {
    return error.message.startsWith("Maximum")
      ? "it nests too deep to be read"
      : "it is too large to be read";
  }
  return undefined;
}

const LIMIT_OF_V8 = /^(?:Maximum call stack|Invalid string length|Invalid array length)/;
