import type { Rule } from "../rule.ts";
import { BACKEND_CHECKS } from "./booster-backend.ts";
import { CACHE_CHECKS } from "./booster-cache.ts";
import { KV_CHECKS } from "./booster-kv.ts";
import { PORT_CHECKS } from "./booster-port.ts";
import { BOOSTER_DECODE, SERVING_DECODE } from "./decode.ts";
import { ROUTE_CHECKS } from "./route-match.ts";
import { TARGET_CHECKS } from "./route-targets.ts";
import { rulesFor } from "./rule.ts";
import { SERVER_CHECKS } from "./server.ts";
import { COUNT_CHECKS } from "./serving-counts.ts";
import { GANG_CHECKS } from "./serving-gang.ts";
import { NAME_CHECKS } from "./serving-names.ts";
import { ROLE_ROLLOUT_CHECKS, ROLLOUT_CHECKS } from "./serving-rollout.ts";

/** The family kthena: what Kthena's own webhooks refuse (chart 1.0.0), told before they are asked. */
export const KTHENA_RULES: readonly Rule[] = [
  ...rulesFor("ModelServing", [
    ...NAME_CHECKS,
    ...COUNT_CHECKS,
    ...ROLLOUT_CHECKS,
    ...ROLE_ROLLOUT_CHECKS,
    ...GANG_CHECKS,
    SERVING_DECODE,
  ]),
  ...rulesFor("ModelBooster", [
    ...BACKEND_CHECKS,
    ...PORT_CHECKS,
    ...CACHE_CHECKS,
    ...KV_CHECKS,
    BOOSTER_DECODE,
  ]),
  ...rulesFor("ModelServer", SERVER_CHECKS),
  ...rulesFor("ModelRoute", [...ROUTE_CHECKS, ...TARGET_CHECKS]),
];
