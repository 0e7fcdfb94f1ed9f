// `npm run bench:fuzz -- [--objects N] [--seed N]`: objects of Kthena's kinds, right in most places and anything in
// some, through the webhook's judgement and through `review`. Nothing may be thrown.
import { parseArgs } from "node:util";
import { judgeRequest } from "../src/admission/judgement.ts";
import { judgeManifest, requestFor } from "../src/admission/manifest.ts";
import type { JsonObject } from "../src/api/json.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { randomFrom, shapedObject } from "../test/generate/shaped.ts";

const { values } = parseArgs({ options: { objects: { type: "string" }, seed: { type: "string" } } });
const count = Number(values.objects ?? "1000000");
const first = Number(values.seed ?? "1");
const defaults = resolveDefaults([]);
const surroundings = { defaultsFor: () => defaults };
const found = new Map<string, number>();
let refused = 0;
let thrown = 0;
const start = performance.now();

for (let seed = first; seed < first + count; seed++) {
  const random = randomFrom(seed);
  const object = shapedObject(random, seed % 4 === 0 ? 0.2 : 0.01);
  try {
    look(object, seed % 8 === 1 ? shapedObject(random, 0.01, object.kind as "ModelServing") : undefined);
  } catch (error) {
    thrown++;
    process.stdout.write(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
const seconds = (performance.now() - start) / 1000;
const rules = Object.fromEntries([...found].toSorted(([left], [right]) => (left < right ? -1 : 1)));
process.stdout.write(
  `${JSON.stringify({ objects: count, seconds: Math.round(seconds), refused, thrown, rules })}\n`,
);
process.exitCode = thrown === 0 ? 0 : 1;

function look(object: JsonObject, oldObject: JsonObject | undefined): void {
  const request = {
    ...requestFor(object, "n"),
    ...(oldObject ? { operation: "UPDATE", oldObject } : {}),
  };
  judgeRequest(request, { defaults }, surroundings);
  const { findings } = judgeManifest(requestFor(object, "n"), { defaults }, surroundings);
  if (findings.some(({ severity }) => severity === "deny")) refused++;
  for (const { rule } of findings) found.set(rule, (found.get(rule) ?? 0) + 1);
}
