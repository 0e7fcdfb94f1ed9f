import { listOf } from "../api/json.ts";
import { connectorClass, isFrom, KV_TRANSFER_ROLES } from "../engines/connector-classes.ts";
import { jsonSlip } from "../engines/json-slip.ts";
import { allConnectors } from "../engines/kv-transfer-config.ts";
import { MOONCAKE_WHEEL_SINCE } from "../engines/mooncake.ts";
import { type RuleEngine, withNpus } from "./engines.ts";
import { ascendVersion, isMooncake, isPool, kvEngines, kvPath, plainKvEngines } from "./kv-subject.ts";
import { quoted } from "./quote.ts";
import type { Remark, Rule } from "./rule.ts";

const P2P =
  '{"kv_connector":"MooncakeConnectorV1","kv_role":"kv_both","kv_port":"36000","kv_connector_extra_config":{"prefill":{"dp_size":1,"tp_size":1},"decode":{"dp_size":1,"tp_size":1}}}';
/** The arguments of an example with a KV configuration. */
export const kvArgs = (json: string): string => `args: [--kv-transfer-config, '${json}']`;
/** A configuration that is right, with something replaced. */
export const p2pWith = (from: string, to: string): string => kvArgs(P2P.replace(from, to));
/** Arguments with a configuration that is right. */
export const RIGHT = kvArgs(P2P);

const json: Rule = {
  id: "kv/json",
  severity: "deny",
  summary: "--kv-transfer-config holds a JSON object",
  why: "vLLM reads it as JSON and ends where it is none (vllm/engine/arg_utils.py).",
  example: {
    in: "container",
    refused: "args: [--kv-transfer-config, '{kv_connector: MooncakeConnectorV1}']",
    admitted: RIGHT,
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const { kv, label } = engine;
      if (kv.state !== "broken") return [];
      return [
        {
          path: kvPath(engine),
          value: kv.text,
          message: `--kv-transfer-config of ${label} is ${kv.text === "" ? "without a value" : quoted(kv.text)}, no JSON object`,
          fix:
            jsonSlip(kv.text) ?? 'write JSON with double quotes: {"kv_connector": "MooncakeConnectorV1", …}',
        },
      ];
    }),
};

const kvRole: Rule = {
  id: "kv/role",
  severity: "deny",
  summary: "kv_role is there, and one that vLLM knows",
  why: "vLLM refuses a connector without kv_role, and other values of it (vllm/config/kv_transfer.py).",
  example: { in: "container", refused: p2pWith("kv_both", "producer"), admitted: RIGHT },
  check: (subject) =>
    kvEngines(subject).flatMap(({ engine, config, path }): Remark[] => {
      const written = config.json.kv_role;
      const roles = connectorClass(config.name)?.roles ?? KV_TRANSFER_ROLES;
      if (typeof written === "string" && roles.some((role) => role === written)) return [];
      if (config.name === undefined && written === undefined) return [];
      const what = written === undefined ? "is missing" : `is ${quoted(written)}`;
      return [
        {
          path,
          value: written ?? "",
          ...(written === undefined ? { cause: "FieldValueRequired" as const } : {}),
          message: `kv_role of ${engine.label} ${what}${roles === KV_TRANSFER_ROLES ? "" : `, which ${config.name} does not take`}`,
          fix: `write one of: ${roles.join(", ")}`,
        },
      ];
    }),
};

const roleMatch: Rule = {
  id: "kv/role-match",
  severity: "deny",
  summary: "The role prefill produces the KV cache, decode consumes it",
  why: "Kthena's router sends prompts to prefill and lets decode fetch the cache; Kthena refuses the same in a ModelBooster (convert/model_server.go).",
  example: {
    in: "spec",
    refused: `template: {roles: [{name: prefill, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m], ${p2pWith("kv_both", "kv_consumer").replace("args: ", '"args": ')}}]}}}]}`,
    admitted: `template: {roles: [{name: prefill, entryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m], ${p2pWith("kv_both", "kv_producer").replace("args: ", '"args": ')}}]}}}]}`,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, config, path }): Remark[] => {
      const wrong = { prefill: "kv_consumer", decode: "kv_producer" }[engine.role];
      if (wrong === undefined || config.role !== wrong) return [];
      const right = engine.role === "prefill" ? "kv_producer" : "kv_consumer";
      return [
        {
          path,
          value: wrong,
          message: `role ${engine.role} has kv_role ${wrong}`,
          fix: `write ${right}, or kv_both`,
        },
      ];
    }),
};

