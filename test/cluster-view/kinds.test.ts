import { expect, it } from "vitest";
import { INJECTED, SETTINGS } from "../../src/api/names.ts";
import { onlyRoleSizes } from "../../src/cluster/kinds.ts";

it("of a ModelServing's record only that it is there is kept: pods of audit mode depend on it", () => {
  const annotations = { [INJECTED]: '{"units":{}}', [SETTINGS]: "{}", other: "x" };
  const kept = (given: Record<string, string>) =>
    onlyRoleSizes({ metadata: { name: "m", annotations: given } }).metadata.annotations;
  expect(kept(annotations)).toEqual({ [INJECTED]: "", [SETTINGS]: "{}" });
  expect(kept({ [SETTINGS]: "{}" })).toEqual({ [SETTINGS]: "{}" });
});
