import { ASK } from "../api/names.ts";
import { holdsTemplates, shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { kvRoleOf } from "../readings/kv-role.ts";
import { listed } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

const ROLE = (name: string): string =>
  `{name: ${name}, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: vllm, image: "registry.example/engine:1", command: [bash, -c, /scripts/start.sh], resources: {limits: {huawei.com/ascend-1980: "8"}}}]}}}`;

const unseen: Rule = {
  id: "kv/unseen",
  severity: "warn",
  summary: "Between roles that prefill and decode a KV connector can be seen",
  why: "What a script starts cannot be read here: without the annotation the device network, the connector's variables and the ModelServer's type stay out.",
  example: {
    in: "spec",
    refused: `template: {roles: [${ROLE("prefill")}, ${ROLE("decode")}]}`,
    admitted: `template: {roles: [${ROLE("server")}]}`,
  },
  check: (subject) => {
    if (!holdsTemplates(subject.kind)) return [];
    const sides = new Map<string, { role: string; field: string; seen: boolean; closed: boolean }>();
    for (const one of readRoles(subject, subject.kind)) if (!sides.has(one.side)) sides.set(one.side, one);
    const pair = ["prefill", "decode"].flatMap((side) => sides.get(side) ?? []);
    const [first] = pair;
    if (first === undefined || pair.length < 2 || pair.some(({ seen }) => seen)) return [];
    const names = pair.map(({ role }) => role);
    const why = pair.some(({ closed }) => closed)
      ? "what their scripts start cannot be read"
      : "decode computes every prompt anew";
    const remark: Remark = {
      path: first.field,
      value: names,
      message: `no KV connector can be seen between roles ${listed(names)}: ${why}`,
      fix: `set the annotation ${ASK.kvConnector}: mooncake, or none if there is no connector`,
    };
    return [remark];
  },
};

function readRoles(subject: RuleSubject, kind: WorkloadKind) {
  const entry = shapeOf(kind).templates.find(({ part }) => part === "entry")?.key ?? "";
  return subject.units.flatMap(({ key, pods, field }) => {
    const role = kvRoleOf(
      key,
      pods.map(({ pod }) => pod),
    );
    const side = role?.side;
    if (!role || (side !== "prefill" && side !== "decode")) return [];
    const { engine, written, asked } = role;
    const seen =
      asked !== undefined ||
      engine.connectors.length > 0 ||
      engine.disaggregation !== undefined ||
      (written.state !== "absent" && written.state !== "unknown") ||
      role.settings.kvConnectors.default !== "none" ||
      engine.command.engine === "mindie";
    return [
      {
        role: key,
        side,
        field: `${field}.${entry}.spec.containers`,
        seen,
        closed: written.state === "unknown",
      },
    ];
  });
}

/** The rule about connectors that nothing shows. */
export const KV_UNSEEN_RULES: readonly Rule[] = [unseen];
