import { once } from "node:events";
import { createServer } from "node:https";
import { json } from "node:stream/consumers";
import { answer } from "../../src/api/admission-review.ts";
import { objectOf, stringOf } from "../../src/api/json.ts";
import { selfMadePair } from "../../src/certs/self-made.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";

/** What the other one says. */
export const SECOND_REFUSAL = "refused by another webhook";

/** Installs a validating webhook that refuses every ModelServing of a namespace without a look at it. */
export async function startSecondWebhook(plane: ControlPlane, namespace: string): Promise<AsyncDisposable> {
  const host = plane.newAddress();
  const pair = await selfMadePair({ dnsNames: ["second"], ipAddresses: [host], days: 1 });
  const server = createServer(pair, async (request, response) => {
    const uid = stringOf(objectOf(objectOf(await json(request)).request).uid) ?? "";
    const status = { code: 403, message: SECOND_REFUSAL };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer({ uid, allowed: false, status })));
  });
  server.listen({ host, port: 8443 });
  await once(server, "listening");
  const webhook = {
    name: "second.example.org",
    clientConfig: { url: `https://${host}:8443/`, caBundle: Buffer.from(pair.ca).toString("base64") },
    rules: [
      {
        apiGroups: ["workload.serving.volcano.sh"],
        apiVersions: ["v1alpha1"],
        resources: ["modelservings"],
        operations: ["CREATE", "UPDATE"],
      },
    ],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    failurePolicy: "Fail",
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const kind = "ValidatingWebhookConfiguration";
  const input = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name: "second" } };
  await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify({ ...input, webhooks: [webhook] }) });
  return {
    async [Symbol.asyncDispose]() {
      await plane.kubectl(["delete", kind, "second"]);
      server.close();
      server.closeAllConnections();
    },
  };
}
