import { at, type Json, listOf, objectOf, stringOf } from "../api/json.ts";
import { holdsTemplates } from "../kinds/index.ts";
import { replicasOf, rolesOf, rollsRoles } from "./kthena/role.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { Holder, RuleSubject } from "./subject.ts";

/** Containers of injected templates. */
const containersOf = (subject: RuleSubject): Holder[] =>
  holdsTemplates(subject.kind) ? subject.units.flatMap(({ holders }) => [...holders]) : [];

const image: Rule = {
  id: "serving/image",
  severity: "deny",
  summary: "Images are ones that can be pulled",
  why: "Neither the CRD nor Kthena's webhook checks an image's form, init containers not at all; the pods fail at the kubelet.",
  example: {
    in: "template",
    refused:
      'spec: {initContainers: [{name: downloader, image: "ghcr.io/volcano-sh/downloader :latest"}], containers: [{name: vllm, command: [vllm, serve, m]}]}',
    admitted:
      'spec: {initContainers: [{name: downloader, image: "ghcr.io/volcano-sh/downloader:latest"}], containers: [{name: vllm, command: [vllm, serve, m]}]}',
  },
  check: (subject) =>
    containersOf(subject).flatMap(({ container, field, label, list }): Remark[] => {
      const text = stringOf(container.image);
      // What Kthena's own webhook refuses is its family's.
      if (text === undefined || !/\s/.test(text) || (list === "containers" && text.includes(" "))) return [];
      const message = `the image of ${label} is ${quoted(text)}, with white space in it`;
      return [{ path: `${field}.image`, value: text, message, fix: "remove the white space" }];
    }),
};

const noImage: Rule = {
  id: "serving/no-image",
  severity: "warn",
  summary: "Every container has an image",
  why: "The CRD and Kthena's webhook take one without; the API server refuses its pods, unless another webhook fills it in.",
  example: {
    in: "container",
    refused: 'image: ""',
    admitted: "image: quay.io/ascend/vllm-ascend:v0.18.0",
  },
  check: (subject) =>
    containersOf(subject).flatMap(({ container, field, label }): Remark[] => {
      if (container.image !== undefined && container.image !== null && container.image !== "") return [];
      const message = `${label} has no image, so its pods are refused`;
      return [{ path: `${field}.image`, cause: "FieldValueRequired", message, fix: "name one" }];
    }),
};

const port: Rule = {
  id: "serving/port",
  severity: "deny",
  summary: "Ports are 1 to 65535",
  why: "The CRD has no bounds in pod templates; the API server refuses the pods that Kthena makes of them.",
  example: {
    in: "container",
    refused: "ports: [{containerPort: 80000}]",
    admitted: "ports: [{containerPort: 8000}]",
  },
  check: (subject) =>
    containersOf(subject).flatMap(({ container, field, label }) =>
      listOf(container.ports).flatMap((item, index) =>
        (["containerPort", "hostPort"] as const).flatMap((key): Remark[] => {
          const value = objectOf(item)[key];
          const least = key === "hostPort" ? 0 : 1;
          if (typeof value !== "number" || (value >= least && value <= 65535)) return [];
          const message = `${label} has the ${key} ${value}, so its pods are refused`;
          return [{ path: `${field}.ports[${index}].${key}`, value, message, fix: "write 1 to 65535" }];
        }),
      ),
    ),
};

/** Longest name of a pod (Kthena checks names with the counts in them). */
const MOST = 63;

const nameRoom: Rule = {
  id: "serving/name-room",
  severity: "warn",
  summary: "The names of the pods leave room for ten replicas",
  why: "Kthena's webhook refuses any later update of an object whose counts make a name of more than 63 characters, and scaling by /scale is not checked at all (pkg/model-serving-controller/webhook).",
  example: {
    in: "object",
    refused: `metadata: {name: ${"m".repeat(49)}}`,
    admitted: "metadata: {name: qwen}",
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelServing") return [];
    const name = stringOf(at(object, "metadata", "name")) ?? "";
    const replicas = replicasOf(object) ?? 1;
    const digits = (count: number): number => String(count).length;
    const tight = rolesOf(object).filter((role) => {
      const rest = `-${role.name}-`.length + 2;
      const now = name.length + rest + digits(replicas) + digits(role.replicas) + digits(role.workerReplicas);
      const later =
        name.length +
        rest +
        Math.max(2, digits(replicas)) +
        Math.max(2, digits(role.replicas)) +
        digits(role.workerReplicas);
      return now <= MOST && later > MOST;
    });
    const [first] = tight;
    if (name === "" || !first) return [];
    const message = `with 10 replicas the names of role ${first.name} would have more than ${MOST} characters`;
    return [
      {
        path: "metadata.name",
        value: name,
        against: first.name,
        message,
        fix: "use a shorter name, if it is to be scaled",
      },
    ];
  },
};

const maxUnavailable: Rule = {
  id: "serving/unused-max-unavailable",
  severity: "warn",
  summary: "A role's maxUnavailable is written only where it counts",
  why: "Kthena reads and checks it under RoleRollingUpdate only.",
  example: { in: "role", refused: "maxUnavailable: 50%", admitted: "maxUnavailable: 1" },
  check: ({ kind, object }) => {
    if (kind !== "ModelServing" || rollsRoles(object)) return [];
    return rolesOf(object).flatMap(({ field, name, maxUnavailable: value }): Remark[] => {
      // The CRD's default stands on every role.
      if (value === 1) return [];
      const message = `maxUnavailable of role ${name} is ${quoted(value)}, which counts under RoleRollingUpdate only`;
      return [
        {
          path: `${field}.maxUnavailable`,
          value,
          message,
          fix: "remove it, or set rolloutStrategy.type: RoleRollingUpdate",
        },
      ];
    });
  },
};

const gracePeriod: Rule = {
  id: "serving/grace-period",
  severity: "warn",
  summary: "restartGracePeriodSeconds is not negative",
  why: "The CRD has no minimum, and a negative period means nothing.",
  example: {
    in: "spec",
    refused: "template: {restartGracePeriodSeconds: -1}",
    admitted: "template: {restartGracePeriodSeconds: 60}",
  },
  check: ({ kind, object }) => {
    if (kind !== "ModelServing") return [];
    return negative(
      at(object, "spec", "template", "restartGracePeriodSeconds"),
      "spec.template.restartGracePeriodSeconds",
    );
  },
};

/** What is below zero, at its path. */
export function negative(value: Json | undefined, path: string): Remark[] {
  if (typeof value !== "number" || value >= 0) return [];
  return [{ path, value, message: `${value} is negative`, fix: "write 0 or more" }];
}

/** The family serving: what the CRD and Kthena's webhook take of a ModelServing and what fails later. */
export const SERVING_RULES: readonly Rule[] = [image, noImage, port, nameRoom, maxUnavailable, gracePeriod];
