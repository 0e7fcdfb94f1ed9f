import type { JsonObject } from "../../../src/api/json.ts";
import type { Circumstances } from "../judging.ts";

/** An object that a rule finds fault with. */
export interface Case {
  rule: string;
  what: string;
  object: () => JsonObject;
  circumstances?: Circumstances;
}
