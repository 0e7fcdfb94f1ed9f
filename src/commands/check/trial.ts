import { objectOf } from "../../api/json.ts";
import { ASK, INJECTED } from "../../api/names.ts";
import { MODEL_SERVINGS } from "../../cluster/kinds.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Result } from "../../kube/failure.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { type CheckLine, error, fine, unknown, warning } from "./line.ts";

const BLOCKS = "deploy/README.md#when-the-webhook-blocks-something";

/** What came of two dry-run creates: a model that must come back complete, and one that must be refused. */
export interface Trial {
  namespace: string;
  good: Result<AnyObject>;
  bad: Result<AnyObject>;
}

/** A lean model for the trial; `npus` as the annotation has it. */
export function trialModel(namespace: string, npus: string): AnyObject {
  const container = {
    name: "vllm",
    image: "kthena-ascend-check:v0.18.0",
    command: ["vllm", "serve", "check", "--tensor-parallel-size=1"],
  };
  const role = { name: "server", replicas: 1, entryTemplate: { spec: { containers: [container] } } };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: {
      name: "kthena-ascend-check",
      namespace,
      annotations: { [ASK.inject]: "true", [ASK.npus]: npus },
    },
    spec: { replicas: 1, template: { roles: [role] } },
  };
}

/** Creates both as a dry run: nothing is stored. */
export async function tryModels(client: KubeClient, namespace: string): Promise<Trial> {
  const create = (npus: string) =>
    client.create<AnyObject>(MODEL_SERVINGS, trialModel(namespace, npus), { dryRun: true });
  const [good, bad] = await Promise.all([create("1"), create("eight")]);
  return { namespace, good, bad };
}

/** Checks what came of them. `audit`: the defaults say that nothing is injected or refused. */
export function trialLines({ namespace, good, bad }: Trial, audit: boolean): CheckLine[] {
  return [goodLine(namespace, good, audit), badLine(namespace, bad, audit)];
}

function goodLine(namespace: string, result: Result<AnyObject>, audit: boolean): CheckLine {
  const id = "trial/injected";
  const what = `a lean ModelServing, created as a dry run in ${namespace},`;
  if (!result.ok) return failedLine(id, what, result.failure.code, result.failure.message, audit);
  if (result.value.metadata.annotations?.[INJECTED] !== undefined)
    return fine(id, `${what} comes back complete`);
  return error(
    id,
    `${what} comes back as it was sent`,
    `the mutating webhook is not called there: look at its namespaceSelector and objectSelector, and at ${ASK.inject} of the Namespace`,
    BLOCKS,
  );
}

function failedLine(id: string, what: string, code: number, message: string, audit: boolean): CheckLine {
  if (message.includes("failed calling webhook"))
    return error(
      id,
      `${what} fails: ${message}`,
      "the API server cannot call a webhook: the lines about certificates, endpoints and replicas say why",
      BLOCKS,
    );
  if (code === 403 && !message.includes("denied the request"))
    return unknown(id, "whether models are injected", message);
  if (audit && message.includes("workerReplicas"))
    return warning(
      id,
      `${what} is not completed: mode of the defaults is audit`,
      "set mode: enforce once nothing is told that you do not want",
      "src/defaults/README.md",
    );
  if (message.includes("workerReplicas"))
    return error(
      id,
      `${what} comes back as it was sent`,
      `the mutating webhook is not called there: look at its namespaceSelector and objectSelector, and at ${ASK.inject} of the Namespace`,
      BLOCKS,
    );
  return error(
    id,
    `${what} is refused: ${message}`,
    "see which webhook or policy says so, and exempt models from it",
    BLOCKS,
  );
}

function badLine(namespace: string, result: Result<AnyObject>, audit: boolean): CheckLine {
  const id = "trial/refused";
  const what = `a wrong one (${ASK.npus}: eight)`;
  if (!result.ok && result.failure.message.includes("annotations/value"))
    return fine(id, `${what} is refused`);
  if (!result.ok && result.failure.message.includes("failed calling webhook"))
    return error(
      id,
      `${what} is refused by nobody who knows: ${result.failure.message}`,
      "see the lines about certificates, endpoints and replicas",
      BLOCKS,
    );
  if (!result.ok && result.failure.code === 403)
    return unknown(id, "whether wrong models are refused", result.failure.message);
  if (audit)
    return warning(
      id,
      `${what} is not refused: mode of the defaults is audit`,
      "set mode: enforce once nothing is told that you do not want",
      "src/defaults/README.md",
    );
  const seen = result.ok ? "is admitted" : `is refused for another reason: ${result.failure.message}`;
  return error(
    id,
    `${what} ${seen} in ${namespace}`,
    "the webhooks are not called there: look at their selectors",
    BLOCKS,
  );
}

/** The API server's clock less ours, milliseconds, by the time that it writes on a new object. */
export function skewOf({ good }: Trial, now: number): number | undefined {
  if (!good.ok) return undefined;
  const written = Date.parse(objectOf(good.value.metadata as unknown).creationTimestamp as string);
  return Number.isNaN(written) ? undefined : written - now;
}
