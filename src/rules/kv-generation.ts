import { ASK } from "../api/names.ts";
import { oncePer } from "../api/once-per.ts";
import { takesArgument } from "../injectors/kv/connector.ts";
import { sidecarProblems } from "../injectors/kv/sidecars.ts";
import { planAmong } from "../injectors/kv/workload.ts";
import { holdsTemplates } from "../kinds/index.ts";
import { envOf } from "../readings/env.ts";
import { KV_ARGUMENT, type KvPlan } from "../readings/kv-plan.ts";
import { classesOf, familyOf, type KvRole, kvRoleOf } from "../readings/kv-role.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject, RuleUnit } from "./subject.ts";

/** A role of the result with what is decided about its connector. */
interface Planned {
  unit: RuleUnit;
  role: KvRole;
  plan: KvPlan;
  /** Field path of its engine's container. */
  field: string;
}

const notGenerated: Rule = {
  id: "kv/not-generated",
  severity: "warn",
  summary: "A role that is to hand over KV cache has a --kv-transfer-config",
  why: "Without it the engine computes everything anew; in a script, or where sizes cannot be told, it is not written by itself.",
  example: {
    refused:
      'a role prefill that is started by `bash -c "vllm serve m"`, with the annotation kv-connector: mooncake',
    admitted: "the same role with command [vllm, serve, m]",
  },
  check: (subject) => [
    ...(settled(planned(subject))
      ? []
      : planned(subject).flatMap((item) => missing(item, withheldWith(item, planned(subject))))),
    ...planned(subject).flatMap(missingOnWorkers),
    ...workers(subject).flatMap((item) => missing(item, [])),
  ],
};

/** Scripts that cannot be read have the configuration, by the annotation that names its connector (kv/unseen). */
function settled(all: readonly Planned[]): boolean {
  return all.every(({ role, plan }) => {
    const closed = role.engine.command.form === "unreadable" && role.asked !== undefined;
    return plan.outcome.state === "written" || (closed && plan.connector !== "nixl");
  });
}

/** The roles that get none because this one gets none: they are named where it is told. */
function withheldWith({ plan }: Planned, all: readonly Planned[]): string[] {
  const blocked = (item: Planned, others: boolean): boolean =>
    item.plan.outcome.state === "blocked" && (item.plan.outcome.obstacle === "others") === others;
  const first = all.find((item) => blocked(item, false));
  if (first?.plan.role !== plan.role) return [];
  return all.filter((item) => blocked(item, true)).map((item) => item.plan.role);
}

function missing({ plan, field }: Pick<Planned, "plan" | "field">, others: readonly string[]): Remark[] {
  const { outcome } = plan;
  if (outcome.state !== "blocked" || outcome.obstacle === "nixl" || outcome.obstacle === "others") return [];
  if (outcome.obstacle === "unreadable" && outcome.text === undefined) {
    return [
      {
        path: field,
        message: `${KV_ARGUMENT} of role ${plan.role} cannot be checked: ${outcome.why}`,
        fix: "write its JSON as a literal, so that both roles can be compared",
        uncertain: true,
      },
    ];
  }
  return [
    {
      path: field,
      message: `${whoGets([plan.role, ...others])} no ${KV_ARGUMENT} for ${plan.connector}: ${outcome.why}`,
      fix:
        outcome.text === undefined ? fixFor(plan, outcome.obstacle) : `add ${KV_ARGUMENT} '${outcome.text}'`,
    },
  ];
}

function whoGets(roles: readonly string[]): string {
  return roles.length === 1 ? `role ${roles[0]} gets` : `roles ${listed(roles)} get`;
}

function fixFor({ connector }: KvPlan, obstacle: string): string {
  switch (obstacle) {
    case "engine":
      return `set the engine's own disaggregation flags, and the annotation ${ASK.kvConnector}: none`;
    case "pair":
      return `name the roles prefill and decode or set ${ASK.kvRole}; without a pair, have a pool configured`;
    case "version":
      return `use an image of a later vllm-ascend, set kvConnectors.engineVersion, or name a class with ${ASK.kvClass}`;
    case "unequal":
      return "give all roles of a side the same sizes, or make a ModelServing of each pair";
    case "dense":
      return "start independent engines: leave the --data-parallel-* arguments out and set replicas of the role";
    default:
      return `write ${KV_ARGUMENT} for ${connector} yourself`;
  }
}

/** The workers of a ModelBooster for which mooncake is wanted; another connector is refused as such. */
function workers(subject: RuleSubject): { plan: KvPlan; field: string }[] {
  if (subject.kind !== "ModelBooster") return [];
  return subject.units.flatMap(({ kv, field }) =>
    kv?.connector === "mooncake" ? [{ plan: kv, field: `${field}.config` }] : [],
  );
}

