import type { KvClass } from "../../defaults/kv-settings.ts";
import { engineVersionOf, isFrom } from "../../engines/connector-classes.ts";
import { modelFamily } from "../../engines/model-families.ts";
import type { KvPeer } from "../../readings/kv-plan.ts";
import type { KvRole } from "../../readings/kv-role.ts";

const USUAL = "MooncakeConnectorV1";
const HYBRID = "MooncakeHybridConnector";
/** First release that registers MooncakeHybridConnector. */
const HYBRID_SINCE = "0.20.2";
/** First releases whose MooncakeConnectorV1 serves hybrid caches: of Mamba (PR 8850), of DeepSeek-V4 (PR 10342). */
const USUAL_SINCE = { mamba: "0.21", compressed: "0.22.1" } as const;

/**
 * The class between prefill and decode: the one that somebody asks for, else the one that serves the model's cache
 * in that version of vllm-ascend.
 * @param usual what the defaults name for the version
 * @param version such as `0.22.1`; undefined: not known
 */
export function chosenClass(
  role: KvRole,
  peer: KvPeer,
  usual: KvClass,
  version: string | undefined,
): { class: KvClass } | { lacking: string } {
  const asked = role.askedClass ?? peer.kvClass;
  if (asked !== undefined) return { class: named(usual, asked) };
  const { model } = role.engine.command;
  const { hybrid } = modelFamily(model);
  if (hybrid === undefined || usual.class !== USUAL) return { class: usual };
  const known = version === undefined ? undefined : engineVersionOf(version);
  // Every release since 0.20.2 has the one for hybrid caches, and the tutorials of DeepSeek-V4 use it up to main.
  if (!known) return { class: hybrid === "compressed" ? named(usual, HYBRID) : usual };
  if (isFrom(known, USUAL_SINCE[hybrid])) return { class: usual };
  if (isFrom(known, HYBRID_SINCE)) return { class: named(usual, HYBRID) };
  const lacking = `vllm-ascend ${version} has no connector for the hybrid cache of ${model}, ${HYBRID_SINCE} is the first that has`;
  return { lacking };
}

/** Classes other than the usual one are registered by their name in every version that has them. */
function named(usual: KvClass, name: string): KvClass {
  return name === usual.class ? usual : { ...usual, class: name, modulePath: "" };
}
