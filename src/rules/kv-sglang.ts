import type { Disaggregation } from "../engines/disaggregation.ts";
import { type RuleEngine, withNpus } from "./engines.ts";
import type { Remark, Rule } from "./rule.ts";
import type { RuleSubject } from "./subject.ts";

/** An engine of SGLang that hands over by its own flags. */
interface Handing {
  engine: RuleEngine;
  by: Disaggregation;
}

function handing(subject: RuleSubject): Handing[] {
  return withNpus(subject.engines).flatMap((engine) =>
    engine.disaggregation === undefined ? [] : [{ engine, by: engine.disaggregation }],
  );
}

const argsOf = (engine: RuleEngine): string =>
  `${engine.field}.${Array.isArray(engine.container.args) ? "args" : "command"}`;

const SGLANG =
  "command: [python3, -m, sglang.launch_server]\nargs: [--model-path, m, --disaggregation-mode, prefill";
const STORE = "ASCEND_MF_STORE_URL";

const store: Rule = {
  id: "kv/sglang-store",
  severity: "warn",
  summary: "SGLang's ascend backend is told where its store is",
  why: "It reads the address of memfabric's store from ASCEND_MF_STORE_URL alone and ends without it (srt/disaggregation/ascend/transfer_engine.py).",
  example: {
    in: "container",
    refused: `${SGLANG}, --disaggregation-transfer-backend, ascend]`,
    admitted: `${SGLANG}, --disaggregation-transfer-backend, ascend]\nenv: [{name: ${STORE}, value: "tcp://memfabric:23456"}]`,
  },
  check: (subject) =>
    handing(subject).flatMap(({ engine, by }): Remark[] => {
      if (by.backend !== "ascend" || engine.envFrom || engine.env.has(STORE)) return [];
      return [
        {
          path: engine.envField,
          value: STORE,
          cause: "FieldValueRequired",
          message: `${engine.label} hands over by SGLang's ascend backend without ${STORE}`,
          fix: `set ${STORE} to tcp://HOST:PORT of memfabric's store, the same on prefill and decode`,
        },
      ];
    }),
};

const backend: Rule = {
  id: "kv/sglang-backend",
  severity: "warn",
  summary: "SGLang on NPUs hands over by its ascend backend",
  why: "SGLang's pages for Ascend NPUs name the ascend backend alone (docs/platforms/ascend).",
  example: {
    in: "container",
    refused: `${SGLANG}]`,
    admitted: `${SGLANG}, --disaggregation-transfer-backend, ascend]\nenv: [{name: ${STORE}, value: "tcp://memfabric:23456"}]`,
  },
  check: (subject) =>
    handing(subject).flatMap(({ engine, by }): Remark[] => {
      const { backend: name } = by;
      if (name === undefined || name === "ascend" || name === "fake") return [];
      return [
        {
          path: argsOf(engine),
          value: name,
          message: `${engine.label} hands over by SGLang's backend ${name}; its pages for NPUs name ascend alone`,
          fix: "add --disaggregation-transfer-backend ascend to its arguments and ASCEND_MF_STORE_URL (tcp://HOST:PORT of memfabric's store) to its env",
        },
      ];
    }),
};

const mode: Rule = {
  id: "kv/sglang-mode",
  severity: "deny",
  summary: "The role prefill prefills and decode decodes, in SGLang's flags too",
  why: "Kthena's router sends prompts to the pods of prefill and lets decode fetch the cache (Kthena, connectors/sglang.go).",
  example: {
    in: "spec",
    refused:
      "template: {roles: [{name: decode, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: sglang, image: 'registry.example/engine:1', command: [python3, -m, sglang.launch_server, --model-path, m, --disaggregation-mode, prefill, --disaggregation-transfer-backend, ascend], env: [{name: ASCEND_MF_STORE_URL, value: 'tcp://s:1'}]}]}}}]}",
    admitted:
      "template: {roles: [{name: decode, workerReplicas: 0, entryTemplate: {spec: {containers: [{name: sglang, image: 'registry.example/engine:1', command: [python3, -m, sglang.launch_server, --model-path, m, --disaggregation-mode, decode, --disaggregation-transfer-backend, ascend], env: [{name: ASCEND_MF_STORE_URL, value: 'tcp://s:1'}]}]}}}]}",
  },
  check: (subject) =>
    handing(subject).flatMap(({ engine, by }): Remark[] => {
      const { role } = engine;
      if ((role !== "prefill" && role !== "decode") || role === by.mode) return [];
      return [
        {
          path: argsOf(engine),
          value: by.mode,
          message: `role ${role} runs with --disaggregation-mode ${by.mode}`,
          fix: `write --disaggregation-mode ${role}`,
        },
      ];
    }),
};

/** Rules about SGLang's own flags of disaggregation. */
export const KV_SGLANG_RULES: readonly Rule[] = [store, backend, mode];