const engineId: Rule = {
  id: "kv/engine-id",
  severity: "warn",
  summary: "engine_id is left to vLLM",
  why: "vLLM makes a unique one. A fixed one is the same after a restart and on every replica, and peers keep the old addresses under it (vllm-ascend, mooncake_connector.py:793-806).",
  example: {
    in: "container",
    refused: p2pWith('"kv_role"', '"engine_id":"0","kv_role"'),
    admitted: RIGHT,
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap((engine): Remark[] => {
      const fixed = engineIdOf(engine);
      if (fixed === undefined || fixed === "") return [];
      return [
        {
          path: kvPath(engine),
          value: fixed,
          message: `engine_id of ${engine.label} is the fixed ${quoted(fixed)}; after a restart peers use stale addresses`,
          fix: "leave engine_id out",
        },
      ];
    }),
};

/** The first engine_id that is written; a reference such as $(POD_NAME) keeps the rest from being read, not this. */
function engineIdOf({ kv }: RuleEngine): string | undefined {
  if (kv.state === "given")
    return allConnectors(kv.config).find(({ engineId: id }) => id !== undefined && id !== "")?.engineId;
  const text = kv.state === "unknown" ? kv.text : undefined;
  return text === undefined ? undefined : /"engine_id"\s*:\s*"([^"]+)"/.exec(text)?.[1];
}

const layerwise: Rule = {
  id: "kv/layerwise",
  severity: "warn",
  summary: "No layerwise connector behind kthena-router",
  why: "MooncakeLayerwiseConnector needs a proxy that asks decode first (vllm-ascend, multi_node.md:726); kthena-router asks prefill first.",
  example: {
    in: "container",
    refused: p2pWith("MooncakeConnectorV1", "MooncakeLayerwiseConnector"),
    admitted: RIGHT,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, all, path }): Remark[] =>
      all.some(({ name }) => name === "MooncakeLayerwiseConnector")
        ? [
            {
              path,
              value: "MooncakeLayerwiseConnector",
              message: `${engine.label} uses MooncakeLayerwiseConnector, which kthena-router cannot serve`,
              fix: "use MooncakeConnectorV1, or a proxy that asks decode first",
            },
          ]
        : [],
    ),
};

