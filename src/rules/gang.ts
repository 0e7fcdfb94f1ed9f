import { at, isObject, type JsonObject, objectOf, stringOf } from "../api/json.ts";
import { QUEUE_ANNOTATION, RESERVED_SCHEDULING_KEYS } from "../api/names.ts";
import { unitsOf } from "../kinds/units.ts";
import { listed, quoted } from "./quote.ts";
import { removing, writing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** A pod template of a ModelServing, injected or not. */
interface Template {
  role: string;
  part: "entry" | "worker";
  field: string;
  metadata: JsonObject;
  injected: boolean;
}

/** The templates that have labels or annotations, as `which` says. */
function templatesOf({ kind, object, units }: RuleSubject, which: "labels" | "annotations"): Template[] {
  if (kind !== "ModelServing") return [];
  return unitsOf("ModelServing", object).flatMap(({ key, field, value }) =>
    (["entry", "worker"] as const).flatMap((part): Template[] => {
      const template = value[`${part}Template`];
      if (!isObject(template)) return [];
      const metadata = objectOf(template.metadata);
      if (!isObject(metadata[which])) return [];
      const injected = units.some((unit) => unit.key === key);
      return [{ role: key, part, field: `${field}.${part}Template`, metadata, injected }];
    }),
  );
}

const scheduler: Rule = {
  id: "gang/scheduler",
  severity: "warn",
  summary: "A workload that needs a gang is scheduled by Volcano",
  why: "Kthena makes a PodGroup only where schedulerName is exactly volcano (podgroupmanager/manager.go); else pods start one by one and wait for each other with their NPUs taken.",
  example: {
    in: "spec",
    refused: "schedulerName: default-scheduler\ntemplate: {gangPolicy: {minRoleReplicas: {server: 1}}}",
    admitted: "schedulerName: volcano\ntemplate: {gangPolicy: {minRoleReplicas: {server: 1}}}",
  },
  check: ({ kind, object, units, engines }) => {
    if (kind !== "ModelServing") return [];
    const name = stringOf(at(object, "spec", "schedulerName"));
    const standard = engines?.[0]?.settings.scheduling.schedulerName;
    if (name === undefined || name === "" || name === "volcano" || name === standard) return [];
    const template = objectOf(at(object, "spec", "template"));
    const written = ["gangPolicy", "networkTopology"].filter((key) => isObject(template[key]));
    const several = units.length > 1 || (engines ?? []).some(({ pods }) => pods > 1);
    if (written.length === 0 && !several) return [];
    const what = written.length > 0 ? listed(written) : "a workload of several pods";
    return [
      {
        path: "spec.schedulerName",
        value: name,
        message: `the scheduler is ${quoted(name)}, so Kthena makes no gang for ${what}`,
        fix: "write schedulerName: volcano",
        remedy: writing("spec.schedulerName", "volcano"),
      },
    ];
  },
};

const LABEL = "modelserving.volcano.sh/";
const OWN_LABELS = ["name", "group-name", "role", "role-id", "revision", "role-template-hash", "entry"];

const reservedLabels: Rule = {
  id: "gang/reserved-labels",
  severity: "deny",
  summary: "Templates leave Kthena's own labels alone",
  why: "Template labels are laid over Kthena's own (pkg/model-serving-controller/utils), which then loses sight of the pods.",
  example: {
    in: "template",
    refused:
      "metadata: {labels: {modelserving.volcano.sh/role: other}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted:
      "metadata: {labels: {app: qwen}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    templatesOf(subject, "labels").flatMap(({ role, part, field, metadata, injected }) => {
      const labels = objectOf(metadata.labels);
      if (!Object.keys(labels).some((key) => key.startsWith(LABEL))) return [];
      return OWN_LABELS.flatMap((key): Remark[] => {
        const value = Object.hasOwn(labels, LABEL + key) ? labels[LABEL + key] : undefined;
        if (value === undefined || value === harmless(key, role, part, subject.object)) return [];
        return [
          {
            path: `${field}.metadata.labels[${LABEL}${key}]`,
            value,
            message: `the ${part} template of role ${role} sets the label ${LABEL}${key}, which Kthena sets itself`,
            fix: "remove it",
            remedy: removing(`${field}.metadata.labels[${LABEL}${key}]`),
            uncertain: !injected,
          },
        ];
      });
    }),
};

/** The value that Kthena would give the label in any case. */
function harmless(key: string, role: string, part: string, object: JsonObject): string | undefined {
  if (key === "name") return stringOf(at(object, "metadata", "name"));
  if (key === "role") return role;
  return key === "entry" && part === "entry" ? "true" : undefined;
}

