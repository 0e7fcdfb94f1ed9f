import { type Arity, arities } from "./flag-table.ts";

/** Flags of `lmdeploy serve api_server` (lmdeploy, cli/serve.py and cli/utils.py); all others take one value. */
const FLAGS: Readonly<Partial<Record<Arity, string>>> = {
  many: `
  adapters allow-headers allow-methods allow-origins allowed-media-domains api-keys
  cudagraph-capture-batch-sizes`,
  none: `
  allow-credentials allow-terminate-by-client disable-fastapi-docs disable-metrics eager-mode
  enable-abort-handling enable-eplb enable-microbatch enable-prefix-caching enable-return-routed-experts
  language-model-only ssl trust-remote-code use-logn-attn`,
};

const LONG: Readonly<Record<string, string>> = {
  tp: "tensor-parallel-size",
  dp: "data-parallel-size",
  ep: "expert-parallel-size",
};

const ARITY: ReadonlyMap<string, Arity> = new Map(arities(FLAGS));

/** How many values a flag of LMDeploy takes. */
export function lmdeployArity(name: string): Arity {
  return ARITY.get(name) ?? "one";
}

/** The name by which sizes are asked for here: LMDeploy has the short names alone. */
export function lmdeployLong(name: string): string | undefined {
  return Object.hasOwn(LONG, name) ? LONG[name] : undefined;
}
