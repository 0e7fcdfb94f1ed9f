import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Reviewer, Verdict } from "../admission/verdict.ts";
import { type AdmissionRequest, answer, readAdmissionReview } from "../api/admission-review.ts";
import type { Observation } from "./server.ts";

/** One path with its reviewer. */
export interface ReviewRoute {
  path: string;
  reviewer: Reviewer;
  log: Logger;
  onReview?: ((observation: Observation) => void) | undefined;
}

/** Handles the body of one AdmissionReview. */
export function reviewRoute(
  route: ReviewRoute,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  return async (request, reply) => {
    const start = performance.now();
    const read = readBody(request.body);
    if (!read.ok) {
      route.log.warn({ path: route.path, problem: read.problem }, "refused a body that is no review");
      return send(reply, 400, { code: 400, message: read.problem });
    }
    const verdict = await judged(route, read.request);
    const milliseconds = performance.now() - start;
    logReview(route, read.request, verdict, milliseconds);
    route.onReview?.({
      path: route.path,
      kind: read.request.kind.kind,
      operation: read.request.operation,
      outcome: verdict.outcome,
      skipReason: verdict.skipReason,
      seconds: milliseconds / 1000,
    });
    return send(reply, 200, answer(verdict.response));
  };
}

function readBody(body: unknown): ReturnType<typeof readAdmissionReview> {
  if (!(body instanceof Buffer) || body.length === 0) return { ok: false, problem: "the body is empty" };
  try {
    return readAdmissionReview(JSON.parse(body.toString("utf8")));
  } catch (error) {
    return { ok: false, problem: `the body is no JSON: ${(error as Error).message}` };
  }
}

/** A bug must still answer a review: the API server would otherwise only know that the call failed. */
async function judged({ reviewer, log, path }: ReviewRoute, request: AdmissionRequest): Promise<Verdict> {
  try {
    return await reviewer(request);
  } catch (error) {
    log.error({ err: error, uid: request.uid, path }, "a reviewer failed");
    const message = `kthena-ascend failed on this object, which is a bug; look for uid ${request.uid} in its log`;
    const response = {
      uid: request.uid,
      allowed: false,
      status: { code: 500, reason: "InternalError", message },
    };
    return { response, outcome: "refused", findings: [], operations: 0 };
  }
}

function logReview(
  { log, path }: ReviewRoute,
  request: AdmissionRequest,
  verdict: Verdict,
  milliseconds: number,
): void {
  const rules =
    verdict.findings.length > 0 ? [...new Set(verdict.findings.map(({ rule }) => rule))] : undefined;
  const name =
    request.name ?? (request.object?.metadata as { generateName?: string } | undefined)?.generateName ?? "";
  log.info(
    {
      path,
      uid: request.uid,
      kind: request.kind.kind,
      object: `${request.namespace ?? ""}/${name}`,
      operation: request.operation,
      dryRun: request.dryRun === true ? true : undefined,
      verdict: verdict.outcome,
      skipped: verdict.skipReason,
      operations: verdict.operations,
      rules,
      ms: Math.round(milliseconds * 100) / 100,
    },
    "review",
  );
}

function send(reply: FastifyReply, code: number, body: unknown): FastifyReply {
  return reply.code(code).header("content-type", "application/json").send(JSON.stringify(body));
}