const ascendDirect: Rule = {
  id: "kv/ascend-direct",
  severity: "warn",
  summary: "With vllm-ascend 0.11 Mooncake is told to use ascend_direct",
  why: 'That version needs "use_ascend_direct": true (vllm-ascend issues 4866 and 5635).',
  example: {
    in: "container",
    refused: `image: quay.io/ascend/vllm-ascend:v0.11.0\n${RIGHT}`,
    admitted: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${RIGHT}`,
  },
  check: (subject) =>
    kvEngines(subject).flatMap(({ engine, all, path }): Remark[] => {
      const version = engine.image?.version;
      if (version?.major !== 0 || version.minor !== 11) return [];
      const lacking = all.find(({ name, extra }) => isMooncake(name) && extra.use_ascend_direct !== true);
      if (!lacking) return [];
      return [
        {
          path,
          value: false,
          against: version.text,
          message: `${engine.label} runs vllm-ascend ${version.text} without use_ascend_direct`,
          fix: 'add "use_ascend_direct": true to kv_connector_extra_config',
        },
      ];
    }),
};

const libraryPath: Rule = {
  id: "kv/library-path",
  severity: "warn",
  summary: "Mooncake finds its libraries",
  why: "In the stock vllm-ascend image up to 0.22 their path stands in ~/.bashrc, which a plain command does not read (vllm-ascend issues 9141, 6949); from 0.23 on Mooncake is a wheel that needs none (10871).",
  example: {
    in: "container",
    refused: `image: quay.io/ascend/vllm-ascend:v0.18.0\n${RIGHT}`,
    admitted: `image: quay.io/ascend/vllm-ascend:v0.18.0\ncommand: [sh, -c, 'export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/lib; exec "$@"', --]\n${RIGHT.replace("[", "[vllm, serve, m, ")}`,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, all, path }): Remark[] => {
      const version = ascendVersion(engine);
      if (engine.image?.newest || (version && isFrom(version, MOONCAKE_WHEEL_SINCE))) return [];
      if (!engine.image?.stockVllmAscend || !all.some(({ name }) => /^Mooncake/.test(name ?? ""))) return [];
      const { command, args } = engine.container;
      const text = JSON.stringify([command ?? [], args ?? []]);
      if (engine.envFrom || engine.env.has("LD_LIBRARY_PATH") || /LD_LIBRARY_PATH|bashrc|set_env/.test(text))
        return [];
      // A login shell may read it, an interactive one does.
      const words = [...listOf(command), ...listOf(args)];
      if (words.some((word) => typeof word === "string" && /^-[a-z]+$/.test(word) && /[il]/.test(word)))
        return [];
      return [
        {
          path,
          value: "LD_LIBRARY_PATH",
          message: `${engine.label} starts Mooncake without /usr/local/lib in LD_LIBRARY_PATH`,
          fix: engine.command.script
            ? "write export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/lib into its script, before the engine"
            : `start it by command: [sh, -c, 'export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/lib; exec "$@"', --]`,
        },
      ];
    }),
};

const store: Rule = {
  id: "kv/pool-address",
  severity: "deny",
  summary: "A pool of KV cache is told where it is",
  why: "Without MOONCAKE_CONFIG_PATH the engine ends at start in every release; MOONCAKE_MASTER only overrides what stands in the file, from 0.20.2 on (vllm-ascend, mooncake_backend.py).",
  example: {
    in: "container",
    refused: `image: quay.io/ascend/vllm-ascend:v0.23.0\n${p2pWith("MooncakeConnectorV1", "AscendStoreConnector")}`,
    admitted: `image: quay.io/ascend/vllm-ascend:v0.23.0\nenv: [{name: MOONCAKE_CONFIG_PATH, value: /etc/mooncake/mooncake.json}]\n${p2pWith("MooncakeConnectorV1", "AscendStoreConnector")}`,
  },
  check: (subject) =>
    plainKvEngines(subject).flatMap(({ engine, all, path }): Remark[] => {
      if (engine.envFrom || engine.env.has(CONFIG_PATH)) return [];
      return all.flatMap(({ name, extra }): Remark[] => {
        if (!readsConfig(name, extra.backend)) return [];
        const master = engine.env.has("MOONCAKE_MASTER") ? ", and MOONCAKE_MASTER alone does not do" : "";
        return [
          {
            path,
            value: name,
            message: `${engine.label} uses ${name} without ${CONFIG_PATH}${master}`,
            fix: `have kvConnectors.mooncake.masterAddress set in the defaults, or mount a mooncake.json and set ${CONFIG_PATH} to it`,
            // A script may export it, and an image of one's own may bring it.
            uncertain: engine.command.form !== "list" || engine.image?.build === "other",
          },
        ];
      });
    }),
};

const CONFIG_PATH = "MOONCAKE_CONFIG_PATH";

function readsConfig(name: string | undefined, backend: unknown): boolean {
  return isPool(name) && (typeof backend !== "string" || backend === "mooncake");
}

/** Rules of the family kv about one engine's configuration. */
export const KV_RULES: readonly Rule[] = [
  json,
  kvRole,
  roleMatch,
  engineId,
  layerwise,
  ascendDirect,
  libraryPath,
  store,
];
