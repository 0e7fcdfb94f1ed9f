import { createReviewers } from "../src/admission/index.ts";
import type { ReviewSurroundings } from "../src/admission/surroundings.ts";
import type { Reviewer } from "../src/admission/verdict.ts";
import type { AdmissionRequest } from "../src/api/admission-review.ts";
import type { ClusterFacts } from "../src/rules/cluster-facts.ts";
import { RULES } from "../src/rules/index.ts";
import { type Subject, twoRoles } from "./subjects.ts";

/** What the rules add to a review. */
export interface RulesRow {
  name: string;
  bytes: number;
  rules: number;
  /** CPU microseconds of a review without any rule, and what all of them add. */
  without: number;
  added: number;
}

const REVIEWS = 1500;
const ROUNDS = 15;

/** A cluster of a hundred nodes, so that the rules about it have something to do. */
const FACTS: ClusterFacts = {
  nodes: Array.from({ length: 100 }, (_, index) => ({
    name: `node-${index}`,
    labels: { pool: "a2" },
    npus: { "huawei.com/ascend-1980": 8 },
  })),
  queues: ["default"],
  runtimeClasses: [],
  modelServings: [],
  modelServers: [],
};

/**
 * CPU time of reviews with the whole catalogue and with none, in turns, the least of each: CPU and not the clock,
 * because a machine that is shared takes its time in between, and spoils the caches.
 */
export async function rulesRows(surroundings: ReviewSurroundings): Promise<RulesRow[]> {
  const all = createReviewers({ ...surroundings, clusterFacts: () => FACTS });
  const none = createReviewers({ ...surroundings, rules: [] });
  const rows: RulesRow[] = [];
  for (const subject of [twoRoles(14 * 1024)]) {
    const request = requestIn(subject);
    await cpuOf(all.mutate, request);
    await cpuOf(none.mutate, request);
    const without: number[] = [];
    const full: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await cpuOf(none.mutate, request));
      full.push(await cpuOf(all.mutate, request));
    }
    const least = Math.min(...without);
    rows.push({
      name: subject.name,
      bytes: subject.body.length,
      rules: RULES.length,
      without: least,
      added: Math.min(...full) - least,
    });
  }
  return rows;
}

async function cpuOf(review: Reviewer, request: AdmissionRequest): Promise<number> {
  const before = process.cpuUsage();
  for (let turn = 0; turn < REVIEWS; turn++) await review(request);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REVIEWS;
}

function requestIn({ body }: Subject): AdmissionRequest {
  return (JSON.parse(body) as { request: AdmissionRequest }).request;
}
