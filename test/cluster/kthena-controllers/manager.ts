import type { ControlPlane } from "../control-plane/control-plane.ts";

/** Kthena's own controllers, where somebody has them: `go build ./cmd/kthena-controller-manager` in its repository. */
export const KTHENA_CONTROLLER_MANAGER = process.env.KTHENA_CONTROLLER_MANAGER ?? "";

/** They end at once where this file is no such program, or cannot reach the API server. */
const ENDS_WITHIN_MS = 1_500;

/**
 * Starts them with the administrator's rights, without their webhooks, which need a Service.
 * @throws with the end of their log where they end at once
 */
export async function startKthenaManager(plane: ControlPlane, file: string): Promise<void> {
  const args = [`--kubeconfig=${plane.kubeconfig}`, "--enable-webhook=false"];
  const controllers = plane.addProcess({ name: "kthena-controller-manager", file, args });
  controllers.start();
  const from = Date.now();
  await controllers.waitUntil(async () => Date.now() - from > ENDS_WITHIN_MS, 10_000);
}
