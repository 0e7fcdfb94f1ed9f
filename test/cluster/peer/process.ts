import { readFileSync, watchFile } from "node:fs";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { answer } from "../../../src/api/admission-review.ts";
import { at, type JsonObject, objectOf, stringOf } from "../../../src/api/json.ts";

/**
 * A webhook that does nothing but answer, started as a replica of ours is. With answers it gives those at once that ours
 * gives; without, that nothing is to be changed.
 */

const { values } = parseArgs({
  options: {
    pair: { type: "string", default: "" },
    answers: { type: "string" },
    port: { type: "string", default: "8443" },
    "bind-address": { type: "string", default: "127.0.0.1" },
    kubeconfig: { type: "string" },
  },
});

/** Until every API server and kube-proxy knows that it ends. */
const DRAIN_MS = 1_000;
const PAIR_LOOKED_AT_MS = 100;

const pairNow = () => JSON.parse(readFileSync(values.pair, "utf8")) as { cert: string; key: string };
const answers: JsonObject =
  values.answers === undefined ? {} : (JSON.parse(readFileSync(values.answers, "utf8")) as JsonObject);
let ending = false;

const server = createServer(pairNow(), async (request, response) => {
  if (request.method === "GET") {
    response.writeHead(ending ? 503 : 200, { connection: "close" }).end();
    return;
  }
  const review = objectOf(await json(request));
  const { uid, operation, name } = objectOf(review.request);
  const sort = (stringOf(name) ?? "").replace(/-.*/s, "");
  const [path = ""] = (request.url ?? "").split("?");
  const known = operation === "CREATE" ? objectOf(at(answers, path, sort)) : {};
  const body = { ...known, uid: stringOf(uid) ?? "", allowed: true };
  response.setHeader("content-type", "application/json");
  if (ending) response.setHeader("connection", "close");
  response.end(JSON.stringify(answer(body)));
});
server.keepAliveTimeout = 95_000;
server.listen({ host: values["bind-address"], port: Number(values.port) });
watchFile(values.pair, { interval: PAIR_LOOKED_AT_MS, persistent: false }, () => {
  try {
    server.setSecureContext(pairNow());
  } catch {
    // Half written: the next look finds it whole.
  }
});
process.on("SIGTERM", () => {
  ending = true;
  setTimeout(() => process.exit(0), DRAIN_MS);
});
