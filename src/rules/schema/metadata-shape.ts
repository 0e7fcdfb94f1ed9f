import { BOOLEAN, INT64, list, object, STRING, STRINGS } from "./shape.ts";

/** The metadata of an object (Kubernetes, apimachinery, pkg/apis/meta/v1, ObjectMeta). */
export const METADATA = object({
  annotations: STRINGS,
  creationTimestamp: STRING,
  deletionGracePeriodSeconds: INT64,
  deletionTimestamp: STRING,
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
      time: STRING,
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
