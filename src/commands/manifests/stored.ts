import { type JsonObject, objectOf } from "../../api/json.ts";
import { LAST_APPLIED } from "../review/applied.ts";

/** Fields of metadata that only the API server writes. */
const WRITTEN = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "selfLink",
]);

/** A stored object as a manifest: without what the API server, kubectl apply and controllers wrote beside it. */
export function asWritten(object: JsonObject): JsonObject {
  const { status: _status, metadata, ...rest } = object;
  const { annotations, ...others } = objectOf(metadata);
  const kept = Object.entries(others).filter(([key]) => !WRITTEN.has(key));
  const notes = Object.entries(objectOf(annotations)).filter(([key]) => key !== LAST_APPLIED);
  const { apiVersion, kind, ...fields } = rest;
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata: {
      ...Object.fromEntries(kept),
      ...(notes.length > 0 ? { annotations: Object.fromEntries(notes) } : {}),
    },
    ...fields,
  };
}
