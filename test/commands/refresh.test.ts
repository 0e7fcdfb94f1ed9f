import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { type RefreshStep, runAt, stepOf, timeOfRun, wavesOf } from "../../src/commands/refresh/plan.ts";
import { boosterReadiness, servingReadiness, specMark } from "../../src/commands/refresh/readiness.ts";
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
  const model = (observedGeneration: number, ...conditions: JsonObject[]): JsonObject => ({
    metadata: { name: "m", uid: "1", generation: 3 },
    status: { observedGeneration, conditions },
  });
  const is = (type: string, more: JsonObject = {}): JsonObject => ({ type, status: "True", ...more });
  const no = (type: string, more: JsonObject = {}): JsonObject => ({ type, status: "False", ...more });

  it("is ready when its controller has seen its newest spec, all groups stand and none is updated", () => {
    const stateOf = (serving: JsonObject) => servingReadiness(serving).state;
    expect(stateOf(model(3, is("Available")))).toBe("ready");
    expect(stateOf(model(2, is("Available")))).toBe("waiting");
    expect(stateOf(model(3, is("Available"), is("UpdateInProgress")))).toBe("waiting");
    expect(stateOf(model(3))).toBe("waiting");
    const progressing = is("Progressing", { reason: "GroupProgressing", message: "some groups: [0]" });
    expect(servingReadiness(model(3, no("Available"), progressing)).why).toBe(
      "GroupProgressing: some groups: [0]",
    );
  });

  describe("that is a ModelBooster", () => {
    const serves = model(3, is("Available"));
    const failed = is("Failed", { reason: "Crashing", message: "exit 1", lastTransitionTime: "12:00" });

    it("is ready when it is Active and its ModelServing is ready", () => {
      expect(boosterReadiness(model(3, is("Active")), serves, {}).state).toBe("ready");
      expect(boosterReadiness(model(2, is("Active")), serves, {}).state).toBe("waiting");
      expect(boosterReadiness(model(3, is("Active")), model(2, is("Available")), {}).state).toBe("waiting");
      expect(boosterReadiness(model(3, is("Active")), undefined, {}).state).toBe("waiting");
      const before = { serving: specMark(serves) };
      expect(boosterReadiness(model(3, is("Active")), serves, before).why).toContain("has not changed");
    });

    it("is ready when it is scaled to zero, as it was asked for", () => {
      const zero = no("Active", { reason: "ScaledToZero" });
      expect(boosterReadiness(model(3, zero), serves, {}).state).toBe("ready");
    });

    it("has failed when it is Failed, but not by what had failed before", () => {
      const why = "Crashing: exit 1";
      expect(boosterReadiness(model(3, failed), serves, {})).toEqual({ state: "failed", why });
      expect(boosterReadiness(model(2, failed), serves, {}).state).toBe("waiting");
      expect(boosterReadiness(model(3, failed), serves, { failedSince: "12:00" })).toEqual({
        state: "waiting",
        why,
      });
      expect(boosterReadiness(model(3, failed), serves, { failedSince: "11:00" }).state).toBe("failed");
    });

    it("is ready where Kthena's Failed of long ago stands beside Active", () => {
      expect(boosterReadiness(model(3, failed, is("Active")), serves, {}).state).toBe("ready");
    });

    it("that is not ready tells why", () => {
      const rolling = no("Active", { reason: "RollingOut", message: "1 of 2 pods" });
      expect(boosterReadiness(model(3, rolling), serves, {}).why).toBe("RollingOut: 1 of 2 pods");
    });
  });

  it("tells when this command refreshed it", () => {
    expect(timeOfRun(runAt(Date.parse("2026-06-01T01:02:03.456Z")))).toBe(Date.parse("2026-06-01T01:02:03Z"));
    expect(timeOfRun("2")).toBeUndefined();
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
    await expect(writeState(file, "refresh-2", [])).rejects.toThrow(
      /nothing was changed: .*run\.json is of another run; name another file with --state/,
    );
    const nowhere = join(folder, "none", "run.json");
    await expect(writeState(nowhere, "refresh-2", [])).rejects.toThrow(/none\/run\.json does not exist/);
    expect(await readFile(file, "utf8")).toContain("refresh-1");
  });

  it("is told when a file holds something else", async () => {
    const file = join(folder, "other.json");
    await writeFile(file, "{");
    await expect(readState(file)).rejects.toThrow("is no RefreshState");
    await expect(readState(join(folder, "none"))).rejects.toThrow("cannot be read");
  });
});
