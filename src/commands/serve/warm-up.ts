import { createReviewers, type Reviewers } from "../../admission/index.ts";
import { judgeRequest } from "../../admission/judge.ts";
import { requestFor } from "../../admission/manifest.ts";
import type { AdmissionRequest } from "../../api/admission-review.ts";
import { type JsonObject, objectOf } from "../../api/json.ts";
import { resolveDefaults } from "../../defaults/resolve.ts";
import type { Clock } from "../../kube/surroundings.ts";
import type { AdmissionServer } from "../../server/server.ts";
import { sampleObjects } from "./samples.ts";

/** When a replica tries itself, and how often. */
export interface WarmingUp {
  clock: Clock;
  /** Whether it is asked something just now: then it has better things to do. */
  busy: () => boolean;
  signal: AbortSignal;
  /** Rounds over all samples. */
  rounds?: number;
}

/** Lets a server warm up from now on. Gives the function that ends it. */
export function startWarmUp(server: Pick<AdmissionServer, "bytesUnderWay">, clock: Clock): () => void {
  const warming = new AbortController();
  void warmUp({ clock, busy: () => server.bytesUnderWay() > 0, signal: warming.signal });
  return () => warming.abort();
}

/** The first rounds come at once, in the moment before a replica is ready. */
const AT_ONCE = 2;
const EVERY_MS = 250;

/**
 * Reviews samples, so that the first real reviews of a replica find code that is loaded and compiled: without it they
 * take ten times as long as later ones. What is reviewed here is seen by nobody, and asks the cluster nothing. Ends
 * after some seconds, or with the signal. Gives how many reviews it made.
 */
export async function warmUp({ clock, busy, signal, rounds = 10 }: WarmingUp): Promise<number> {
  const defaults = resolveDefaults([]);
  const surroundings = { defaultsFor: () => defaults };
  const reviewers = createReviewers(surroundings);
  const bodies = sampleReviews((request) => judgeRequest(request, { defaults }, surroundings).object);
  let reviews = 0;
  for (let round = 0; round < rounds && !signal.aborted; round++) {
    for (const body of bodies) {
      await clock.sleep(round < AT_ONCE ? 0 : EVERY_MS / bodies.length, signal);
      if (signal.aborted) break;
      if (busy()) continue;
      const request = JSON.parse(body.text) as AdmissionRequest;
      await reviewers[body.webhook](request);
      reviews++;
    }
  }
  return reviews;
}

interface SampleReview {
  webhook: keyof Reviewers;
  text: string;
}

/** What an API server would ask about the samples: their creation, and a change of a label. */
function sampleReviews(completed: (request: AdmissionRequest) => JsonObject): SampleReview[] {
  return sampleObjects().flatMap((lean): SampleReview[] => {
    const create = requestFor(lean, "default");
    const stored = completed(create);
    const metadata = { ...objectOf(stored.metadata), labels: { app: "other" } };
    const update = { ...create, operation: "UPDATE", object: { ...stored, metadata }, oldObject: stored };
    const asked: [keyof Reviewers, AdmissionRequest][] = [
      ["mutate", create],
      ["validate", { ...create, object: stored }],
      ["mutate", update],
      ["validate", update],
    ];
    return asked.map(([webhook, request]) => ({ webhook, text: JSON.stringify(request) }));
  });
}