/** The workers of a role run the same engine; where theirs stands in a script, they lack what the entry got. */
function missingOnWorkers({ unit, role, plan }: Planned): Remark[] {
  const own = role.written;
  if (own.state !== "given" || plan.side === undefined) return [];
  return unit.pods.slice(1).flatMap(({ field, label, pod }) =>
    pod.engines
      .filter(
        (engine) =>
          engine.command.engine === "vllm" && engine.kv.state === "absent" && !takesArgument(engine),
      )
      .map(({ name }) => ({
        path: `${field}.spec.containers`,
        message: `container ${name} of ${label} has no ${KV_ARGUMENT}, the entry has one`,
        fix: `add ${KV_ARGUMENT} '${JSON.stringify(own.config.json)}'`,
      })),
  );
}

const nixl: Rule = {
  id: "kv/nixl-on-ascend",
  severity: "deny",
  summary: "NIXL is not asked for on Ascend",
  why: "vllm-ascend has no NIXL connector (its pull request 1984 was closed); Mooncake hands over in the same way, and Kthena's router treats both alike.",
  example: {
    refused: "kv-connector: nixl on a workload with roles prefill and decode",
    admitted: "kv-connector: mooncake on it",
  },
  check: (subject) =>
    planned(subject).flatMap(({ role, plan, field }): Remark[] => {
      if (plan.outcome.state !== "blocked" || plan.outcome.obstacle !== "nixl") return [];
      return [
        {
          path: field,
          value: "nixl",
          cause: "FieldValueNotSupported",
          message: `role ${role.name} is to use nixl (${plan.source}), which vllm-ascend does not have`,
          fix: `write ${ASK.kvConnector}: mooncake, and MooncakeConnectorV1 in arguments of your own`,
        },
      ];
    }),
};

const differs: Rule = {
  id: "kv/annotation-differs",
  severity: "warn",
  summary: "The annotation kv-connector and the engine's arguments name the same connector",
  why: "Arguments that are written count; environment and mounts follow the annotation.",
  example: {
    refused: "kv-connector: lmcache beside arguments that name MooncakeConnectorV1",
    admitted: "kv-connector: mooncake beside them",
  },
  check: (subject) =>
    planned(subject).flatMap(({ role, plan, field }): Remark[] => {
      const family = familyOf(classesOf(role.written));
      if (family === undefined || family === plan.connector) return [];
      return [
        {
          path: `${field}.args`,
          message: `role ${role.name} is annotated ${plan.connector}, its arguments name ${classesOf(role.written).join(", ")}`,
          fix: `set ${ASK.kvConnector}: ${family}, or correct the arguments`,
        },
      ];
    }),
};

const sharedStore: Rule = {
  id: "kv/lmcache-store",
  severity: "warn",
  summary: "LMCache between roles has a store that both reach",
  why: "Each pod has a cache of its own otherwise, and decode finds nothing of what prefill computed (Kthena issue 1069).",
  example: {
    refused: "kv-connector: lmcache where kvConnectors.lmcache.remoteUrl is empty",
    admitted: "the same with LMCACHE_REMOTE_URL in the environment of both roles",
  },
  check: (subject) =>
    planned(subject).flatMap(({ role, plan, field }): Remark[] => {
      const env = envOf(role.engine.container);
      const known = env.has("LMCACHE_REMOTE_URL") || env.has("LMCACHE_CONFIG_FILE");
      if (plan.connector !== "lmcache" || plan.side !== "decode" || known) return [];
      return [
        {
          path: `${field}.env`,
          message: `role ${role.name} uses LMCache without a store: nothing is shared with prefill`,
          fix: "have kvConnectors.lmcache.remoteUrl set, or set LMCACHE_REMOTE_URL",
        },
      ];
    }),
};

const hashSeeds: Rule = {
  id: "kv/hash-seed",
  severity: "warn",
  summary: "PYTHONHASHSEED is the same in all roles that share a cache",
  why: "Blocks are named by Python's hashes; with another seed nothing is ever found (vllm-ascend, kv_pool.md).",
  example: {
    refused: 'PYTHONHASHSEED "0" in role prefill and "1" in role decode, with a pool',
    admitted: '"0" in both',
  },
  check: (subject) => {
    const seeds = planned(subject)
      .filter(({ plan }) => plan.pool || plan.connector === "lmcache")
      .map((item) => ({ ...item, seed: envOf(item.role.engine.container).get("PYTHONHASHSEED")?.value }));
    const [first, ...others] = seeds;
    return others
      .filter(({ seed }) => seed !== first?.seed)
      .map(({ role, field, seed }) => ({
        path: `${field}.env`,
        message: `PYTHONHASHSEED is ${String(seed)} in role ${role.name} and ${String(first?.seed)} in role ${first?.role.name}`,
        fix: "write the same number in both, or leave it out",
      }));
  },
};

