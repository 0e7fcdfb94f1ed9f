import type { FastifyReply } from "fastify";

/** Connections that are to end with their next answer are told so in it. */
export interface Closing {
  closing: boolean;
}

const JSON_TYPE = "application/json";
// The API server shows the body of an error to the user only where it is text (client-go, rest/request.go).
const TEXT_TYPE = "text/plain; charset=utf-8";

/** Answers 200 with JSON that is text already. */
export function sendJson(reply: FastifyReply, state: Closing, json: string): void {
  if (state.closing) reply.header("connection", "close");
  reply.header("content-type", JSON_TYPE).send(json);
}

/** Answers with one line or several for people. */
export function sendText(reply: FastifyReply, state: Closing, status: number, text: string): void {
  if (state.closing) reply.header("connection", "close");
  reply.code(status).header("content-type", TEXT_TYPE).send(`${text}\n`);
}
