/** Rules whose findings are not about an object of a user, or are found elsewhere, with why. */
export const NO_OBJECT: Readonly<Record<string, string | undefined>> = {
  "injection/incomplete":
    "another webhook changed the object after this one: its configuration is to be mended",
  "injection/audit": "about the mode of the defaults: the platform team's concern",
  "review/complete-manifest": "found by review alone: test/commands",
  "bounds/depth": "an object of another size: test/admission",
  "bounds/length": "an object of another size: test/admission",
  "bounds/number": "an object of another size: test/admission",
  "bounds/time": "an object of another size: test/admission",
  "defaults/document": "about ConfigMaps: test/admission/config-map.test.ts corrects them",
  "defaults/not-read": "the replica has not read its defaults yet: the platform team's concern",
  "defaults/last-good": "the ConfigMap is wrong: the platform team's concern",
  "kthena/route-rule": "the schema says it first, in a cluster and in review",
  "schema/unknown-field": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/required": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/enum": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/bounds": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/pattern": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/duplicate": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/rule": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/metadata": "found by review alone: test/rules/schema/advice.test.ts",
  "schema/version": "found by review alone: test/rules/schema/advice.test.ts",
};
