import { expect, it } from "vitest";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { escaped } from "../../src/api/escaped.ts";
import { type JsonObject, objectOf } from "../../src/api/json.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { maskFor } from "../../src/rules/secrets.ts";

const defaults = resolveDefaults([]);
const { mutate } = createReviewers({ defaultsFor: () => defaults });
const WILD = "x\u001b[2J\u009b31m\u202e\u007f\u2028\nModelServing y: admitted";

function serving(container: JsonObject): JsonObject {
  const engine = { name: WILD, command: ["vllm", "serve", "m"], ...container };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name: "m", namespace: "n", annotations: { "kthena-ascend.io/inject": "true" } },
    spec: { template: { roles: [{ name: WILD, entryTemplate: { spec: { containers: [engine] } } }] } },
  };
}

it("no name moves the terminal of whoever is refused or warned: the API server would drop such a warning", async () => {
  const refused = await mutate(
    requestFor(serving({ resources: { limits: { "huawei.com/ascend-1980": "0.5" } } }), "n"),
  );
  const warned = await mutate(requestFor(serving({ args: [`--tensor-parallel-siz${WILD}`, "1"] }), "n"));
  const status = objectOf(refused.response.status);
  const texts = [
    ...String(status.message).split("\n- "),
    ...(refused.response.status?.details?.causes ?? []).flatMap(({ field, message }) => [field, message]),
    ...(refused.response.warnings ?? []),
    ...(warned.response.warnings ?? []),
  ];
  expect(refused.response.allowed).toBe(false);
  expect(texts.join()).toContain("\\u001b[2J");
  for (const text of texts) expect(text).toBe(escaped(text));
});

it("a secret with quotes and controls is masked as JSON and YAML write it too", () => {
  const mask = maskFor(serving({ env: [{ name: "HF_TOKEN", value: 'hf_start"of\\it\u001bthe-end' }] }));
  expect(mask(JSON.stringify('hf_start"of\\it\u001bthe-end'))).not.toMatch(/hf_start|the-end/);
  expect(mask('"hf_start\\"of\\\\it\\ethe-end"')).not.toMatch(/hf_start|the-end/);
  expect(mask('hf_start"of\\it\u001bthe-end')).toBe("***");
});
