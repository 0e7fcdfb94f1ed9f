import { isObject, type JsonObject, listOf, objectOf } from "../api/json.ts";
import { ASK } from "../api/names.ts";
import { FABRIC_SWITCHES } from "../defaults/hardware.ts";
import { sizeOf } from "../engines/flags.ts";
import { envSources, mayBring } from "../readings/env-from.ts";
import { transfersDirectly } from "../readings/pod-subject.ts";
import { type RuleEngine, withNpus } from "./engines.ts";
import { hostDns, hostPorts } from "./pod-host.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RulePod } from "./subject.ts";

const IFNAMES = ["HCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME"];

const envFrom: Rule = {
  id: "hccl/env-from",
  severity: "warn",
  summary: "Whether a ConfigMap or Secret names the interface of an engine is said",
  why: "env goes before envFrom (Kubernetes, EnvFromSource), so what may come from there is not added.",
  example: {
    in: "container",
    refused: "envFrom: [{configMapRef: {name: fabric}}]",
    admitted:
      "envFrom: [{configMapRef: {name: fabric}}]\nenv: [{name: HCCL_SOCKET_IFNAME, value: eth0}, {name: GLOO_SOCKET_IFNAME, value: eth0}, {name: TP_SOCKET_IFNAME, value: eth0}]",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const missing = leftOut(engine);
      if (missing.length === 0) return [];
      return [
        {
          path: `${engine.field}.envFrom`,
          value: missing,
          message: `${listed(missing)} of ${engine.label} may come from ${listed(envSources(engine.container))}, so nothing is added`,
          fix: `${howToSettle(missing)}; where they do, ${ASK.allow}: hccl/env-from`,
        },
      ];
    }),
};

function howToSettle(missing: readonly string[]): string {
  const interfaces = missing.some((name) => IFNAMES.includes(name));
  return interfaces
    ? `where they do not, set the annotation ${ASK.socketIfname}, such as "eth0"`
    : `where they do not, set ${listed([...missing])} in env`;
}

/** What was not added for the sake of `envFrom`: the interfaces, and the switch of a network that was chosen. */
function leftOut(engine: RuleEngine): string[] {
  const { pod, env, container } = engine;
  if (!pod) return [];
  const interfaces = IFNAMES.some((name) => env.has(name)) ? [] : mayBring(container, IFNAMES);
  return [...interfaces, ...switchLeftOut(engine, pod)];
}

function switchLeftOut({ name, env, container, node }: RuleEngine, { pod }: RulePod): string[] {
  const engine = pod.engines.find((one) => one.name === name);
  if (node.fabric === "" || node.row.fabrics.length < 2 || !engine || !transfersDirectly(pod, engine))
    return [];
  const { name: wanted, unless } = FABRIC_SWITCHES[node.fabric];
  const chosen = [wanted, ...unless].some((variable) => env.has(variable));
  return chosen || mayBring(container, [wanted, ...unless]).length === 0 ? [] : [wanted];
}

const COLD_START = 900;

const slowStart: Rule = {
  id: "npu/startup-probe",
  severity: "warn",
  summary: "An engine's liveness probe waits for its start",
  why: "Cold starts of a quarter of an hour are seen (vllm-ascend issue 17130), and Kthena recreates the whole role at any restart of a container.",
  example: {
    in: "container",
    refused: "startupProbe: {exec: {command: [./alive]}, failureThreshold: 3}",
    admitted: "livenessProbe: {exec: {command: [./alive]}, initialDelaySeconds: 60}",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ container, field, label, pod }): Remark[] => {
      if (!pod) return [];
      const [name, probe] = isObject(container.startupProbe)
        ? (["startupProbe", container.startupProbe] as const)
        : (["livenessProbe", container.livenessProbe] as const);
      if (!isObject(probe)) return [];
      const seconds = patience(probe);
      if (seconds === undefined || seconds >= COLD_START / 3) return [];
      return [
        {
          path: `${field}.${name}`,
          value: seconds,
          message: `the ${name} of ${label} ends the engine ${seconds} s after its start; loading a large model takes up to ${COLD_START / 60} minutes`,
          fix: `give its startupProbe a failureThreshold × periodSeconds of ${COLD_START} s or more`,
        },
      ];
    }),
};

