import type { Json } from "../api/json.ts";
import type { KubeObject, ObjectMeta } from "../kube/resource.ts";

/** A ConfigMap. */
export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  [field: string]: Json | ObjectMeta | Record<string, string> | undefined;
}
