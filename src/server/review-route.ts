import type { FastifyReply, FastifyRequest } from "fastify";
import type { Reviewer, Verdict } from "../admission/verdict.ts";
import {
  type AdmissionRequest,
  answerText,
  type ReviewReading,
  readAdmissionReview,
} from "../api/admission-review.ts";
import { parseExactly } from "../api/exact-numbers.ts";
import { shortened } from "../api/shortened.ts";
import type { Body } from "./body.ts";
import { SHED } from "./errors.ts";
import { type Observer, observe } from "./observation.ts";
import { type Closing, sendJson, sendText } from "./reply.ts";
import type { Work } from "./work-under-way.ts";

/** One path with its reviewer, and what all paths share. */
export interface ReviewRoute extends Observer {
  path: string;
  reviewer: Reviewer;
  state: Closing;
}

/** One review under way. */
interface Exchange {
  route: ReviewRoute;
  request: AdmissionRequest;
  reply: FastifyReply;
  work: Work;
  /** Of its body. */
  length: number;
  start: number;
}

/**
 * Makes the handler of a path: the body as text in, an AdmissionReview out. A reviewer that has nothing to wait for
 * is answered in the same turn of the event loop.
 */
export function reviewRoute(route: ReviewRoute): (request: FastifyRequest, reply: FastifyReply) => void {
  return (request, reply) => {
    const start = performance.now();
    const body = request.body as Body | undefined;
    // The connection holds on to its last request until the next one.
    request.body = undefined;
    const reading = readText(body?.text);
    if (reading.ok && body) {
      const { work, text } = body;
      return judge({ route, request: reading.request, reply, work, length: text.length, start });
    }
    body?.work.end();
    refuse(route, reply, reading.ok ? "the body is empty" : reading.problem, start);
  };
}

function readText(text = ""): ReviewReading {
  if (text === "") return { ok: false, problem: "the body is empty" };
  try {
    // JSON.parse makes a key named `__proto__` data like any other, so nothing has to be taken out.
    return readAdmissionReview(parseExactly(text));
  } catch {
    // The parser's message quotes the body, which may be secret.
    return { ok: false, problem: "the body is no JSON" };
  }
}

function judge(exchange: Exchange): void {
  const { route, request } = exchange;
  try {
    const verdict = route.reviewer(request);
    if (verdict instanceof Promise) {
      verdict.then((late) => conclude(exchange, late)).catch((error) => fail(exchange, error));
    } else {
      conclude(exchange, verdict);
    }
  } catch (error) {
    fail(exchange, error);
  }
}

function conclude(exchange: Exchange, verdict: Verdict): void {
  const { route, request, length, start } = exchange;
  const { response } = verdict;
  // Without the uid of its request an answer counts as none.
  const text = answerText(response.uid === request.uid ? response : { ...response, uid: request.uid });
  const sent = send(exchange, text);
  const seconds = (performance.now() - start) / 1000;
  const what = sent ? { outcome: verdict.outcome, status: 200 } : { outcome: "shed" as const, status: 429 };
  observe(route, { path: route.path, request, ...what, verdict, length, seconds });
}

/** Hands an answer over; false where there was no room for it. Whoever does not take it is cut in the end. */
function send({ route, reply, work }: Exchange, text: string): boolean {
  const room = work.hold(text.length);
  reply.raw.once("close", work.end);
  work.answered(() => reply.raw.destroy());
  if (room) sendJson(reply, route.state, text);
  else sendText(reply.header("retry-after", "1"), route.state, 429, SHED);
  return room;
}

/** Of a uid in the log; Kubernetes' own are shorter. */
const MOST_UID = 128;

/** A bug must still answer a review: the API server would otherwise only know that the call failed. */
function fail(exchange: Exchange, error: unknown): void {
  const { route, request, start } = exchange;
  const { uid } = request;
  const { path } = route;
  const shown = shortened(uid, MOST_UID);
  route.log.error({ err: error, uid: shown, path }, "a reviewer failed");
  const message = `kthena-ascend failed on this object, which is a bug; look for uid ${shown} in its log`;
  const status = { code: 500, reason: "InternalError", message };
  send(exchange, answerText({ uid, allowed: false, status }));
  const seconds = (performance.now() - start) / 1000;
  observe(route, { path, request, outcome: "failed", verdict: undefined, status: 200, seconds });
}

function refuse(route: ReviewRoute, reply: FastifyReply, problem: string, start: number): void {
  sendText(reply, route.state, 400, problem);
  const seconds = (performance.now() - start) / 1000;
  const outcome = "unreadable";
  const { path } = route;
  observe(route, { path, request: undefined, outcome, verdict: undefined, status: 400, problem, seconds });
}
