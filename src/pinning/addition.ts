import type { Json } from "../api/json.ts";
import type { KeyedPath } from "./path.ts";

/** One thing that an injector wants to be there. */
export interface Addition {
  /** Relative to the unit (role, worker, pod) or, for object-level additions, to the object. */
  path: KeyedPath;
  value: Json;
  /** Id of the injector. */
  injector: string;
  /** Why it is there, for people. */
  reason: string;
  /** Where the value came from: a default with its document, an annotation, the arguments, another field. */
  source: string;
  /** The path as text and the hash of the value, where they have been computed already. */
  key?: string;
  hash?: string;
  /** Put at the head of its list instead of its end. */
  first?: boolean;
  /** Cannot be taken away once it is stored: the CRD requires it or declares it immutable. */
  sticky?: boolean;
}
