import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Observer, observe } from "./observation.ts";
import { type Closing, sendText } from "./reply.ts";

/** What every answer needs. */
interface Context extends Observer {
  state: Closing;
  bodyBytes: number;
}

/** Answers to what never becomes a review. What is not known here is a bug and is told to the log only. */
export function handleErrors(app: FastifyInstance, context: Context): void {
  const messages = problems(context.bodyBytes);
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, request, reply) => {
    const known = messages[error.code ?? ""];
    const status = known?.status ?? error.statusCode ?? 500;
    const problem = known?.problem ?? (status < 500 ? error.message : "internal error; see the log");
    if (status >= 500) context.log.error({ err: error, path: request.url }, "request failed");
    // A connection that is closed on bytes yet unread is reset, and the client never sees this answer. Node reads
    // and drops the rest of the body instead, for as long as the time limit of a request lets it.
    reply.removeHeader("connection");
    // The API server asks again after that time, within the timeout of its call.
    if (status === 429) reply.header("retry-after", "1");
    sendText(reply, context.state, status, problem);
    observe(context, unreadable(request, status, problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const where = `${request.method} ${request.url.slice(0, 100)}`;
    sendText(reply, context.state, 404, `${where} is not served here`);
  });
}

function problems(bodyBytes: number): Record<string, { status: number; problem: string }> {
  const mebibytes = bodyBytes / 2 ** 20;
  const type = "the content type is not application/json, in which the API server sends reviews";
  return {
    BODY_TOO_LARGE: { status: 413, problem: `the body is larger than ${mebibytes} MiB` },
    FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, problem: type },
    FST_ERR_CTP_EMPTY_TYPE: { status: 415, problem: type },
    BODY_CUT_SHORT: { status: 400, problem: "the body is not as long as its content length says" },
    BODY_SHED: { status: 429, problem: SHED },
  };
}

/** What is told where there is no room for a request. */
export const SHED = "too much is under way here; ask again in a moment";

function unreadable(request: FastifyRequest, status: number, problem: string) {
  const path = request.routeOptions.url ?? "";
  return {
    path,
    request: undefined,
    outcome: status === 429 ? "shed" : "unreadable",
    verdict: undefined,
    status,
    problem,
    seconds: 0,
  } as const;
}
