import { BOOLEAN, INT64, list, object, type Shape, STRING, STRINGS } from "./shape.ts";

/** RFC 3339, as metav1.Time reads it. */
const TIME: Shape = {
  type: "string",
  pattern: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:\d{2})$/,
};

/** The metadata of an object (Kubernetes, apimachinery, pkg/apis/meta/v1, ObjectMeta). */
export const METADATA = object({
  annotations: STRINGS,
  creationTimestamp: TIME,
  deletionGracePeriodSeconds: INT64,
  deletionTimestamp: TIME,
  finalizers: list(STRING),
  generateName: STRING,
  generation: INT64,
  labels: STRINGS,
  managedFields: list(
    object({
      apiVersion: STRING,
      fieldsType: STRING,
      fieldsV1: { type: "any" },
      manager: STRING,
      operation: STRING,
      subresource: STRING,
      time: TIME,
    }),
  ),
  name: STRING,
  namespace: STRING,
  ownerReferences: list(
    object({
      apiVersion: STRING,
      blockOwnerDeletion: BOOLEAN,
      controller: BOOLEAN,
      kind: STRING,
      name: STRING,
      uid: STRING,
    }),
  ),
  resourceVersion: STRING,
  selfLink: STRING,
  uid: STRING,
});
