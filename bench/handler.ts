import jsonpatch from "fast-json-patch";
import type { Reviewer, Verdict } from "../src/admission/verdict.ts";
import { type AdmissionRequest, answerText } from "../src/api/admission-review.ts";
import type { JsonObject } from "../src/api/json.ts";
import type { Exchange } from "./load.ts";
import { modelServing, ofSize, pod, type Subject } from "./subjects.ts";

/** One line of a table of single reviews. */
export interface HandlerRow {
  name: string;
  bytes: number;
  ms: number;
  operations: number;
  patchBytes: number;
}

/** Times single reviews without a server, parsing left out: what the reviewer itself costs. */
export async function handlerRows(review: Reviewer): Promise<HandlerRow[]> {
  const rows: HandlerRow[] = [];
  for (const subject of [modelServing(), pod(), pod(1500)]) {
    const verdict = await checked(review, subject);
    const request = requestIn(subject.body);
    const ms = await median(1000, () => review(request));
    const patchBytes = Buffer.from(verdict.response.patch ?? "", "base64").length;
    const { operations } = verdict;
    rows.push({ name: subject.name, bytes: subject.body.length, ms, operations, patchBytes });
  }
  return rows;
}

/** Times reviews of growing objects, parsing included. Linear is: the same microseconds a KB. */
export async function sizeRows(
  review: Reviewer,
): Promise<{ bytes: number; ms: number; perKilobyte: number }[]> {
  const rows = [];
  for (const kilobytes of [1, 10, 100, 1000, 3000]) {
    const subject = ofSize(kilobytes * 1024);
    await checked(review, subject);
    const ms = await median(Math.max(20, 2000 / kilobytes), () => review(requestIn(subject.body)));
    const bytes = subject.body.length;
    rows.push({ bytes, ms, perKilobyte: (ms * 1000 * 1024) / bytes });
  }
  return rows;
}

/**
 * What to send and what has to come back, each under a uid of its own, so that an answer to another request is noticed.
 * @throws Error where the answer itself is wrong
 */
export async function exchangesOf(review: Reviewer, subjects: readonly Subject[]): Promise<Exchange[]> {
  return Promise.all(
    subjects.map(async (subject, index) => {
      const uid = `${subject.uid}-${index}`;
      const body = subject.body.replace(`"uid":"${subject.uid}"`, `"uid":"${uid}"`);
      const verdict = await checked(review, { ...subject, uid, body });
      return { body, answer: answerText(verdict.response) };
    }),
  );
}

/** The object of a request as the reviewer completes it. */
export async function completed(review: Reviewer, subject: Subject): Promise<JsonObject> {
  const { response } = await checked(review, subject);
  const patch = JSON.parse(Buffer.from(response.patch ?? "", "base64").toString()) as jsonpatch.Operation[];
  const { object } = requestIn(subject.body);
  return jsonpatch.applyPatch(object as JsonObject, patch).newDocument;
}

async function checked(review: Reviewer, { name, body, uid }: Subject): Promise<Verdict> {
  const verdict = await review(requestIn(body));
  const { response, operations } = verdict;
  const patch: unknown = JSON.parse(Buffer.from(response.patch ?? "", "base64").toString() || "[]");
  if (response.uid !== uid) throw new Error(`${name}: the answer carries uid ${response.uid}`);
  if (!response.allowed) throw new Error(`${name}: refused: ${response.status?.message}`);
  if (!Array.isArray(patch) || patch.length !== operations || operations === 0) {
    throw new Error(
      `${name}: the patch does not hold the ${operations} operations that the verdict tells of`,
    );
  }
  return verdict;
}

async function median(times: number, work: () => unknown): Promise<number> {
  // Until V8 has compiled it, code runs many times slower.
  for (let turn = 0; turn < times; turn++) await work();
  const taken: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  return taken.sort((left, right) => left - right)[Math.floor(times / 2)] ?? 0;
}

/** The request in a body. */
export function requestIn(body: string): AdmissionRequest {
  return (JSON.parse(body) as { request: AdmissionRequest }).request;
}
