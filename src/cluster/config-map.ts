import type { Json } from "../api/json.ts";
import { DEFAULTS_KEY } from "../api/names.ts";
import type { KubeObject, ObjectMeta } from "../kube/resource.ts";

/** A ConfigMap. */
export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  [field: string]: Json | ObjectMeta | Record<string, string> | undefined;
}

/** What is longer is refused unread, so no more of it is kept than shows that. */
const MOST_TEXT = 128 * 1024;
const MOST_KEYS = 10;

/** A defaults ConfigMap as it is read: its document, and of other keys that they are there. */
export function onlyDocument({ metadata, data = {}, binaryData }: ConfigMap): ConfigMap {
  const { name, namespace, uid, resourceVersion } = metadata;
  const kept = [...Object.keys(data), ...Object.keys(binaryData ?? {})]
    .filter((key) => key !== DEFAULTS_KEY)
    .slice(0, MOST_KEYS)
    .map((key) => [key, ""]);
  const text = Object.hasOwn(data, DEFAULTS_KEY)
    ? [[DEFAULTS_KEY, data[DEFAULTS_KEY]?.slice(0, MOST_TEXT)]]
    : [];
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    data: Object.fromEntries([...text, ...kept]),
  };
}
