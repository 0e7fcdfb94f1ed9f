import fc from "fast-check";
import type { JsonObject } from "../../../src/api/json.ts";
import type { Layer } from "../../../src/defaults/resolve.ts";
import type { WorkloadKind } from "../../../src/kinds/index.ts";
import { defaultsLayer, modelBooster, modelServing } from "../../generate/workloads.ts";
import { likelyModel } from "./models.ts";

/** How a manifest is sent. */
export type Way = "merge patch" | "server-side apply" | "replace";

/** What people and controllers do to a model. */
export type Step =
  | { do: "apply"; way: Way }
  | { do: "apply what is stored" }
  | { do: "export, delete, create" }
  | { do: "image"; unit: number; image: string; way: "JSON patch" | Way }
  | { do: "env"; unit: number; value: string }
  | { do: "scale"; unit: number; replicas: number }
  | { do: "annotate"; key: string; value: string | null }
  | { do: "refresh"; value: string }
  | { do: "refresh a role"; unit: number; value: string }
  | { do: "new defaults"; layer: Layer }
  | { do: "switch version" }
  | { do: "model server"; connector: string }
  | { do: "roll back" }
  | { do: "restore" }
  | { do: "drop annotations" }
  | { do: "garble annotations" };

/** An object and what becomes of it. */
export interface History {
  kind: WorkloadKind;
  manifest: JsonObject;
  steps: readonly Step[];
}

const STEPS_AT_MOST = 10;
const unit = fc.constantFrom(0, 1);
const way = fc.constantFrom<Way[]>("merge patch", "server-side apply", "replace");
const key = fc.constantFrom(
  "kthena-ascend.io/inject",
  "kthena-ascend.io/npus",
  "kthena-ascend.io/socket-ifname",
  "team",
);
const image = fc.constantFrom("quay.io/ascend/vllm-ascend:v0.12.0", "quay.io/ascend/vllm-ascend:v0.13.0");
const kindOf = <Name extends Step["do"]>(name: Name) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: kindOf("apply"), way }) },
  fc.record({ do: kindOf("apply what is stored") }),
  fc.record({ do: kindOf("export, delete, create") }),
  fc.record({
    do: kindOf("image"),
    unit,
    image,
    way: fc.oneof(fc.constant("JSON patch" as const), way),
  }),
  fc.record({ do: kindOf("env"), unit, value: fc.constantFrom("eth7", "eth1") }),
  {
    weight: 2,
    arbitrary: fc.record({ do: kindOf("scale"), unit, replicas: fc.integer({ min: 0, max: 9 }) }),
  },
  fc.record({
    do: kindOf("annotate"),
    key,
    value: fc.constantFrom("true", "false", "2", "eth5", null),
  }),
  fc.record({ do: kindOf("refresh"), value: fc.constantFrom("1", "2", "3") }),
  fc.record({ do: kindOf("refresh a role"), unit, value: fc.constantFrom("1", "2", "3") }),
  { weight: 2, arbitrary: fc.record({ do: kindOf("new defaults"), layer: defaultsLayer }) },
  fc.record({ do: kindOf("switch version") }),
  fc.record({ do: kindOf("model server"), connector: fc.constantFrom("", "mooncake", "nixl") }),
  fc.record({ do: kindOf("roll back") }),
  fc.record({ do: kindOf("restore") }),
  fc.record({ do: kindOf("drop annotations") }),
  fc.record({ do: kindOf("garble annotations") }),
);

const history: fc.Arbitrary<History> = fc
  .oneof(
    { weight: 12, arbitrary: likelyModel },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("ModelServing" as const), manifest: modelServing }),
    },
    fc.record({ kind: fc.constant("ModelBooster" as const), manifest: modelBooster }),
  )
  .chain(({ kind, manifest }) =>
    fc.array(step, { minLength: 1, maxLength: STEPS_AT_MOST }).map((steps) => ({ kind, manifest, steps })),
  );

/** So many histories; the same seed gives the same. */
export function histories(count: number, seed: number): History[] {
  return fc.sample(history, { numRuns: count, seed });
}
