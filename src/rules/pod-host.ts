import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { externalRanks } from "../engines/external-ranks.ts";
import { servedPorts } from "../engines/ports.ts";
import { serviceNameIn } from "../readings/service-names.ts";
import { type RuleEngine, withNpus } from "./engines.ts";
import { hcclPorts } from "./hccl-values.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RulePod, RuleSubject } from "./subject.ts";

/** The pod templates of all units. */
export const podsOf = (subject: RuleSubject): RulePod[] => subject.units.flatMap(({ pods }) => [...pods]);

/** Names of Services are resolved under the host's network. */
export const hostDns: Rule = {
  id: "npu/host-dns",
  severity: "warn",
  summary: "A pod with the host's network that needs a Service's name uses the cluster's DNS",
  why: "Under hostNetwork ClusterFirst falls back to the host's resolver, which knows no Services (Kubernetes, Pod's DNS policy).",
  example: {
    in: "template",
    refused:
      "spec: {hostNetwork: true, dnsPolicy: ClusterFirst, containers: [{name: vllm, command: [vllm, serve, m, --master-addr, $(ENTRY_ADDRESS)]}]}",
    admitted:
      "spec: {hostNetwork: true, containers: [{name: vllm, command: [vllm, serve, m, --master-addr, $(ENTRY_ADDRESS)]}]}",
  },
  check: (subject) =>
    podsOf(subject).flatMap(({ field, label, pod }): Remark[] => {
      const policy = stringOf(pod.spec.dnsPolicy);
      if (!pod.hostNetwork || (policy !== "ClusterFirst" && policy !== "Default")) return [];
      const name = serviceNameIn(pod.spec, pod.pods, [pod.settings.kvConnectors.mooncake.masterAddress]);
      if (name === undefined) return [];
      return [
        {
          path: `${field}.spec.dnsPolicy`,
          value: policy,
          message: `${label} uses the host's network and dnsPolicy ${policy}, which does not resolve ${name}`,
          fix: "write ClusterFirstWithHostNet, or leave it out",
        },
      ];
    }),
};

/** Pods on the host's network have ports of their own. */
export const hostPorts: Rule = {
  id: "npu/host-ports",
  severity: "warn",
  summary: "Pods with the host's network that fit on one node have ports of their own",
  why: "A port of the host is there once: the second pod stays Pending where the port is declared, and its engine ends where it is not; HCCL listens on 60000 to 60015 (CANN, environment variables).",
  example: {
    in: "spec",
    refused: pairOnHost(8100, 8100),
    admitted: pairOnHost(8100, 8200, '{name: HCCL_IF_BASE_PORT, value: "61000"}'),
  },
  check: (subject) => {
    const places = podsOf(subject).filter(({ pod }) => pod.hostNetwork);
    const engines = withNpus(subject.engines);
    const remarks: Remark[] = [];
    for (const [index, one] of places.entries()) {
      for (const other of places.slice(index)) {
        const remark = meeting(one, other, subject, engines);
        if (remark) remarks.push(remark);
      }
    }
    return remarks.slice(0, 1);
  },
};

function pairOnHost(prefill: number, decode: number, env = ""): string {
  const role = (name: string, port: number, variable: string): string =>
    `{name: ${name}, replicas: 1, workerReplicas: 0, entryTemplate: {spec: {hostNetwork: true, containers: [{name: vllm, image: "x/engine:1", command: [vllm, serve, m, -tp, "4", --port, "${port}"], env: [${variable}]}]}}}`;
  return `template: {roles: [${role("prefill", prefill, "")}, ${role("decode", decode, env)}]}`;
}

/** What keeps two pods from one node, where they could be there by their NPUs. */
function meeting(
  one: RulePod,
  other: RulePod,
  subject: RuleSubject,
  engines: readonly RuleEngine[],
): Remark | undefined {
  if (one === other && copiesOf(one, subject) < 2) return undefined;
  const sum = npusOf(one) + npusOf(other);
  if (npusOf(one) === 0 || npusOf(other) === 0 || sum > one.pod.facts.perNode) return undefined;
  if ([one, other].some(({ pod }) => keptApart(pod.spec))) return undefined;
  const taken = portsOf(one, engines);
  const shared = [...portsOf(other, engines)].filter(([port]) => taken.has(port));
  const [first] = shared;
  if (!first) return undefined;
  const names = shared.slice(0, 3).map(([port, what]) => `${port} (${what})`);
  const who = one === other ? `two pods of ${one.label} use` : `${one.label} and ${other.label} use`;
  return {
    path: `${other.field}.spec.hostNetwork`,
    value: shared.map(([port]) => port).sort((left, right) => left - right),
    message: `${who} the host's network with the same ports, ${listed(names)}, so they cannot meet on one node`,
    fix: "give them ports of their own (--port, HCCL_IF_BASE_PORT) and declare them, or keep the pods apart with podAntiAffinity",
  };
}

/** Pods with this template, as far as the object says: two stand for more. */
function copiesOf({ pod, field }: RulePod, { object, units }: RuleSubject): number {
  const unit = units.find((candidate) => field.startsWith(`${candidate.field}.`));
  const count = (value: unknown): number => (typeof value === "number" ? value : 1);
  const groups = count(objectOf(object.spec).replicas) * count(unit?.value.replicas);
  return groups * (pod.part === "worker" ? pod.pods - 1 : 1);
}

function npusOf({ pod }: RulePod): number {
  return pod.engines.reduce((sum, { npus = 0 }) => sum + npus, 0);
}

function keptApart(spec: JsonObject): boolean {
  const rules = objectOf(objectOf(spec.affinity).podAntiAffinity);
  const required = listOf(rules.requiredDuringSchedulingIgnoredDuringExecution).map(objectOf);
  return required.some(({ topologyKey }) => topologyKey === "kubernetes.io/hostname");
}

/** The ports that a pod takes on its host, with what for. */
function portsOf(place: RulePod, engines: readonly RuleEngine[]): Map<number, string> {
  const ports = new Map<number, string>();
  for (const container of listOf(place.pod.spec.containers).map(objectOf)) {
    for (const port of listOf(container.ports).map(objectOf)) {
      if (typeof port.containerPort === "number") ports.set(port.containerPort, "declared");
    }
  }
  for (const engine of engines.filter(({ pod }) => pod === place)) {
    for (const served of apiPorts(engine)) ports.set(served, "the engine's");
    const base = hcclPorts(engine);
    if (base !== undefined && (engine.npus ?? 0) > 1) ports.set(base, "HCCL's");
  }
  return ports;
}

/** The ports of the engine's API; a worker has some only where it is a rank that serves for itself. */
function apiPorts({ command, pod }: RuleEngine): number[] {
  if (pod?.pod.part === "worker" && externalRanks(command) === undefined) return [];
  return servedPorts(command) ?? [];
}
