import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";

const MESSAGES: Record<string, { code: number; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 413, message: "the body is larger than 7 MiB" },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 415,
    message: "the content type is not application/json, in which the API server sends reviews",
  },
  FST_ERR_CTP_EMPTY_TYPE: { code: 415, message: "the content type is missing; send application/json" },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 400,
    message: "the body is not as long as its content length says",
  },
};

/** Answers to what never becomes a review. What is not known here is a bug and is told to the log only. */
export function handleErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: Error & { code?: string; statusCode?: number }, request, reply) => {
    const known = MESSAGES[error.code ?? ""];
    const code = known?.code ?? error.statusCode ?? 500;
    if (code >= 500) log.error({ err: error, path: request.url }, "request failed");
    const message = known?.message ?? (code >= 500 ? "internal error; see the log" : error.message);
    return reply.code(code).type("application/json").send(JSON.stringify({ code, message }));
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url.slice(0, 100)} is not served here`;
    return reply
      .code(404)
      .type("application/json")
      .send(JSON.stringify({ code: 404, message }));
  });
}
