import type { FlagEngine } from "./flag-names.ts";

/** What is known of a program or Python module that people start in a container. */
export type KnownProgram =
  /** An engine whose flags are read. `serve`: a subcommand comes first. */
  | { kind: "engine"; engine: FlagEngine; serve: boolean; product?: string }
  /** A model server whose sizes do not stand on its command line, or not in flags that are read here. */
  | { kind: "server"; product: string }
  /** No engine: it routes to engines, holds state for them or controls them. */
  | { kind: "helper"; product: string; does: string };

const vllm = (serve: boolean, product?: string): KnownProgram => ({
  kind: "engine",
  engine: "vllm",
  serve,
  ...(product === undefined ? {} : { product }),
});
const sglang = (serve: boolean): KnownProgram => ({ kind: "engine", engine: "sglang", serve });
const server = (product: string): KnownProgram => ({ kind: "server", product });
const helper = (product: string, does: string): KnownProgram => ({ kind: "helper", product, does });

const SGLANG_ROUTER = helper("SGLang's router", "routes requests to engines");
const VLLM_ROUTER = helper("vLLM's router", "routes requests to engines");
const PD_PROXY = helper("a prefill/decode proxy", "routes requests to engines");
const MOONCAKE = helper("Mooncake's store", "keeps KV caches");
const LMCACHE = helper("LMCache's server", "keeps KV caches");
const proxy = (name: string): KnownProgram => helper(name, "routes requests");

/**
 * Programs by the last part of their path, `.sh` and `.py` included. Engines: vllm (pyproject.toml), vllm-mindspore
 * (takes vLLM's arguments, its README), vllm-omni, sglang (python/pyproject.toml). Servers: MindIE
 * (mindieservice_daemon), wings (wings_start.sh). Helpers: sgl-router
 * (`smg`, `sglang-router`), vLLM production-stack's `vllm-router`, Mooncake's `mooncake_master`, MindIE-Motor's
 * ms_controller and ms_coordinator (mind-cluster, mindie_motor_best_practice), the proxies of vllm-ascend's and vLLM's
 * examples/.
 */
const PROGRAMS: Readonly<Record<string, KnownProgram>> = {
  vllm: vllm(true),
  "vllm-mindspore": vllm(true, "vLLM-MindSpore"),
  "vllm-omni": vllm(true, "vLLM-Omni"),
  sglang: sglang(true),
  mindieservice_daemon: server("MindIE"),
  mindie_llm_server: server("MindIE"),
  wings_start: server("wings"),
  "wings_start.sh": server("wings"),
  "sglang-router": SGLANG_ROUTER,
  "sgl-router": SGLANG_ROUTER,
  "sgl-model-gateway": SGLANG_ROUTER,
  smg: SGLANG_ROUTER,
  "vllm-router": VLLM_ROUTER,
  ms_controller: helper("MindIE's controller", "controls engines"),
  ms_coordinator: helper("MindIE's coordinator", "routes requests to engines"),
  mooncake_master: MOONCAKE,
  mooncake_store_service: MOONCAKE,
  mooncake_http_metadata_server: MOONCAKE,
  lmcache_server: LMCACHE,
  lmcache_controller: LMCACHE,
  "kthena-router": helper("Kthena's router", "routes requests to engines"),
  "load_balance_proxy_server_example.py": PD_PROXY,
  "load_balance_proxy_layerwise_server_example.py": PD_PROXY,
  "epd_load_balance_proxy_layerwise_server_example.py": PD_PROXY,
  "disagg_epd_proxy.py": PD_PROXY,
  "hybrid_proxy_server.py": PD_PROXY,
  "toy_proxy_server.py": PD_PROXY,
  "disagg_proxy_demo.py": PD_PROXY,
  "disagg_prefill_proxy_server.py": PD_PROXY,
  nginx: proxy("nginx"),
  haproxy: proxy("haproxy"),
  envoy: proxy("envoy"),
  traefik: proxy("traefik"),
  litellm: proxy("LiteLLM"),
  etcd: helper("etcd", "keeps settings"),
  "redis-server": helper("Redis", "keeps data"),
};

/** Python modules, as `python -m` takes them (vllm/entrypoints, sglang, sgl-router's bindings, mooncake-wheel, lmcache). */
const MODULES: Readonly<Record<string, KnownProgram>> = {
  "vllm.entrypoints.openai.api_server": vllm(false),
  "vllm.entrypoints.launchers.api_server.entry": vllm(false),
  "vllm.entrypoints.api_server": vllm(false),
  "vllm.entrypoints.cli.main": vllm(true),
  vllm: vllm(true),
  "vllm_omni.entrypoints.cli.main": vllm(true, "vLLM-Omni"),
  "sglang.launch_server": sglang(false),
  "sglang.cli.main": sglang(true),
  "sglang_router.launch_router": SGLANG_ROUTER,
  sglang_router: SGLANG_ROUTER,
  "smg.launch_router": SGLANG_ROUTER,
  smg: SGLANG_ROUTER,
  "vllm_router.app": VLLM_ROUTER,
  "vllm_router.launch_router": VLLM_ROUTER,
  "mooncake.mooncake_store_service": MOONCAKE,
  "mooncake.http_metadata_server": MOONCAKE,
  "mooncake.vllm_v1_proxy_server": PD_PROXY,
  "lmcache.v1.api_server": LMCACHE,
  "lmcache.v1.server": LMCACHE,
  "lmcache.v1.multiprocess.server": LMCACHE,
  "lmcache.server": LMCACHE,
  "dynamo.frontend": helper("Dynamo's frontend", "routes requests to engines"),
  "dynamo.router": helper("Dynamo's router", "routes requests to engines"),
};

/** Images that start one of these when no command is given, by the last part of their path. */
const IMAGES: Readonly<Record<string, KnownProgram>> = {
  "sgl-router": SGLANG_ROUTER,
  "sgl-model-gateway": SGLANG_ROUTER,
  "vllm-router": VLLM_ROUTER,
  "lmstack-router": VLLM_ROUTER,
  "kthena-router": helper("Kthena's router", "routes requests to engines"),
  nginx: proxy("nginx"),
  haproxy: proxy("haproxy"),
  envoy: proxy("envoy"),
  traefik: proxy("traefik"),
  litellm: proxy("LiteLLM"),
};

/** What an image starts, by the last part of its path. */
export function knownImage(name: string): KnownProgram | undefined {
  return Object.hasOwn(IMAGES, name) ? IMAGES[name] : undefined;
}

/** What is known of a program by its name. */
export function knownProgram(name: string): KnownProgram | undefined {
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
}

/** What is known of a Python module by its name. */
export function knownModule(name: string): KnownProgram | undefined {
  return Object.hasOwn(MODULES, name) ? MODULES[name] : undefined;
}

/** Subcommands of `lmdeploy serve` (lmdeploy, cli/serve.py): the server, and its proxy. */
export function lmdeployProgram(subcommand: string | undefined): KnownProgram | undefined {
  if (subcommand === "api_server")
    return { kind: "engine", engine: "lmdeploy", serve: false, product: "LMDeploy" };
  return subcommand === "proxy" ? helper("LMDeploy's proxy", "routes requests to engines") : undefined;
}
