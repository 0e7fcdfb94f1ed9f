import fc from "fast-check";
import type { JsonObject } from "../../src/api/json.ts";
import type { Layer } from "../../src/defaults/resolve.ts";
import { asks, podTemplate, tidy } from "./pods.ts";

const role = (name: string): fc.Arbitrary<JsonObject> =>
  fc
    .record(
      {
        name: fc.constant(name),
        replicas: fc.integer({ min: 0, max: 4 }),
        workerReplicas: fc.integer({ min: 0, max: 2 }),
        maxUnavailable: fc.constant(1),
        entryTemplate: podTemplate,
        workerTemplate: podTemplate,
      },
      { requiredKeys: ["name", "entryTemplate"] },
    )
    .map((value) => tidy(value) as unknown as JsonObject);

/** A ModelServing without a record, of one or two roles. */
export const modelServing: fc.Arbitrary<JsonObject> = fc
  .record({
    annotations: asks,
    roles: fc.oneof(fc.tuple(role("server")), fc.tuple(role("prefill"), role("decode"))),
    schedulerName: fc.constantFrom("volcano", undefined),
    gangPolicy: fc.constantFrom(undefined, { minRoleReplicas: { prefill: 1 } }),
  })
  .map(({ annotations, roles, schedulerName, gangPolicy }) =>
    tidy<JsonObject>({
      apiVersion: "workload.serving.volcano.sh/v1alpha1",
      kind: "ModelServing",
      metadata: { name: "m", namespace: "n", annotations },
      spec: { schedulerName, replicas: 1, template: { gangPolicy, roles, restartGracePeriodSeconds: 60 } },
    } as JsonObject),
  );

const worker = (type: string): fc.Arbitrary<JsonObject> =>
  fc
    .record(
      {
        type: fc.constant(type),
        pods: fc.constantFrom(1, 2),
        replicas: fc.constantFrom(0, 1, 2),
        image: fc.constant("quay.io/ascend/vllm-ascend:v0.11.0"),
        config: fc.constantFrom<JsonObject[]>(
          { "tensor-parallel-size": 4 },
          { tensor_parallel_size: "8" },
          {},
        ),
        resources: fc.constantFrom<JsonObject[]>(
          {},
          { limits: { "huawei.com/ascend-1980": "4" } },
          { requests: { cpu: "1" } },
          { limits: { "nvidia.com/gpu": "1" } },
        ),
      },
      { requiredKeys: ["type"] },
    )
    .map((value) => tidy(value) as unknown as JsonObject);

/** A ModelBooster, plain or disaggregated. */
export const modelBooster: fc.Arbitrary<JsonObject> = fc
  .record({
    annotations: asks,
    workers: fc.oneof(fc.tuple(worker("server")), fc.tuple(worker("prefill"), worker("decode"))),
  })
  .map(({ annotations, workers }) =>
    tidy<JsonObject>({
      apiVersion: "workload.serving.volcano.sh/v1alpha1",
      kind: "ModelBooster",
      metadata: { name: "b", namespace: "n", annotations },
      spec: {
        backend: {
          name: "x",
          type: workers.length > 1 ? "vLLMDisaggregated" : "vLLM",
          modelURI: "hf://a/b",
          cacheURI: "hostpath:///mnt/cache",
          replicas: 1,
          workers,
        },
      },
    } as JsonObject),
  );

/** Cluster defaults that differ in what injectors write. */
export const defaultsLayer: fc.Arbitrary<Layer> = fc
  .record(
    {
      platform: fc.constantFrom("cce" as const, "mindcluster" as const, "bare" as const),
      hardware: fc.constantFrom("a2" as const, "a3" as const),
      hccl: fc.record({
        socketIfname: fc.constantFrom("eth0", "eth9"),
        env: fc.constantFrom<Record<string, string>[]>({}, { HCCL_CONNECT_TIMEOUT: "600" }),
      }),
      sharedMemory: fc.record({ sizeLimit: fc.constantFrom("8Gi", "32Gi") }),
      scheduling: fc.record({
        queue: fc.constantFrom("", "research"),
        nodeSelector: fc.constantFrom<Record<string, string>[]>({}, { npu: "yes" }),
        tolerations: fc.constantFrom(
          [],
          [{ key: "npu", operator: "Exists" as const, effect: "NoSchedule" as const }],
        ),
      }),
      gang: fc.record({ enabled: fc.boolean() }),
    },
    { requiredKeys: [] },
  )
  .map((settings) => ({
    source: "generated",
    document: tidy({
      apiVersion: "kthena-ascend.io/v1alpha1",
      kind: "AscendDefaults",
      ...settings,
    }) as unknown as Layer["document"],
  }));
