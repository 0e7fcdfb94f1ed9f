import { once } from "node:events";
import { request } from "node:https";
import type { Reviewers } from "../src/admission/index.ts";
import { asked } from "./models.ts";
import { type Program, startProgram } from "./program.ts";

/** Milliseconds until the first creation of a pair was answered, by when it came. */
export interface FirstReview {
  /** As soon as the replica was ready. */
  atOnce: number;
  /** When it had had time to warm up. */
  later: number;
}

const WARM_MS = 4_000;

/** Starts the program twice and asks each once. */
export async function firstReview(program: Program, { mutate }: Reviewers): Promise<FirstReview> {
  const { body } = await asked(mutate, "create", false, 1, true);
  const after = async (ms: number): Promise<number> => {
    const { target } = await startProgram(program);
    await new Promise((resolve) => setTimeout(resolve, ms));
    return answered(target.port, body).finally(target.stop);
  };
  return { atOnce: await after(0), later: await after(WARM_MS) };
}

async function answered(port: number, body: string): Promise<number> {
  const began = performance.now();
  const headers = { "content-type": "application/json" };
  const to = { host: "127.0.0.1", port, path: "/mutate", method: "POST", headers, rejectUnauthorized: false };
  const [response] = await once(request(to).end(body), "response");
  if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode}`);
  for await (const _chunk of response);
  return performance.now() - began;
}
