import { describe, expect, it } from "vitest";
import { judgeManifest, requestFor } from "../../src/admission/manifest.ts";
import { objectsOf, parseManifests } from "../../src/commands/manifests/read.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { routedWorkload, routingServer } from "../../src/readings/routing.ts";
import { COMBINATIONS, complaints, MINDCLUSTER_COMBINATIONS, written } from "./new-combinations.ts";

describe("what new writes", () => {
  const mindcluster = resolveDefaults([{ source: "site", document: { platform: "mindcluster" } }]);
  const all = [
    ...COMBINATIONS.map((args) => ({ args, defaults: resolveDefaults([]) })),
    ...[...COMBINATIONS, ...MINDCLUSTER_COMBINATIONS].map((args) => ({ args, defaults: mindcluster })),
  ];

  it.each(all)("is admitted without a finding: $args, $defaults.settings.platform", ({ args, defaults }) => {
    const { manifests, unreadable } = parseManifests(written(["--model=Qwen/Qwen3-32B", ...args]), "new");
    expect(unreadable).toEqual([]);
    const workloads: ReturnType<typeof routedWorkload>[] = [];
    for (const { object } of manifests.flatMap(objectsOf)) {
      const world = { defaults, workloads: workloads.filter((one) => one !== undefined) };
      const judged = judgeManifest(requestFor(object, "models"), world, { defaultsFor: () => defaults });
      expect(judged.findings).toEqual([]);
      if (object.kind === "ModelServing") workloads.push(routedWorkload(judged.object));
      else if (object.kind === "ModelServer") expect(routingServer(judged.object).selector).not.toEqual({});
    }
  });

  it("says where the NPUs that are asked for have no name on the built-in platform", () => {
    expect(complaints(["--model=m", "--hardware=a5"])).toContain(
      "NPUs of a5 have a known name on platform mindcluster and bare only",
    );
    expect(complaints(["--model=m", "--hardware=310p"])).toBe("");
  });

  it.each([
    ["Qwen/Qwen3-8B", "hostpath:///mnt/cache"],
    ["s3://models/qwen", "hostpath:///mnt/cache"],
    ["pvc://models/qwen", "pvc://models"],
    ["pvc:///models/qwen", "pvc://models"],
  ])("keeps the weights of a ModelBooster of %s in %s", (model, cacheURI) => {
    const { manifests } = parseManifests(written([`--model=${model}`, "--booster", "--name=m"]), "new");
    const defaults = resolveDefaults([]);
    for (const { object } of manifests.flatMap(objectsOf)) {
      expect(object).toMatchObject({ spec: { backend: { cacheURI } } });
      const judged = judgeManifest(
        requestFor(object, "models"),
        { defaults },
        { defaultsFor: () => defaults },
      );
      expect(judged.findings).toEqual([]);
    }
    expect(manifests).toHaveLength(1);
  });

  it.each([
    [["--prefill=1x4"], "--prefill and --decode go together"],
    [["--npus=3", "--hardware=a3"], "3 NPUs are not a number that one pod can have"],
    [["--prefill=1x2", "--decode=1x4"], "must divide prefill's 2"],
    [["--nodes=2", "--npus=4"], "takes whole ones"],
    [["--booster", "--nodes=2"], "leave it out for --nodes"],
    [["--name=Bad_Name"], "--name: Bad_Name must be"],
    [["--hardware=a3", "--prefill=1x4", "--decode=1x4"], "choose roce or hccs"],
    [["--hardware=a3", "--booster", "--prefill=1x4", "--decode=1x4"], "no image for a3 "],
    [["--hardware=310p", "--booster", "--prefill=1x4", "--decode=1x4"], "no image for 310p "],
    [["--hardware=a5", "--prefill=1x4", "--decode=1x4"], "choose uboe or ub"],
    [["--hardware=a2", "--fabric=ub", "--prefill=1x4", "--decode=1x4"], "--fabric: a2 has roce"],
    [["--model="], 'new: --model: "" is not a name or path of a model'],
    [["--npus=0"], "It must be a whole number from 1 to 64."],
  ])("is nothing where no manifest can be right: %j", (args, message) => {
    expect(() => written(["--model=m", ...args])).toThrow(message);
  });
});