/** Seconds from the start until a probe that never succeeds ends its container (Kubernetes' defaults: 0, 10, 3). */
function patience(probe: JsonObject): number | undefined {
  const read = (key: string, standard: number): number | undefined => {
    const value = probe[key] ?? standard;
    return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
  };
  const [delay, period, failures] = [
    read("initialDelaySeconds", 0),
    read("periodSeconds", 10),
    read("failureThreshold", 3),
  ];
  if (delay === undefined || period === undefined || failures === undefined) return undefined;
  return delay + Math.max(1, period) * Math.max(1, failures);
}

const drain: Rule = {
  id: "npu/grace-period",
  severity: "warn",
  summary: "An engine has the time to drain that it is told to take",
  why: "terminationGracePeriodSeconds (30 where it is left out) counts preStop too; then the container is killed (Kubernetes, Pod lifecycle). With shareProcessNamespace process 1 is the pod's pause.",
  example: {
    in: "template",
    refused:
      "spec: {containers: [{name: vllm, command: [vllm, serve, m], lifecycle: {preStop: {sleep: {seconds: 60}}}}]}",
    admitted:
      "spec: {terminationGracePeriodSeconds: 120, containers: [{name: vllm, command: [vllm, serve, m], lifecycle: {preStop: {sleep: {seconds: 60}}}}]}",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { pod, container, field, label } = engine;
      if (!pod) return [];
      const { spec } = pod.pod;
      const preStop = objectOf(objectOf(container.lifecycle).preStop);
      const grace =
        typeof spec.terminationGracePeriodSeconds === "number" ? spec.terminationGracePeriodSeconds : 30;
      const asked = sleepOf(preStop) + shutdownOf(engine);
      const remarks: Remark[] = [];
      if (asked > 0 && asked >= grace)
        remarks.push({
          path: `${pod.field}.spec.terminationGracePeriodSeconds`,
          value: grace,
          against: asked,
          message: `${label} takes ${asked} s to drain, and is killed after ${grace} s`,
          fix: `set terminationGracePeriodSeconds to more than ${asked}`,
        });
      if (
        spec.shareProcessNamespace === true &&
        /\bkill\s{1,8}(?:-\w{1,16}\s{1,8}){0,4}1(?:\s|;|$)/.test(commandText(preStop))
      )
        remarks.push({
          path: `${field}.lifecycle.preStop`,
          message: `preStop of ${label} signals process 1, which is not the engine: the pod shares its processes`,
          fix: "name the engine's process, or leave shareProcessNamespace out",
        });
      return remarks;
    }),
};

function commandText(preStop: JsonObject): string {
  return listOf(objectOf(preStop.exec).command)
    .map((word) => (typeof word === "string" ? word : ""))
    .join(" ");
}

/** Seconds that preStop sleeps: its own form, or a command that is a plain sleep at its beginning. */
function sleepOf(preStop: JsonObject): number {
  const { seconds } = objectOf(preStop.sleep);
  if (typeof seconds === "number") return seconds;
  const match = /^(?:\S*sh -c )?sleep (\d{1,5})\b/.exec(commandText(preStop));
  return match ? Number(match[1]) : 0;
}

/** vLLM's --shutdown-timeout: it lets running requests end. */
function shutdownOf({ command }: RuleEngine): number {
  if (command.engine !== "vllm") return 0;
  const timeout = sizeOf(command.flags, "shutdown-timeout");
  return timeout.state === "known" ? timeout.value : 0;
}

/** Facts of the pod around an engine that change what is right. */
export const POD_FACT_RULES: readonly Rule[] = [envFrom, hostDns, hostPorts, slowStart, drain];