const booster: Rule = {
  id: "kv/booster-connector",
  severity: "deny",
  summary: "A ModelBooster on Ascend hands over KV cache by MooncakeConnectorV1",
  why: "Kthena's converter takes MooncakeConnector(V1), NixlConnector and LMCacheConnectorV1 only; vllm-ascend has just the first (convert/model_server.go).",
  example: {
    in: "object",
    refused: `kind: ModelBooster
apiVersion: workload.serving.volcano.sh/v1alpha1
metadata: {name: m, annotations: {kthena-ascend.io/inject: "true", kthena-ascend.io/kv-connector: lmcache}}
spec: {backend: {name: m, type: vLLMDisaggregated, modelURI: "hf://a/b", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: prefill, pods: 1, replicas: 1}, {type: decode, pods: 1, replicas: 1}]}}`,
    admitted: `kind: ModelBooster
apiVersion: workload.serving.volcano.sh/v1alpha1
metadata: {name: m, annotations: {kthena-ascend.io/inject: "true", kthena-ascend.io/kv-connector: mooncake}}
spec: {backend: {name: m, type: vLLMDisaggregated, modelURI: "hf://a/b", cacheURI: "hostpath:///mnt/cache", replicas: 1, workers: [{type: prefill, pods: 1, replicas: 1}, {type: decode, pods: 1, replicas: 1}]}}`,
  },
  check: (subject) =>
    subject.units.flatMap((unit): Remark[] => {
      const plan = unit.kv;
      const foreign = plan && foreignTo(plan);
      if (subject.kind !== "ModelBooster" || foreign === undefined) return [];
      return [
        {
          path: `${unit.field}.config`,
          value: foreign,
          cause: "FieldValueNotSupported",
          message: `worker ${unit.key} is to use ${foreign}, which a ModelBooster cannot on Ascend`,
          fix: `write ${ASK.kvConnector}: mooncake, or a ModelServing with roles prefill and decode`,
        },
      ];
    }),
};

function foreignTo({ classes, connector, outcome }: KvPlan): string | undefined {
  const other = classes.find(
    (name) => familyOf([name]) !== undefined && !/^MooncakeConnector(V1)?$/.test(name),
  );
  if (outcome.state === "written") return other;
  return connector === "mooncake" ? undefined : connector;
}

const sidecars: Rule = {
  id: "kv/sidecar",
  severity: "deny",
  summary: "A sidecar that is asked for exists and finds its ports free",
  why: "One that cannot start makes Kthena recreate the role again and again.",
  example: {
    refused: "kv-sidecar: proxy, where no sidecar is called so",
    admitted: "kv-sidecar: kv-routing-proxy",
  },
  check: (subject) =>
    planned(subject).flatMap(({ unit, plan }) =>
      unit.pods.flatMap(({ field, label, pod }) =>
        sidecarProblems(plan, pod).map(({ message, fix }) => ({
          path: `${field}.spec.containers`,
          message: `${label}: ${message}`,
          fix,
        })),
      ),
    ),
};

/** The rules about what is generated for KV connectors, and what is not. */
export const KV_GENERATION_RULES: readonly Rule[] = [
  notGenerated,
  nixl,
  differs,
  sharedStore,
  hashSeeds,
  booster,
  sidecars,
];

/** Most rules of this family need it. */
const planned = oncePer((subject: RuleSubject): Planned[] => {
  if (!holdsTemplates(subject.kind)) return [];
  const read = subject.units.flatMap((unit) => {
    const role = kvRoleOf(
      unit.key,
      unit.pods.map(({ pod }) => pod),
    );
    return role ? [{ unit, role }] : [];
  });
  const roles = read.map(({ role }) => role);
  return read.flatMap(({ unit, role }) => {
    const plan = planAmong(roles, role.name);
    const entry = unit.pods[0];
    if (!plan || !entry) return [];
    const containers = entry.pod.spec.containers;
    const index = Array.isArray(containers) ? containers.indexOf(role.engine.container) : 0;
    return [{ unit, role, plan, field: `${entry.field}.spec.containers[${Math.max(0, index)}]` }];
  });
});
