import { at, isObject, type Json, objectOf, stringOf } from "../api/json.ts";
import { environmentOf, expand } from "../engines/references.ts";
import { holdsTemplates, shapeOf } from "../kinds/index.ts";
import { type RuleEngine, type RuleVariable, ruleVariableOf, withNpus } from "./engines.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const POD_IP = "take it from the pod: valueFrom: {fieldRef: {fieldPath: status.podIP}}, or leave it out";

const ownAddress: Rule = {
  id: "hccl/if-ip",
  severity: "deny",
  summary: "HCCL_IF_IP is the pod's own address",
  why: "HCCL's root listens on it (CANN, envref_07_0073); a template is the same for all pods, each of which has an address of its own.",
  example: {
    in: "container",
    refused: "env: [{name: HCCL_IF_IP, value: eth0}]",
    admitted: "env: [{name: HCCL_IF_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const found = ruleVariableOf(engine, "HCCL_IF_IP");
      if (!found) return [];
      const from = objectOf(found.item.valueFrom);
      if (isObject(from.fieldRef)) return fieldRemark(engine, found, stringOf(from.fieldRef.fieldPath) ?? "");
      return found.item.valueFrom ? [] : literalRemark(subject, engine, found);
    }),
};

/** Fields that never hold an address; a node's name can be one. */
const NO_ADDRESS = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.serviceAccountName"];

function fieldRemark(engine: RuleEngine, found: RuleVariable, fieldPath: string): Remark[] {
  const host = engine.pod?.pod.hostNetwork === true;
  if (fieldPath === "status.podIP" || (host && fieldPath === "status.hostIP")) return [];
  return [
    {
      path: found.path().replace(/\.value$/, ".valueFrom.fieldRef.fieldPath"),
      value: fieldPath,
      message: `HCCL_IF_IP of ${engine.envLabel} comes from ${quoted(fieldPath)}, which is not the pod's address`,
      fix: "use the field status.podIP",
      uncertain: !NO_ADDRESS.includes(fieldPath),
    },
  ];
}

function literalRemark(subject: RuleSubject, engine: RuleEngine, found: RuleVariable): Remark[] {
  const text = resolved(engine, stringOf(found.item.value) ?? "");
  if (text === undefined) return [];
  const about = { path: found.path(), value: text, fix: POD_IP };
  if (!isAddress(text)) {
    const message = `HCCL_IF_IP of ${engine.envLabel} is ${quoted(text)}, which is no IP address`;
    return [{ ...about, message, uncertain: text === "" }];
  }
  const shared =
    podsBehind(subject, engine) > 1 && engine.pod?.pod.hostNetwork === false && !isLoopback(text);
  const message = `HCCL_IF_IP of ${engine.envLabel} is the fixed address ${text}, ${shared ? "the same for all its pods" : "which the pod may not have"}`;
  return [{ ...about, message, uncertain: !shared }];
}

/** The value with references to other variables of the manifest; undefined where one has no known value. */
function resolved(engine: RuleEngine, text: string): string | undefined {
  if (!text.includes("$(")) return text;
  const word = expand(text, environmentOf(engine.container, undefined));
  return word.known ? word.text : undefined;
}

/** Colons with hexadecimal digits, or four numbers: what HCCL takes. */
function isAddress(text: string): boolean {
  const parts = text.split(".");
  if (parts.length === 4) return parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return /^[0-9a-f:.]+(?:%\w+)?$/i.test(text) && text.split(":").length > 2;
}

function isLoopback(text: string): boolean {
  return text.startsWith("127.") || text === "::1";
}

/** How many pods are made of the engine's template at once, by the replicas as they are written. */
export function podsBehind({ kind, object, units }: RuleSubject, engine: RuleEngine): number {
  if (!holdsTemplates(kind)) return engine.pods;
  const unit = units.find(({ key }) => key === engine.role)?.value ?? {};
  const inRole = engine.pod?.pod.part === "worker" ? Math.max(0, engine.pods - 1) : 1;
  return countOf(at(object, ...shapeOf(kind).groups)) * countOf(unit.replicas) * inRole;
}

function countOf(replicas: Json | undefined): number {
  return typeof replicas === "number" ? replicas : 1;
}

const PLAIN_ONLY = ["GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME"];

