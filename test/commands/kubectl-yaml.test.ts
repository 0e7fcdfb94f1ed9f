import { expect, it } from "vitest";
import { objectsOf, parseManifests } from "../../src/commands/manifests/read.ts";

function read(text: string): unknown {
  const [manifest] = parseManifests(`a: ${text}\n`, "test").manifests;
  return manifest && objectsOf(manifest)[0]?.object.a;
}

// What `kubectl create --dry-run=client -o json` makes of each (1.36).
it.each<[string, unknown]>([
  ["yes", true],
  ["On", true],
  ["y", true],
  ["NO", false],
  ["off", false],
  ["n", false],
  ["yEs", "yEs"],
  ['"yes"', "yes"],
  ["0644", 420],
  ["-010", -8],
  ["0899", 899],
  ["0o17", 15],
  ["0b101", 5],
  ["0x1F", 31],
  ["1_000", 1000],
  ["1_0.5", 10.5],
  ["+0xa", 10],
  ["1e400", "1e400"],
  ["-_9", -9],
  ["12:30", "12:30"],
  ["2026-01-01", "2026-01-01"],
  ["~", null],
  ["1.5", 1.5],
  ["1e3", 1000],
  ["v0.18.0", "v0.18.0"],
])("%s is read as %j", (text, value) => {
  expect(read(text)).toEqual(value);
});

it("words stay as they were written where the manifest is written out", () => {
  const [manifest] = parseManifests("a: yes\n", "test").manifests;
  expect(manifest?.text).toBe("a: yes\n");
});
