import fastJsonPatch, { type Operation } from "fast-json-patch";
import { describe, expect, it, vi } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { at, type Json, type JsonObject, objectOf } from "../../src/api/json.ts";
import { touches } from "../../src/commands/review/applied.ts";
import { reviewDeclared, reviewOptions } from "../../src/commands/review/command.ts";
import { review } from "../../src/commands/review/review.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { recordingConsole } from "../commands/recording-console.ts";

// All that is told of LeaderWorkerSets: one file, and its line in the table of kinds.
vi.mock(import("../../src/kinds/workloads.ts"), async (importOriginal) => {
  const { WORKLOADS } = await importOriginal();
  const { leaderWorkerSetShape } = await import("./leader-worker-set.ts");
  const more = { ...WORKLOADS, LeaderWorkerSet: leaderWorkerSetShape };
  return { WORKLOADS: more };
});

const NPUS = "huawei.com/ascend-1980";
const PARTS = ["leaderTemplate", "workerTemplate"];
const defaults = resolveDefaults([]);
const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });

/** Two pods of eight NPUs each, which find each other by what the controller gives them. */
function leaderWorkerSet(leader: JsonObject = {}): JsonObject {
  const line = ["vllm", "serve", "m", "-tp", "16", "--nnodes", "$(LWS_GROUP_SIZE)", "--node-rank"];
  const command = [...line, "$(LWS_WORKER_INDEX)", "--master-addr", "$(LWS_LEADER_ADDRESS)"];
  const template = (name: string, more: string[], container: JsonObject): JsonObject => ({
    spec: { containers: [{ name, image: IMAGE, command: [...command, ...more], ...container }] },
  });
  return {
    apiVersion: "leaderworkerset.x-k8s.io/v1",
    kind: "LeaderWorkerSet",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
    spec: {
      replicas: 2,
      leaderWorkerTemplate: {
        size: 2,
        leaderTemplate: template("leader", [], leader),
        workerTemplate: template("worker", ["--headless"], {}),
      },
    },
  };
}

const IMAGE = "quay.io/ascend/vllm-ascend:v0.18.0";

async function answered(reviewer: typeof mutate, object: JsonObject, oldObject?: JsonObject) {
  const update = oldObject ? { operation: "UPDATE" as const, oldObject } : {};
  const { response } = await reviewer({ ...requestFor(object, "n"), ...update });
  const text = Buffer.from(response.patch ?? "", "base64").toString() || "[]";
  const operations = JSON.parse(text) as Operation[];
  const copy = structuredClone(object);
  return { response, object: fastJsonPatch.applyPatch(copy, operations).newDocument };
}

function containerOf(object: JsonObject, part: string): JsonObject {
  const containers = at(object, "spec", "leaderWorkerTemplate", part, "spec", "containers");
  return objectOf((containers as Json[])[0]);
}

async function reviewed(object: JsonObject, ...args: string[]) {
  const command = reviewDeclared().parse(["-f", "-", ...args], { from: "user" });
  const console = recordingConsole(JSON.stringify(object));
  const code = await review(reviewOptions([], command.opts(), "test"), console);
  return { code, out: console.output };
}

describe("a kind that the table of kinds alone knows", () => {
  it("has both of its templates completed, by what its controller gives its pods", async () => {
    const { object } = await answered(mutate, leaderWorkerSet());
    for (const part of PARTS) {
      const { resources, env, volumeMounts } = containerOf(object, part);
      expect(resources).toEqual({ limits: { [NPUS]: "8" }, requests: { [NPUS]: "8" } });
      expect(env).toContainEqual(expect.objectContaining({ name: "HCCL_IF_IP" }));
      expect(volumeMounts).toContainEqual(expect.objectContaining({ mountPath: "/dev/shm" }));
    }
    // Nobody makes PodGroups of it.
    expect(at(object, "spec", "schedulerName")).toBeUndefined();
  });

  it("is admitted as it was completed, and refused before it was", async () => {
    const { object } = await answered(mutate, leaderWorkerSet());
    expect((await answered(validate, object)).response).toMatchObject({ allowed: true });
    const { response } = await answered(validate, leaderWorkerSet());
    expect(response).toMatchObject({ allowed: false });
    expect(response.status?.message).toContain("injection/incomplete");
  });

  it("stays as it is stored where the same manifest is applied again, and where it is scaled", async () => {
    const { object: stored } = await answered(mutate, leaderWorkerSet());
    expect((await answered(mutate, leaderWorkerSet(), stored)).object).toEqual(stored);
    const scaled = { ...stored, spec: { ...objectOf(stored.spec), replicas: 5 } };
    expect((await answered(mutate, scaled, stored)).response.patch).toBeUndefined();
    expect(touches("LeaderWorkerSet", stored, scaled)).toBe(false);
    expect(touches("LeaderWorkerSet", stored, leaderWorkerSet())).toBe(true);
  });

  it("is refused for what is wrong in a template", async () => {
    const { response } = await answered(mutate, leaderWorkerSet({ resources: { limits: { [NPUS]: "3" } } }));
    expect(response).toMatchObject({ allowed: false });
    expect(response.status?.message).toContain(
      "spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].resources.limits[huawei.com/ascend-1980]: container leader of role group has 3 NPUs",
    );
  });

  it("is reviewed in a file", async () => {
    const { code, out } = await reviewed(leaderWorkerSet(), "--explain");
    expect(out).toContain("LeaderWorkerSet n/m (standard input:1): completed");
    expect(code).toBe(0);
    const wrong = await reviewed(leaderWorkerSet({ resources: { limits: { [NPUS]: "3" } } }));
    expect(wrong.out).toContain("LeaderWorkerSet n/m (standard input:1): refused");
    expect(wrong.code).toBe(1);
  });
});
