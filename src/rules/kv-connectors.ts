import { closest } from "../api/closest.ts";
import {
  CONNECTOR_CLASSES,
  type ConnectorClass,
  connectorClass,
  isFrom,
  isRegistered,
} from "../engines/connector-classes.ts";
import type { EngineVersion } from "../engines/images.ts";
import type { KvConnector } from "../engines/kv-transfer-config.ts";
import { kvArgs, p2pWith, RIGHT } from "./kv.ts";
import { ascendVersion, type KvEngine, kvEngines, plainKvEngines } from "./kv-subject.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

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
    plainKvEngines(subject).flatMap(({ engine, all, path }) =>
      all.flatMap((one): Remark[] => {
        const problem = problemOf(one, ascendVersion(engine));
        if (!problem) return [];
        const { message, fix, uncertain } = problem;
        return [{ path, value: one.name, message: `${engine.label}: ${message}`, fix, uncertain }];
      }),
    ),
};

const USE_MOONCAKE = "use MooncakeConnectorV1";

function problemOf(one: KvConnector, version: EngineVersion | undefined): ConnectorProblem | undefined {
  const { name, modulePath } = one;
  if (name === undefined) return undefined;
  const known = connectorClass(name);
  if (known) return modulePath === undefined ? unregistered(known, version) : undefined;
  switch (name) {
    case "NixlConnector":
      return {
        message: "vllm-ascend has no NixlConnector",
        fix: USE_MOONCAKE,
        uncertain: modulePath !== undefined,
      };
    case "MooncakeConnector":
      return {
        message: "MooncakeConnector is the class for CUDA in recent versions",
        fix: USE_MOONCAKE,
        uncertain: true,
      };
    case "LMCacheConnectorV1":
      return { message: "LMCacheConnectorV1 is LMCache's class for CUDA", fix: LMCACHE, uncertain: true };
    default:
      return modulePath === undefined ? unknownConnector(name) : undefined;
  }
}

/** A class that the version does not have; without a version, one that no release has or the newest lacks. */
function unregistered(
  known: ConnectorClass,
  version: EngineVersion | undefined,
): ConnectorProblem | undefined {
  const { name, since, until } = known;
  if (version ? isRegistered(known, version) : until === undefined && !isUnreleased(since)) return undefined;
  const late = since !== undefined && (version ? !isFrom(version, since) : isUnreleased(since));
  const range = late ? lateText(since) : `is registered in vllm-ascend ${rangeOf(known)} only`;
  return {
    message: `${name} ${range}${version ? `, the image has ${version.text}` : ""}`,
    fix: late ? `${insteadOf(name)}, or an image of ${since} or later` : insteadOf(name),
    uncertain: version === undefined,
  };
}

function lateText(since: string | undefined): string {
  return isUnreleased(since)
    ? "is registered on vllm-ascend's main branch and in no release up to 0.25"
    : `is registered in vllm-ascend from ${since} on`;
}

/** 0.27 stands for what only the main branch has dropped. */
function rangeOf({ since, until }: ConnectorClass): string {
  const first = since === undefined ? "" : `from ${since} `;
  return until === "0.27" ? `${first}up to 0.26` : `${first}before ${until}`;
}

/** 0.26 stands for what main has and no release. */
function isUnreleased(since: string | undefined): boolean {
  return since === "0.26";
}

function insteadOf(name: string): string {
  return name.startsWith("LMCache") ? LMCACHE : USE_MOONCAKE;
}

const LMCACHE =
  "use LMCacheAscendConnectorV1Dynamic with kv_connector_module_path lmcache_ascend.integration.vllm.lmcache_ascend_connector_v1";

function unknownConnector(name: string): ConnectorProblem {
  const guess = closest(name, CONNECTOR_CLASSES);
  const fix = guess ? `did you mean "${guess}"?` : "a plugin's class needs kv_connector_module_path";
  return { message: `${quoted(name)} is no connector of vllm-ascend`, fix, uncertain: true };
}

const OLD_MODULE = "vllm_ascend.distributed.mooncake_connector";
const OLD_FOLDER = "vllm_ascend.distributed.";
const NEW_MODULE = "vllm_ascend.distributed.kv_transfer.";

const modulePath: Rule = {
  id: "kv/module-path",
  severity: "warn",
  summary: "kv_connector_module_path names a module that the image's version has",
  why: "Mooncake's connector moved to vllm_ascend.distributed.kv_transfer in 0.14; it is registered by name in all versions, the old module exists up to 0.13.",
  example: {
    in: "container",
    refused: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${p2pWith('"kv_role"', `"kv_connector_module_path":"${OLD_MODULE}","kv_role"`)}`,
    admitted: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${RIGHT}`,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, all, path }) =>
      all.flatMap((one): Remark[] => {
        const version = ascendVersion(engine);
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
  if (path?.startsWith(OLD_FOLDER) && !path.startsWith(NEW_MODULE) && isFrom(version, "0.14"))
    return "leave kv_connector_module_path out";
  return path?.startsWith(NEW_MODULE) && !isFrom(version, "0.14") ? `write ${OLD_MODULE}` : undefined;
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
