import type { JsonObject } from "../../api/json.ts";
import { ASK } from "../../api/names.ts";
import type { Wanted } from "./new.ts";

/** Metadata of an object; `asks`: whether it is one that is completed. */
export function metadataOf({ name, namespace, hardware, pair }: Wanted, asks: boolean): JsonObject {
  const annotations = {
    [ASK.inject]: "true",
    ...(pair ? { [ASK.kvConnector]: "mooncake" } : {}),
    ...(hardware === undefined ? {} : { [ASK.hardware]: hardware }),
  };
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(asks ? { annotations } : {}),
  };
}