const groupAnnotations: Rule = {
  id: "gang/group-annotations",
  severity: "warn",
  summary: "Templates name no PodGroup and no task",
  why: "Kthena writes them; a pod with a group that nobody made waits for ever without a word (Volcano, pg_controller.go:167, cache.go:1566).",
  example: {
    in: "template",
    refused:
      "metadata: {annotations: {scheduling.k8s.io/group-name: mine}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted: "spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    templatesOf(subject, "annotations").flatMap(({ role, part, field, metadata }) => {
      const annotations = objectOf(metadata.annotations);
      return RESERVED_SCHEDULING_KEYS.filter((key) => Object.hasOwn(annotations, key)).map((key) => ({
        path: `${field}.metadata.annotations[${key}]`,
        value: key,
        message: `the ${part} template of role ${role} sets ${key}, which belongs to Kthena and Volcano`,
        fix: "remove it: with a group that nobody made the pods wait for ever",
        remedy: removing(`${field}.metadata.annotations[${key}]`),
      }));
    }),
};

const queuePlace: Rule = {
  id: "gang/queue-place",
  severity: "warn",
  summary: "The queue stands in the ModelServing's own annotations",
  why: "Kthena reads it from scheduling.volcano.sh/queue-name of the ModelServing (podgroupmanager/manager.go), not from templates and not from other keys.",
  example: {
    in: "template",
    refused:
      "metadata: {annotations: {scheduling.volcano.sh/queue-name: research}}\nspec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted: "spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) => {
    const own = objectOf(at(subject.object, "metadata", "annotations"));
    const OTHER = "volcano.sh/queue-name";
    const places = templatesOf(subject, "annotations").flatMap(({ field, metadata }) =>
      [QUEUE_ANNOTATION, OTHER].map((key) => ({ field, key, annotations: objectOf(metadata.annotations) })),
    );
    if (subject.kind === "ModelServing") places.push({ field: "", key: OTHER, annotations: own });
    return places.flatMap(({ field, key, annotations }): Remark[] => {
      const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
      if (value === undefined || own[QUEUE_ANNOTATION] === value) return [];
      return [
        {
          path: `${field === "" ? "" : `${field}.`}metadata.annotations[${key}]`,
          value,
          message: `${key} has no effect here: the queue of a PodGroup is read elsewhere`,
          fix: `set ${QUEUE_ANNOTATION} in the metadata of the ModelServing`,
        },
      ];
    });
  },
};

const partialPolicy: Rule = {
  id: "gang/partial-policy",
  severity: "warn",
  summary: "minRoleReplicas names every role, or none",
  why: "Roles that it leaves out count with all their replicas (podgroupmanager/manager.go), and it is immutable.",
  example: {
    in: "spec",
    refused:
      "template: {gangPolicy: {minRoleReplicas: {prefill: 1}}, roles: [{name: prefill, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}}}, {name: decode, replicas: 2, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}}}]}",
    admitted:
      "template: {gangPolicy: {minRoleReplicas: {prefill: 1, decode: 1}}, roles: [{name: prefill, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}}}, {name: decode, replicas: 2, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}}}]}",
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelServing") return [];
    const written = at(object, "spec", "template", "gangPolicy", "minRoleReplicas");
    if (!isObject(written) || Object.keys(written).length === 0) return [];
    const missing = unitsOf("ModelServing", object).filter(
      // One replica is needed in either case.
      ({ key, value }) =>
        !Object.hasOwn(written, key) && value.replicas !== undefined && value.replicas !== 1,
    );
    if (missing.length === 0) return [];
    const names = missing.map(({ key }) => key).sort();
    return [
      {
        path: "spec.template.gangPolicy.minRoleReplicas",
        value: names,
        message: `minRoleReplicas leaves out ${listed(names)}, which then count with all replicas, for good`,
        fix: "name every role: minRoleReplicas cannot be changed later",
      },
    ];
  },
};

const topology: Rule = {
  id: "gang/topology",
  severity: "warn",
  summary: "A network topology names its tier once",
  why: "highestTierAllowed and highestTierName exclude each other in Volcano's PodGroup, which Kthena then cannot make.",
  example: {
    in: "spec",
    refused: "template: {networkTopology: {groupPolicy: {highestTierAllowed: 1, highestTierName: rack}}}",
    admitted: "template: {networkTopology: {groupPolicy: {highestTierAllowed: 1}}}",
  },
  check: ({ kind, object }) =>
    kind !== "ModelServing"
      ? []
      : ["groupPolicy", "rolePolicy"].flatMap((key): Remark[] => {
          const policy = objectOf(at(object, "spec", "template", "networkTopology", key));
          const { highestTierAllowed: allowed, highestTierName: name } = policy;
          if (typeof allowed !== "number" || typeof name !== "string" || name === "") return [];
          return [
            {
              path: `spec.template.networkTopology.${key}.highestTierName`,
              value: name,
              message: `${key} has both highestTierAllowed and highestTierName`,
              fix: "keep one of them",
            },
          ];
        }),
};

/** The family gang. */
export const GANG_RULES: readonly Rule[] = [
  scheduler,
  reservedLabels,
  groupAnnotations,
  queuePlace,
  partialPolicy,
  topology,
];
