import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { selfMadePair } from "../../src/certs/self-made.ts";
import type { ControlPlane } from "../../test/cluster/control-plane/control-plane.ts";

/** A webhook to compare with: both phases, called for ModelServings. */
export interface Peer {
  name: string;
  install: () => Promise<void>;
  remove: () => Promise<void>;
  stop: () => void;
}

/** The API server takes up a change of its webhooks within a second or so. */
const SETTLE_MS = 1_500;

/** Starts a webhook that answers at once; with `patch` what ours answers, else that nothing is to be changed. */
export async function startPeer(plane: ControlPlane, name: string, patch?: string): Promise<Peer> {
  const host = plane.newAddress();
  const pair = await selfMadePair({ dnsNames: [name], ipAddresses: [host], days: 1 });
  const pairFile = join(plane.folder, `${name}-pair.json`);
  const patchFile = join(plane.folder, `${name}-patch.json`);
  await writeFile(pairFile, JSON.stringify(pair));
  if (patch !== undefined) await writeFile(patchFile, patch);
  const script = join(import.meta.dirname, "peer-process.ts");
  const args = [script, host, "8443", pairFile, ...(patch === undefined ? [] : [patchFile])];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout) await once(child.stdout, "data");
  const webhook = (path: string) => ({
    name: `${name}.bench.example`,
    clientConfig: { url: `https://${host}:8443${path}`, caBundle: Buffer.from(pair.ca).toString("base64") },
    rules: [
      {
        apiGroups: ["workload.serving.volcano.sh"],
        apiVersions: ["v1alpha1"],
        resources: ["modelservings"],
        operations: ["CREATE", "UPDATE"],
      },
    ],
    failurePolicy: "Fail",
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  });
  const kinds = { MutatingWebhookConfiguration: "/mutate", ValidatingWebhookConfiguration: "/validate" };
  return {
    name,
    install: async () => {
      for (const [kind, path] of Object.entries(kinds)) {
        const object = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name } };
        const input = JSON.stringify({ ...object, webhooks: [webhook(path)] });
        await plane.kubectl(["create", "-f", "-"], { input });
      }
      await sleep(SETTLE_MS);
    },
    remove: async () => {
      for (const kind of Object.keys(kinds)) await plane.kubectl(["delete", kind, name]);
      await sleep(SETTLE_MS);
    },
    stop: () => {
      child.kill();
    },
  };
}
