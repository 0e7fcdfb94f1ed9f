import type { ControlPlane } from "../control-plane/control-plane.ts";
import { eventually } from "../manifest-user.ts";

const NAME = "nobody-there";

/**
 * Has the API server call webhooks of ours that nobody answers, once and again: one that refuses then, and one that lets
 * pass. Nothing else is in their way.
 */
export async function callNobody(plane: ControlPlane): Promise<void> {
  const url = `https://${plane.newAddress()}:8443/`;
  const webhook = (name: string, failurePolicy: string) => ({
    name: `${name}.kthena-ascend.io`,
    clientConfig: { url },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE"] }],
    objectSelector: { matchLabels: { [NAME]: "true" } },
    failurePolicy,
    timeoutSeconds: 1,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  });
  const kind = "ValidatingWebhookConfiguration";
  const metadata = { name: NAME };
  const webhooks = [webhook("fails", "Fail"), webhook("passes", "Ignore")];
  const made = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata, webhooks };
  await plane.kubectl(["create", "-f", "-"], { input: JSON.stringify(made) });
  const labels = { [NAME]: "true" };
  const input = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...metadata, labels } });
  const create = () =>
    plane.kubectl(["create", "--dry-run=server", "-n=default", "-f", "-"], { input, mayFail: true });
  await eventually("a call fails", create, ({ stderr }) => stderr.includes("fails.kthena-ascend.io"));
  await plane.kubectl(["delete", kind, NAME]);
}
