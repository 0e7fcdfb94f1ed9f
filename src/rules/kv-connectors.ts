import { closest } from "../api/closest.ts";
import { type EngineVersion, isAtLeast } from "../engines/images.ts";
import type { KvConnector } from "../engines/kv-transfer-config.ts";
import { kvArgs, p2pWith, RIGHT } from "./kv.ts";
import { type KvEngine, kvEngines } from "./kv-subject.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

/** vllm-ascend, vllm_ascend/distributed/kv_transfer/__init__.py, and what works with it from elsewhere. */
const KNOWN = `MooncakeConnectorV1 MooncakeHybridConnector MooncakeLayerwiseConnector MooncakeConnectorStoreV1
AscendStoreConnector MultiConnector UCMConnector OffloadingConnector SimpleCPUOffloadConnector
RecomputeCPUOffloadConnector SfaRemoteD2HConnector LMCacheAscendConnectorV1Dynamic SharedStorageConnector
ExampleConnector`.split(/\s+/);

interface ConnectorProblem {
  message: string;
  fix: string;
  uncertain: boolean;
}

const connector: Rule = {
  id: "kv/connector",
  severity: "deny",
  summary: "The KV connector is one that vllm-ascend has",
  why: "vllm-ascend has no NIXL (its PR 1984 was closed), removed LLMDataDist (4780) and LMCacheAscendConnector; the plain LMCacheConnectorV1 and MooncakeConnector are CUDA's.",
  example: { in: "container", refused: p2pWith("MooncakeConnectorV1", "NixlConnector"), admitted: RIGHT },
  check: (subject) =>
    kvEngines(subject).flatMap(({ engine, all, path }) =>
      all.flatMap((one): Remark[] => {
        const problem = problemOf(one, engine.image?.version);
        if (!problem) return [];
        const { message, fix, uncertain } = problem;
        return [{ path, value: one.name, message: `${engine.label}: ${message}`, fix, uncertain }];
      }),
    ),
};

const USE_MOONCAKE = "use MooncakeConnectorV1";

function problemOf(one: KvConnector, version: EngineVersion | undefined): ConnectorProblem | undefined {
  const { name, modulePath } = one;
  if (name === undefined || KNOWN.includes(name)) return undefined;
  const warn = (message: string, fix: string): ConnectorProblem => ({ message, fix, uncertain: true });
  switch (name) {
    case "NixlConnector":
      return {
        message: "vllm-ascend has no NixlConnector",
        fix: USE_MOONCAKE,
        uncertain: modulePath !== undefined,
      };
    case "MooncakeConnector":
      return warn("MooncakeConnector is the class for CUDA in recent versions", USE_MOONCAKE);
    case "LMCacheConnectorV1":
      return warn("LMCacheConnectorV1 is LMCache's class for CUDA", LMCACHE);
    case "LMCacheAscendConnector":
      if (version && isAtLeast(version, 0, 18) && !isAtLeast(version, 0, 24)) return undefined;
      return warn("LMCacheAscendConnector is registered in vllm-ascend 0.18 to 0.23 only", LMCACHE);
    case "LLMDataDistCMgrConnector":
      if (version && !isAtLeast(version, 0, 12)) return undefined;
      return {
        message: "vllm-ascend has removed LLMDataDistCMgrConnector",
        fix: USE_MOONCAKE,
        uncertain: version === undefined || !isAtLeast(version, 0, 18),
      };
    default:
      return modulePath === undefined ? unknownConnector(name) : undefined;
  }
}

const LMCACHE =
  "use LMCacheAscendConnectorV1Dynamic with kv_connector_module_path lmcache_ascend.integration.vllm.lmcache_ascend_connector_v1";

function unknownConnector(name: string): ConnectorProblem {
  const guess = closest(name, KNOWN);
  const fix = guess ? `did you mean "${guess}"?` : "a plugin's class needs kv_connector_module_path";
  return { message: `${quoted(name)} is no connector of vllm-ascend`, fix, uncertain: true };
}

const OLD_MODULE = "vllm_ascend.distributed.mooncake_connector";
const NEW_MODULE = "vllm_ascend.distributed.kv_transfer.";

const modulePath: Rule = {
  id: "kv/module-path",
  severity: "warn",
  summary: "kv_connector_module_path names a module that the image's version has",
  why: "Mooncake's connector moved to vllm_ascend.distributed.kv_transfer in 0.18 and is registered by name since then; the old module exists up to 0.13.",
  example: {
    in: "container",
    refused: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${p2pWith('"kv_role"', `"kv_connector_module_path":"${OLD_MODULE}","kv_role"`)}`,
    admitted: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${RIGHT}`,
  },
  check: (subject) =>
    kvEngines(subject).flatMap(({ engine, all, path }) =>
      all.flatMap((one): Remark[] => {
        const version = engine.image?.version;
        const problem = version && moduleProblem(one.modulePath, version);
        if (!problem) return [];
        return [
          {
            path,
            value: one.modulePath,
            against: version.text,
            message: `${engine.label} runs vllm-ascend ${version.text}, which has no module ${quoted(one.modulePath)}`,
            fix: problem,
          },
        ];
      }),
    ),
};

function moduleProblem(path: string | undefined, version: EngineVersion): string | undefined {
  if (path === OLD_MODULE && isAtLeast(version, 0, 18)) return "leave kv_connector_module_path out";
  return path?.startsWith(NEW_MODULE) && !isAtLeast(version, 0, 14) ? `write ${OLD_MODULE}` : undefined;
}

const missing: Rule = {
  id: "kv/no-connector",
  severity: "warn",
  summary: "A KV configuration names a connector",
  why: "Without kv_connector vLLM transfers nothing (vllm/config/kv_transfer.py).",
  example: {
    in: "container",
    refused: kvArgs('{"kv_role":"kv_both"}'),
    admitted: RIGHT,
  },
  check: (subject) =>
    kvEngines(subject).flatMap(({ engine, config, path }: KvEngine): Remark[] =>
      config.name !== undefined && config.name !== ""
        ? []
        : [
            {
              path,
              value: config.json.kv_connector ?? null,
              cause: "FieldValueRequired",
              message: `the KV configuration of ${engine.label} names no connector`,
              fix: 'add "kv_connector": "MooncakeConnectorV1", or remove --kv-transfer-config',
            },
          ],
    ),
};

/** Rules of the family kv about which connector is used. */
export const KV_CONNECTOR_RULES: readonly Rule[] = [connector, modulePath, missing];
