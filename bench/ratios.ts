import type { Reviewers } from "../src/admission/index.ts";
import type { AdmissionRequest } from "../src/api/admission-review.ts";
import { asked, type Question } from "./models.ts";

/** What one kind of review costs beside parsing its body. */
export interface RatioRow {
  name: string;
  bytes: number;
  /** CPU microseconds. */
  parse: number;
  review: number;
  ratio: number;
  budget: number;
}

interface RatioCase {
  question: Question;
  webhook: keyof Reviewers;
  budget: number;
}

const CASES: readonly RatioCase[] = [
  { question: "create", webhook: "mutate", budget: 5 },
  { question: "create", webhook: "validate", budget: 5 },
  { question: "label", webhook: "mutate", budget: 2.5 },
  { question: "label", webhook: "validate", budget: 2.5 },
  { question: "replicas", webhook: "mutate", budget: 2.5 },
  { question: "lean again", webhook: "mutate", budget: 5 },
  { question: "stamped pod", webhook: "mutate", budget: 2 },
];

const REVIEWS = 150;
const ROUNDS = 14;

/**
 * CPU time of reviews and of `JSON.parse` of their bodies, in one process, the least of several rounds. No two objects
 * of all rounds are the same, so that nothing remembered of one helps with another.
 */
export async function ratioRows(reviewers: Reviewers): Promise<RatioRow[]> {
  const rows: RatioRow[] = [];
  let number = 0;
  for (const pair of [false, true]) {
    for (const one of CASES) {
      let parse = Number.POSITIVE_INFINITY;
      let review = Number.POSITIVE_INFINITY;
      let bytes = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const bodies: string[] = [];
        for (let count = 0; count < REVIEWS; count++) {
          const final = one.webhook === "validate";
          bodies.push((await asked(reviewers.mutate, one.question, final, number++, pair)).body);
        }
        bytes = bodies[0]?.length ?? 0;
        let parsed: { request: AdmissionRequest }[] = [];
        parse = Math.min(
          parse,
          spent(() => {
            parsed = bodies.map((body) => JSON.parse(body));
          }),
        );
        review = Math.min(
          review,
          spent(() => {
            for (const { request } of parsed) void reviewers[one.webhook](request);
          }),
        );
      }
      const what = `${pair ? "prefill and decode with mooncake" : "two roles"}: ${one.webhook}, ${one.question}`;
      rows.push({ name: what, bytes, parse, review, ratio: review / parse, budget: one.budget });
    }
  }
  return rows;
}

/** CPU microseconds for one of the reviews. */
function spent(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REVIEWS;
}
