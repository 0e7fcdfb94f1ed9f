import type { ValidatedKind } from "../kthena/rule.ts";
import { podShape } from "./pod-shapes.ts";
import {
  ANY,
  INT_OR_STRING,
  INT32,
  INT64,
  list,
  type ObjectShape,
  object,
  oneOf,
  type Shape,
  STRING,
  STRINGS,
  standard,
} from "./shape.ts";

// In Go only \n ends a line, in JavaScript \r and others do too: [^\n] stands for the dot of the CRDs' patterns.
const text = (pattern: RegExp, maxLength?: number, minLength?: number): Shape => ({
  type: "string",
  pattern,
  ...(maxLength === undefined ? {} : { maxLength }),
  ...(minLength === undefined ? {} : { minLength }),
});
const between = (minimum: number, maximum?: number): Shape => ({
  type: "integer",
  bits: 32,
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
});

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const PORT = between(1, 65_535);

/** `status`: never checked at its creation, but its fields have to be known ones. */
const CONDITION = object({
  lastTransitionTime: STRING,
  message: STRING,
  observedGeneration: INT64,
  reason: STRING,
  status: STRING,
  type: STRING,
});

const TOPOLOGY = object({
  highestTierAllowed: { type: "integer", bits: 64, minimum: 0 },
  highestTierName: { type: "string", maxLength: 253 },
  mode: standard(oneOf("hard", "soft"), "hard"),
});

const ROLE = object({
  "entryTemplate!": podShape("PodTemplate"),
  maxUnavailable: standard(INT_OR_STRING, 1),
  "name!": text(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 12),
  partition: INT_OR_STRING,
  replicas: standard(INT32, 1),
  "workerReplicas!": INT32,
  workerTemplate: podShape("PodTemplate"),
});

const MODEL_SERVING = object({
  plugins: list(
    object({
      config: ANY,
      "name!": STRING,
      scope: object({ roles: list(STRING), target: STRING }),
      "type!": standard(oneOf("BuiltIn"), "BuiltIn"),
    }),
  ),
  recoveryPolicy: standard(oneOf("ServingGroupRecreate", "RoleRecreate", "None"), "RoleRecreate"),
  replicas: standard(INT32, 1),
  rolloutStrategy: object({
    rollingUpdateConfiguration: object({
      maxUnavailable: standard(INT_OR_STRING, 1),
      partition: INT_OR_STRING,
    }),
    "type!": standard(oneOf("ServingGroupRollingUpdate", "RoleRollingUpdate"), "ServingGroupRollingUpdate"),
  }),
  schedulerName: standard(STRING, "volcano"),
  "template!": object({
    gangPolicy: object({ minRoleReplicas: { type: "map", values: INT32 } }),
    networkTopology: object({ groupPolicy: TOPOLOGY, rolePolicy: TOPOLOGY }),
    restartGracePeriodSeconds: standard(INT64, 0),
    "roles!": { ...list(ROLE), minItems: 1, maxItems: 4 },
  }),
});

const MATCH = object({ exact: STRING, prefix: STRING, regex: STRING });
const MODEL_MATCH = object({
  body: object({ model: STRING }),
  headers: { type: "map", values: MATCH },
  uri: MATCH,
});

const COUNT = between(0, 1_000_000);
const WORKER = object({
  affinity: podShape("Affinity"),
  config: ANY,
  image: STRING,
  pods: COUNT,
  replicas: COUNT,
  resources: podShape("Resources"),
  tolerations: list(podShape("Toleration")),
  type: standard(oneOf("server", "prefill", "decode", "controller", "coordinator"), "server"),
});

const MODEL_BOOSTER = object({
  "backend!": object({
    cacheURI: text(/^(hostpath:\/\/|pvc:\/\/)[^\n]/),
    env: list(podShape("Env"), "name"),
    envFrom: list(podShape("EnvFrom")),
    "modelURI!": text(/^(hf:\/\/|s3:\/\/|obs:\/\/|pvc:\/\/|ms:\/\/)[^\n]/),
    "name!": text(LABEL),
    "replicas!": COUNT,
    runtimeClassName: STRING,
    schedulerName: STRING,
    "type!": oneOf("vLLM", "vLLMDisaggregated"),
    "workers!": { ...list(WORKER), minItems: 1, maxItems: 1000 },
  }),
  modelMatch: MODEL_MATCH,
  name: text(LABEL, 64),
  owner: STRING,
});

const MODEL_SERVER = object({
  "inferenceEngine!": oneOf("vLLM", "SGLang"),
  kvConnector: object({ type: standard(oneOf("http", "lmcache", "nixl", "mooncake"), "http") }),
  model: { type: "string", maxLength: 256 },
  trafficPolicy: object({
    retry: object({ attempts: INT32, retryInterval: standard(STRING, "100ms") }),
    timeout: STRING,
  }),
  "workloadPort!": object({ "port!": PORT, protocol: standard(oneOf("http", "https"), "http") }),
  "workloadSelector!": object({
    matchLabels: STRINGS,
    pdGroup: object({ "decodeLabels!": STRINGS, "groupKey!": STRING, "prefillLabels!": STRINGS }),
  }),
});

const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const MODEL_ROUTE = object({
  loraAdapters: { ...list(STRING), maxItems: 10 },
  modelName: STRING,
  parentRefs: list(
    object({
      group: standard(text(new RegExp(`^$|^${SUBDOMAIN}$`), 253), "gateway.networking.k8s.io"),
      kind: standard(text(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 63, 1), "Gateway"),
      "name!": { type: "string", maxLength: 253, minLength: 1 },
      namespace: text(LABEL, 63, 1),
      port: PORT,
      sectionName: text(new RegExp(`^${SUBDOMAIN}$`), 253, 1),
    }),
  ),
  rateLimit: object({
    global: object({ redis: object({ "address!": STRING }) }),
    inputTokensPerUnit: between(1),
    outputTokensPerUnit: between(1),
    "unit!": standard(oneOf("second", "minute", "hour", "day", "month"), "second"),
  }),
  "rules!": {
    ...list(
      object({
        modelMatch: MODEL_MATCH,
        name: STRING,
        "targetModels!": {
          ...list(
            object({
              externalModelProviderName: STRING,
              modelServerName: STRING,
              weight: standard(between(0, 100), 100),
            }),
          ),
          minItems: 1,
          maxItems: 16,
        },
      }),
    ),
    maxItems: 16,
  },
});

/** A kind: its `spec` and `status`, and whether the CRD requires a spec. */
export interface KindShape {
  spec: ObjectShape;
  status: ObjectShape;
  requiresSpec: boolean;
}

/** The four kinds as Kthena's CRDs describe them (chart 1.0.0, charts/kthena/charts/*\/crds). */
export const KIND_SHAPES: Readonly<Record<ValidatedKind, KindShape>> = {
  ModelServing: {
    spec: MODEL_SERVING,
    status: object({
      availableReplicas: INT32,
      conditions: list(CONDITION),
      currentReplicas: INT32,
      currentRevision: STRING,
      labelSelector: STRING,
      observedGeneration: INT64,
      replicas: INT32,
      updateRevision: STRING,
      updatedReplicas: INT32,
    }),
    requiresSpec: false,
  },
  ModelBooster: {
    spec: MODEL_BOOSTER,
    status: object({ conditions: list(CONDITION), observedGeneration: INT64 }),
    requiresSpec: false,
  },
  ModelServer: { spec: MODEL_SERVER, status: object({}), requiresSpec: false },
  ModelRoute: { spec: MODEL_ROUTE, status: object({}), requiresSpec: true },
};