const interfaceSyntax: Rule = {
  id: "hccl/interface-syntax",
  severity: "deny",
  summary: "Gloo and TensorPipe get plain interface names, HCCL one form of its own",
  why: "Only HCCL knows prefixes, = and ^ (CANN, envref_07_0075); Gloo looks for an interface of exactly the name that it is given.",
  example: {
    in: "container",
    refused:
      'env: [{name: GLOO_SOCKET_IFNAME, value: "=eth1"}, {name: TP_SOCKET_IFNAME, value: eth1}, {name: HCCL_SOCKET_IFNAME, value: "=eth1"}]',
    admitted:
      'env: [{name: GLOO_SOCKET_IFNAME, value: eth1}, {name: TP_SOCKET_IFNAME, value: eth1}, {name: HCCL_SOCKET_IFNAME, value: "=eth1"}]',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine) =>
      [...PLAIN_ONLY, "HCCL_SOCKET_IFNAME"].flatMap((name): Remark[] => {
        const found = ruleVariableOf(engine, name);
        const text = found?.value;
        if (!found || text === undefined) return [];
        const problem = name === "HCCL_SOCKET_IFNAME" ? hcclProblem(text) : plainProblem(text);
        if (!problem) return [];
        const { fix, uncertain, is } = problem;
        const message = `${name} of ${engine.envLabel} is ${quoted(text)}: ${is}`;
        return [{ path: found.path(), value: text, message, fix, uncertain }];
      }),
    ),
};

interface SyntaxProblem {
  is: string;
  fix: string;
  uncertain: boolean;
}

const ONE_NAME = "write the name of one interface, such as eth0";

function plainProblem(text: string): SyntaxProblem | undefined {
  // Whether Gloo takes an exclusion is not known for certain, nor what it makes of an empty value.
  if (text === "") return { is: "no interface at all", fix: ONE_NAME, uncertain: true };
  if (text.startsWith("^")) return { is: "a form that only HCCL knows", fix: ONE_NAME, uncertain: true };
  if (text.startsWith("=")) return { is: "a form that only HCCL knows", fix: ONE_NAME, uncertain: false };
  const wrong = text.split(",").find((name) => name.length > 15 || /[\s/]/.test(name));
  if (wrong === undefined) return undefined;
  return { is: `no interface can be called ${quoted(wrong)}`, fix: ONE_NAME, uncertain: false };
}

function hcclProblem(text: string): SyntaxProblem | undefined {
  const rest = text.replace(/^\^?=?/, "");
  if (!/[=^]/.test(rest)) return undefined;
  const fix = "write one form for all names: eth,enp or =eth0,eth1 or ^docker or ^=docker0";
  return { is: "HCCL takes one form at a time, with its sign in front", fix, uncertain: true };
}

const hostEth0: Rule = {
  id: "hccl/host-network-eth0",
  severity: "warn",
  summary: "Under hostNetwork no interface of the pod network is named",
  why: "eth0 is the pod network's name; on a host that has none the engine ends with `Unable to find address for: eth0` (sparkrun issue 275, aws-do-eks issues 51 and 69).",
  example: {
    in: "template",
    refused:
      "spec: {hostNetwork: true, containers: [{name: vllm, command: [vllm, serve, m], env: [{name: GLOO_SOCKET_IFNAME, value: eth0}]}]}",
    admitted:
      "spec: {hostNetwork: true, containers: [{name: vllm, command: [vllm, serve, m], env: [{name: GLOO_SOCKET_IFNAME, value: enp23s0f3}]}]}",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { settings, pod } = engine;
      if (!pod?.pod.hostNetwork || settings.hccl.hostNetworkIfname === "eth0") return [];
      if (pod.pod.asks.socketIfname === "eth0") return [];
      const named = [...PLAIN_ONLY, "HCCL_SOCKET_IFNAME"]
        .map((name) => ruleVariableOf(engine, name))
        .find((found) => found?.value?.replace(/^=/, "") === "eth0");
      if (!named) return [];
      return [
        {
          path: named.path(),
          value: named.value,
          message: `${engine.label} uses the host's network and names eth0, which many hosts do not have`,
          fix: "name the host's interface; if it is eth0, set hccl.hostNetworkIfname in the defaults",
        },
      ];
    }),
};

/** Rules of the family hccl about addresses and interfaces. */
export const HCCL_ADDRESS_RULES: readonly Rule[] = [ownAddress, interfaceSyntax, hostEth0];
