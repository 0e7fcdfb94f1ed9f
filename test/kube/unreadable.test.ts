import { expect, test } from "vitest";
import { unreadable } from "../../src/kube/unreadable.ts";

test("of an object that cannot be read little is kept, whatever its owners are called", () => {
  const owner = { apiVersion: "v1", kind: "ModelBooster", name: "b", uid: "U" };
  const ownerReferences = [{ ...owner, uid: "u".repeat(1_000_000) }, owner];
  const kept = unreadable({ metadata: { name: "m", namespace: "n", ownerReferences } }, "too deep");
  expect(kept.metadata.ownerReferences).toEqual([owner]);
  expect(JSON.stringify(kept).length).toBeLessThan(1_000);
});
