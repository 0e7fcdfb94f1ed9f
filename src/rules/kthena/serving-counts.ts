import { at, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { hasWorkerTemplate } from "../../kinds/model-serving.ts";
import { templatesOf } from "../../kinds/units.ts";
import { hasSpace, isBlank } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { type Role, replicasOf, rolesOf } from "./role.ts";
import type { Check } from "./rule.ts";

/** Checks of what a ModelServing counts, and of its images. */
export const COUNT_CHECKS: readonly Check[] = [
  {
    name: "image",
    summary: "An image of a role is no white space and has no space in it",
    why: "Kthena refuses such an image; other white space inside, an empty image and none at all pass",
    example: {
      in: "container",
      refused: 'image: "vllm-ascend :v0.18.0"',
      admitted: "image: vllm-ascend:v0.18.0",
    },
    check: (object) => rolesOf(object).flatMap(images),
  },
  {
    name: "replicas",
    summary: "A ModelServing has a spec, and its replicas are not negative",
    why: "Without a spec there are no defaults, and Kthena refuses replicas that are not there",
    example: { in: "spec", refused: "replicas: -1", admitted: "replicas: 0" },
    check: replicas,
  },
  {
    name: "roles",
    summary: "A ModelServing has roles",
    why: "There is nothing to serve without one",
    example: {
      in: "spec",
      refused: "template: {roles: []}",
      admitted: "template: {roles: [{name: server, workerReplicas: 0, entryTemplate: {}}]}",
    },
    check: (object) =>
      listOf(at(object, "spec", "template", "roles")).length > 0
        ? []
        : [{ path: "spec.template.roles", message: "there is no role", fix: "write at least one role" }],
  },
  {
    name: "role-replicas",
    summary: "The replicas of a role are not negative",
    why: "The CRD has no lower bound, Kthena's webhook has",
    example: { in: "role", refused: "replicas: -1", admitted: "replicas: 0" },
    check: (object) =>
      rolesOf(object)
        .filter((role) => role.replicas < 0)
        .map(({ field, name, replicas: value }) => ({
          path: `${field}.replicas`,
          value,
          message: `role ${name} has ${value} replicas`,
          fix: "write 0 or more",
        })),
  },
  {
    name: "worker-replicas",
    summary: "The workerReplicas of a role are not negative",
    why: "The CRD has no lower bound, Kthena's webhook has",
    example: { in: "role", refused: "workerReplicas: -1", admitted: "workerReplicas: 0" },
    check: (object) =>
      rolesOf(object)
        .filter((role) => role.workerReplicas < 0)
        .map(({ field, name, workerReplicas: value }) => ({
          path: `${field}.workerReplicas`,
          value,
          message: `role ${name} has ${value} workerReplicas`,
          fix: "write 0 or more",
        })),
  },
  {
    name: "worker-template",
    summary: "A role with workerReplicas has a workerTemplate",
    why: "Kthena could make no worker pods; an empty template is enough for its webhook",
    example: {
      in: "role",
      refused: "workerReplicas: 1",
      admitted: "{workerReplicas: 1, workerTemplate: {}}",
    },
    check: (object) =>
      rolesOf(object)
        .filter(({ value, workerReplicas }) => workerReplicas > 0 && !hasWorkerTemplate(value))
        .map(({ field, name, workerReplicas }) => ({
          path: `${field}.workerTemplate`,
          cause: "FieldValueRequired",
          message: `role ${name} has ${workerReplicas} workerReplicas and no workerTemplate`,
          fix: "write a workerTemplate, or workerReplicas: 0",
        })),
  },
];

function images({ field, name, value }: Role): Remark[] {
  return templatesOf("ModelServing", value).flatMap(({ key, template }) =>
    listOf(at(template, "spec", "containers")).flatMap((item, index): Remark[] => {
      const container = objectOf(item);
      const image = stringOf(container.image) ?? "";
      if (image === "" || !hasSpace(image) || !(image.includes(" ") || isBlank(image))) return [];
      return [
        {
          path: `${field}.${key}.spec.containers[${index}].image`,
          value: image,
          message: `the image ${quoted(image)} of container ${stringOf(container.name) ?? ""} of role ${name} has white space in it`,
          fix: "write the image without it",
        },
      ];
    }),
  );
}

function replicas(object: JsonObject): Remark[] {
  const count = replicasOf(object);
  if (count !== undefined && count >= 0) return [];
  const path = "spec.replicas";
  return count === undefined
    ? [{ path, message: "there is no spec", fix: "write a spec with a template" }]
    : [{ path, value: count, message: `replicas is ${count}`, fix: "write 0 or more" }];
}
