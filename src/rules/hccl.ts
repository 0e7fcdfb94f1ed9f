import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { holdsTemplates, shapeOf } from "../kinds/index.ts";
import { templatesOf, unitsOf } from "../kinds/units.ts";
import { repeatedNames } from "../pinning/lean.ts";
import { variablesNamed } from "../readings/env.ts";
import { mayBring } from "../readings/env-from.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const INTERFACES: ReadonlySet<string> = new Set([
  "HCCL_SOCKET_IFNAME",
  "GLOO_SOCKET_IFNAME",
  "TP_SOCKET_IFNAME",
]);

const hostInterface: Rule = {
  id: "hccl/host-network-ifname",
  severity: "warn",
  summary: "Under hostNetwork the host's interface is named",
  why: "On the host there is no eth0 of the pod network; a wrong name ends the engine (`Unable to find address for: eth0`).",
  example: {
    in: "template",
    refused: "spec: {hostNetwork: true, containers: [{name: vllm, command: [vllm, serve, m]}]}",
    admitted: "spec: {hostNetwork: false, containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    subject.units.flatMap((unit) =>
      unit.pods.flatMap(({ field, label, pod }): Remark[] => {
        if (!pod.hostNetwork) return [];
        const lacking = pod.engines.filter(
          ({ container, npus }) =>
            npus !== undefined &&
            !variablesNamed(container, INTERFACES).has("HCCL_SOCKET_IFNAME") &&
            mayBring(container, ["HCCL_SOCKET_IFNAME"]).length === 0,
        );
        if (lacking.length === 0) return [];
        return [
          {
            path: `${field}.spec.hostNetwork`,
            message: `${label} uses the host's network, and no interface is named for HCCL`,
            fix: `set hccl.hostNetworkIfname in the defaults or the annotation ${ASK.socketIfname}`,
          },
        ];
      }),
    ),
};

const interfacesTogether: Rule = {
  id: "hccl/interfaces-together",
  severity: "warn",
  summary: "HCCL, Gloo and TensorPipe get their interface together",
  why: "With one of the three unset each picks its own, and ranks wait for each other on different networks.",
  example: {
    in: "container",
    refused: 'env: [{name: HCCL_SOCKET_IFNAME, value: "^docker"}]',
    admitted: "env: [{name: HCCL_SOCKET_IFNAME, value: eth1}]",
  },
  check: (subject) =>
    subject.units.flatMap((unit) =>
      unit.pods.flatMap(({ field, label, pod }) =>
        pod.engines.flatMap(({ name, container }): Remark[] => {
          const env = variablesNamed(container, INTERFACES);
          if (env.size === 0 || env.size === INTERFACES.size) return [];
          const unset = [...INTERFACES].filter((variable) => !env.has(variable));
          return [
            {
              path: `${field}.spec.containers[${indexOf(pod.spec, name)}].env`,
              message: `container ${name} of ${label} names an interface, but not in ${unset.join(" and ")}`,
              fix: "name one plain interface such as eth0 in all three",
            },
          ];
        }),
      ),
    ),
};

const duplicateNames: Rule = {
  id: "hccl/duplicate-env",
  severity: "warn",
  summary: "An environment variable stands once in a container",
  why: "The CRD refuses duplicates (env is a map by name); the first is kept, as Kthena's controller puts the user's first.",
  example: {
    in: "container",
    refused: 'env: [{name: OMP_NUM_THREADS, value: "10"}, {name: OMP_NUM_THREADS, value: "1"}]',
    admitted: 'env: [{name: OMP_NUM_THREADS, value: "10"}]',
  },
  check: duplicates,
};

/** The family hccl. */
export const HCCL_RULES: readonly Rule[] = [hostInterface, interfacesTogether, duplicateNames];

function duplicates(subject: RuleSubject): Remark[] {
  const { kind } = subject;
  if (!holdsTemplates(kind)) return [];
  const { called } = shapeOf(kind).units;
  const injected = new Set(subject.units.map((unit) => unit.key));
  return unitsOf(kind, subject.submitted)
    .filter((unit) => injected.has(unit.key))
    .flatMap((unit) =>
      templatesOf(kind, unit.value).flatMap(({ key, template }) =>
        ["initContainers", "containers"].flatMap((list) =>
          listOf(objectOf(template.spec)[list])
            .map(objectOf)
            .flatMap((container, index) =>
              repeatedNames(listOf(container.env)).map((name) => ({
                path: `${unit.field}.${key}.spec.${list}[${index}].env`,
                cause: "FieldValueDuplicate" as const,
                message: `${name} stands more than once in container ${stringOf(container.name) ?? ""} of ${called} ${unit.key}; the first is kept`,
                fix: "remove the others",
              })),
            ),
        ),
      ),
    );
}

function indexOf(spec: JsonObject, name: string): number {
  return listOf(spec.containers).findIndex((container) => isObject(container) && container.name === name);
}
