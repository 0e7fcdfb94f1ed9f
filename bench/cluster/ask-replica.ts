import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { json } from "node:stream/consumers";
import jsonpatch from "fast-json-patch";
import { requestFor } from "../../src/admission/manifest.ts";
import { type JsonObject, objectOf, stringOf } from "../../src/api/json.ts";
import type { Replica } from "../../test/cluster/installation/replica.ts";
import type { Answers } from "../../test/cluster/peer/peer.ts";

/** The port of the container (deploy/chart). */
const WEBHOOK_PORT = 8443;

/** What a replica answers at the creation of these objects, by the beginning of their names. */
export async function answersOf(
  replica: Replica,
  objects: Readonly<Record<string, JsonObject>>,
  namespace: string,
): Promise<Answers> {
  const answers = { "/mutate": {}, "/validate": {} } as Record<string, Record<string, JsonObject>>;
  for (const [sort, object] of Object.entries(objects)) {
    const metadata = { ...objectOf(object.metadata), name: `${sort}-0`, namespace };
    const mutated = await ask(replica, "/mutate", { ...object, metadata }, namespace);
    const patch = Buffer.from(stringOf(mutated.patch) ?? "W10=", "base64").toString();
    const { newDocument } = jsonpatch.applyPatch(
      structuredClone<JsonObject>({ ...object, metadata }),
      JSON.parse(patch) as jsonpatch.Operation[],
    );
    const validated = await ask(replica, "/validate", newDocument, namespace);
    Object.assign(answers["/mutate"] ?? {}, { [sort]: mutated });
    Object.assign(answers["/validate"] ?? {}, { [sort]: validated });
  }
  return answers;
}

async function ask(
  replica: Replica,
  path: string,
  object: JsonObject,
  namespace: string,
): Promise<JsonObject> {
  const review = { ...requestFor(object, namespace), uid: "bench", userInfo: {} };
  const headers = { "content-type": "application/json" };
  const where = { method: "POST", host: replica.address, port: WEBHOOK_PORT, path, headers };
  const call = request({ ...where, rejectUnauthorized: false });
  call.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: review }));
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  const response = objectOf(objectOf((await json(answer)) as JsonObject).response);
  if (response.allowed !== true) throw new Error(`${path} refuses: ${JSON.stringify(response.status)}`);
  return response;
}
