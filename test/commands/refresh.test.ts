import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import {
  isOfRun,
  modelStateOf,
  type RefreshStep,
  runAt,
  stepOf,
  wavesOf,
} from "../../src/commands/refresh/plan.ts";
import { modelBefore, readState, writeState } from "../../src/commands/refresh/state.ts";

const step = (name: string, npus: number): RefreshStep => ({
  kind: "ModelServing",
  namespace: "a",
  name,
  pods: 1,
  npus,
});

describe("waves", () => {
  it("hold at most so many models, the smallest first, and every model once", () => {
    const names = (most: number) =>
      wavesOf([step("c", 16), step("b", 1), step("a", 1), step("d", 4)], most).map((wave) =>
        wave.map(({ name }) => name),
      );
    expect(names(2)).toEqual([
      ["a", "b"],
      ["d", "c"],
    ]);
    expect(names(1)).toEqual([["a"], ["b"], ["d"], ["c"]]);
    expect(wavesOf([], 3)).toEqual([]);
  });
});

describe("a step", () => {
  const role = (image: string, replicas = 1): JsonObject => ({
    name: "r",
    replicas,
    workerReplicas: 0,
    entryTemplate: {
      spec: { containers: [{ name: "e", image, resources: { limits: { "huawei.com/ascend-1980": 4 } } }] },
    },
  });
  const model = (image: string, settings: string): JsonObject => ({
    kind: "ModelServing",
    metadata: { name: "m", namespace: "a", annotations: { "kthena-ascend.io/settings": settings } },
    spec: { replicas: 2, template: { roles: [role(image)] } },
  });

  it("is none for a model that would be stored as it is", () => {
    expect(stepOf("ModelServing", model("a", "1"), model("a", "1"))).toBeUndefined();
  });

  it("counts the pods and NPUs that restart, and restarts nothing where only settings change", () => {
    expect(stepOf("ModelServing", model("a", "1"), model("b", "2"))).toMatchObject({ pods: 2, npus: 8 });
    expect(stepOf("ModelServing", model("a", "1"), model("a", "2"))).toMatchObject({ pods: 0, npus: 0 });
  });
});

describe("a model", () => {
  const serving = (observedGeneration: number, ...types: string[]): JsonObject => ({
    metadata: { name: "m", generation: 3 },
    status: { observedGeneration, conditions: types.map((type) => ({ type, status: "True" })) },
  });

  it("is ready when its controller has seen its newest spec, all groups stand and none is updated", () => {
    expect(modelStateOf("ModelServing", serving(3, "Available"))).toBe("ready");
    expect(modelStateOf("ModelServing", serving(2, "Available"))).toBe("waiting");
    expect(modelStateOf("ModelServing", serving(3, "Available", "UpdateInProgress"))).toBe("waiting");
    expect(modelStateOf("ModelServing", serving(3))).toBe("waiting");
  });

  it("that is a ModelBooster is ready when it is Active, and has failed when it is Failed", () => {
    expect(modelStateOf("ModelBooster", serving(3, "Active"))).toBe("ready");
    expect(modelStateOf("ModelBooster", serving(3, "Failed"))).toBe("failed");
    expect(modelStateOf("ModelBooster", serving(2, "Failed"))).toBe("waiting");
  });

  it("tells whether this command refreshed it", () => {
    const refreshed = (value: string): JsonObject => ({
      metadata: { annotations: { "kthena-ascend.io/refresh": value } },
    });
    expect(isOfRun(refreshed(runAt(Date.parse("2026-06-01T01:02:03.456Z"))))).toBe(true);
    expect(isOfRun(refreshed("2"))).toBe(false);
  });
});

describe("what stood before", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kthena-ascend-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is kept for nobody else to read, and never over another run's", async () => {
    const file = join(folder, "run.json");
    const model = modelBefore(step("m", 4), { metadata: { name: "m" }, spec: { replicas: 1 } });
    await writeState(file, "refresh-1", [model]);
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(await readState(file)).toMatchObject({
      run: "refresh-1",
      models: [{ name: "m", spec: { replicas: 1 } }],
    });
    await expect(writeState(file, "refresh-2", [])).rejects.toThrow("nothing was changed");
    expect(await readFile(file, "utf8")).toContain("refresh-1");
  });

  it("is told when a file holds something else", async () => {
    const file = join(folder, "other.json");
    await writeFile(file, "{");
    await expect(readState(file)).rejects.toThrow("is no RefreshState");
    await expect(readState(join(folder, "none"))).rejects.toThrow("cannot be read");
  });
});
