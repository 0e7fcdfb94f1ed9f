import { dirname } from "node:path";
import type { ControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { KTHENA_CONTROLLER_MANAGER, startKthenaManager } from "./kthena-controllers/manager.ts";
import { type Product, RELEASE_NAMESPACE, startProduct } from "./product.ts";

/** `npm run cluster`: a control plane with the chart installed, the webhook running and NPU nodes, for a person. */

const say = (text: string) => process.stdout.write(`${text}\n`);

process.stdout.on("error", () => {}); // whoever read it has gone
const signalled = new Promise<NodeJS.Signals>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, resolve);
});

const starting = start();
// Whatever a start that is broken off leaves is removed by the control plane's guard, which outlives this process.
const first = await Promise.race([signalled, starting]);
if (first === undefined) process.exit(1);
if (typeof first === "string") process.exit(0);
say(instructions(first.plane));
await signalled;
say("\nending");
await first.end();

/** Starts everything; undefined where it could not be, which it has told. */
async function start(): Promise<{ plane: ControlPlane; end: () => Promise<void> } | undefined> {
  try {
    const product = await startProduct({
      crdFolders: [crdFolder(), podGroupCrdFolder()],
      log: say,
      values: ["replicas=2"],
    });
    await startKthena(product.plane);
    return { plane: product.plane, end: () => end(product) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

async function end({ plane, installation, admin }: Product): Promise<void> {
  admin.close();
  await installation.stop("at once");
  await plane.stop();
  process.exit(0); // a client's idle connection must not hold it up
}

/** Runs Kthena's own controllers where somebody has them. */
async function startKthena(plane: ControlPlane): Promise<void> {
  const file = KTHENA_CONTROLLER_MANAGER;
  if (!file) return;
  if (!process.env.KTHENA_CRDS) {
    say(
      "KTHENA_CONTROLLER_MANAGER without KTHENA_CRDS: Kthena's controllers may want CRDs that are not here",
    );
  }
  await startKthenaManager(plane, file);
}

function instructions(plane: ControlPlane): string {
  const kthena = KTHENA_CONTROLLER_MANAGER
    ? "Kthena's controllers run too, so that pods come of it."
    : "Kthena's controllers are not here, so no pods come of it; KTHENA_CONTROLLER_MANAGER=/path/to/binary starts them.";
  return `
The cluster is up: two nodes with 8 NPUs each, two replicas of the webhook Ready. ${kthena}
In another terminal, from this folder:

export KUBECONFIG=${plane.kubeconfig}
export PATH=${dirname(plane.programs.kubectl)}:$PATH

kubectl create namespace models
kubectl apply -f examples/modelserving/single-node.yaml
kubectl get modelserving -n models qwen3-32b -o yaml     # what the webhook added
kubectl apply -f examples/refused/too-few-npus.yaml      # refused, with what to write instead
kubectl get configmap -n ${RELEASE_NAMESPACE} kthena-ascend-defaults -o yaml
kubectl edit configmap -n ${RELEASE_NAMESPACE} kthena-ascend-defaults

Logs, the webhook's among them: ${plane.logsDir}
Ctrl-C ends all of it and leaves nothing behind.`;
}
