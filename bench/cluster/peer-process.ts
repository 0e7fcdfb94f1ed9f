import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";
import { answer } from "../../src/api/admission-review.ts";
import { objectOf, stringOf } from "../../src/api/json.ts";

/**
 * A webhook that does nothing but answer, in a process of its own as ours is:
 * `node peer-process.ts HOST PORT PAIR.json [PATCH.json]`. With a patch it answers on /mutate at once what ours
 * answers; without, that nothing is to be changed.
 */

const [, , host = "127.0.0.1", port = "0", pairFile = "", patchFile] = process.argv;
const pair = JSON.parse(await readFile(pairFile, "utf8")) as { cert: string; key: string };
const patch = patchFile === undefined ? undefined : await readFile(patchFile, "utf8");
const encoded = patch === undefined ? undefined : Buffer.from(patch).toString("base64");

const server = createServer({ cert: pair.cert, key: pair.key }, async (request, response) => {
  const review = objectOf(await json(request));
  const { uid, operation } = objectOf(review.request);
  const allowed = { uid: stringOf(uid) ?? "", allowed: true };
  const patched =
    encoded !== undefined && request.url?.startsWith("/mutate") === true && operation === "CREATE";
  const body = patched ? { ...allowed, patchType: "JSONPatch" as const, patch: encoded } : allowed;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(answer(body)));
});
server.keepAliveTimeout = 95_000;
server.listen({ host, port: Number(port) }, () => process.stdout.write("ready\n"));
