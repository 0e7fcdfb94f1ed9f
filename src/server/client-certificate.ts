import type { TLSSocket } from "node:tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Closing, sendText } from "./reply.ts";

const PROBLEM =
  "a client certificate is needed here that the CA of --client-ca-file has signed: this server answers the API server only";

/** Refuses, before a body is read, who shows no certificate of the client CA. */
export function clientCheck(
  state: Closing,
): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void {
  return ({ raw }, reply, done) => {
    if ((raw.socket as TLSSocket).authorized === true) done();
    else sendText(reply, state, 401, PROBLEM);
  };
}
