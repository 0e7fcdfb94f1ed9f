import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeRequest } from "../../src/admission/judge.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { patchedText } from "../../src/commands/manifests/edit.ts";
import { objectsOf, parseManifests } from "../../src/commands/manifests/read.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";

const defaults = resolveDefaults([]);

/** The text complete, and what it says. */
function completed(text: string) {
  const [manifest] = parseManifests(text, "m.yaml").manifests;
  if (!manifest) throw new Error("no manifest");
  const edits = objectsOf(manifest).map(({ at, object }) => {
    const judged = judgeRequest(requestFor(object, "n"), { defaults }, { defaultsFor: () => defaults });
    return { at, operations: judged.operations, result: judged.object };
  });
  return { text: patchedText(manifest, edits), wanted: JSON.parse(JSON.stringify(edits[0]?.result)) };
}

const LEAN = `# kept
apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata:
  name: m # beside
  annotations: {kthena-ascend.io/inject: "true"}
spec:
  template:
    roles:
    - name: server
      entryTemplate:
        spec:
          containers:
          - name: vllm
            image: "engine:1"
            command:   [vllm, serve, m]
            args: [-tp, "4"]
            volumeMounts: []
          volumes:
          - {name: s, configMap: {name: s, defaultMode: 0550}}
`;

describe("a completed text", () => {
  it("has every line that it had, but for flow lists that grow", () => {
    const { text, wanted } = completed(LEAN);
    const lines = new Set(text.split("\n"));
    const gone = LEAN.split("\n").filter((line) => !lines.has(line));
    expect(gone).toEqual([
      '  annotations: {kthena-ascend.io/inject: "true"}',
      "            volumeMounts: []",
    ]);
    expect(text).toContain("defaultMode: 0550");
    expect(objectsOf(parseManifests(text, "m").manifests[0] as never)[0]?.object).toEqual(wanted);
  });

  it("keeps CRLF, a byte order mark and a missing line end", () => {
    const crlf = `\ufeff${LEAN.replaceAll("\n", "\r\n").trimEnd()}`;
    const { text } = completed(crlf);
    expect(text.startsWith("\ufeff# kept\r\n")).toBe(true);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("of JSON is JSON", () => {
    const [manifest] = parseManifests(LEAN, "m").manifests;
    const json = JSON.stringify(manifest && objectsOf(manifest)[0]?.object, null, 2);
    const { text, wanted } = completed(json);
    expect(JSON.parse(text)).toEqual(wanted);
  });

  it("keeps anchors where both uses get the same", () => {
    const shared = LEAN.replace("      entryTemplate:\n", "      entryTemplate: &t\n").concat(
      "    - name: other\n      entryTemplate: *t\n",
    );
    const { text, wanted } = completed(shared);
    expect(objectsOf(parseManifests(text, "m").manifests[0] as never)[0]?.object).toEqual(wanted);
    expect(text).toContain("# kept\n");
  });

  const examples = globSync(join(import.meta.dirname, "../../examples/{modelserving,kv}/*.yaml")).filter(
    (file) => !/complete|defaults/.test(file),
  );
  it.each(examples)("says what was decided: %s", (file) => {
    const { text, wanted } = completed(readFileSync(file, "utf8"));
    expect(objectsOf(parseManifests(text, "m").manifests[0] as never)[0]?.object).toEqual(wanted);
  });
});
