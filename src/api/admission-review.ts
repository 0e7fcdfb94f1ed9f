import { z } from "zod";
import type { Json, JsonObject } from "./json.ts";

/** Group, version and kind of what a review is about. */
export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** `request` of an AdmissionReview v1, with the parts that this software reads. */
export interface AdmissionRequest {
  uid: string;
  kind: GroupVersionKind;
  operation: string;
  name?: string | undefined;
  namespace?: string | undefined;
  subResource?: string | undefined;
  dryRun?: boolean | undefined;
  object?: JsonObject | null | undefined;
  oldObject?: JsonObject | null | undefined;
}

/** One cause of a refusal, as kubectl prints it: `* field: message`. */
export interface StatusCause {
  field: string;
  reason: string;
  message: string;
}

/** metav1.Status, as far as a refusal needs it. */
export interface Status {
  code: number;
  reason?: string;
  message: string;
  details?: { group: string; kind: string; name: string; causes: StatusCause[] };
}

/** `response` of an AdmissionReview v1. */
export interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  status?: Status;
  patchType?: "JSONPatch";
  /** base64 of a JSON Patch. */
  patch?: string;
  warnings?: string[];
  auditAnnotations?: Record<string, string>;
}

/** One operation of a JSON Patch (RFC 6902) that is built here. */
export type Operation = { op: "add" | "replace"; path: string; value: Json } | { op: "remove"; path: string };

/** The whole answer. */
export interface AdmissionReviewAnswer {
  apiVersion: "admission.k8s.io/v1";
  kind: "AdmissionReview";
  response: AdmissionResponse;
}

/** The envelope of a review. Loose: unknown fields pass, `object` is not looked into. */
export const admissionReviewSchema = z.looseObject({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.looseObject({
    uid: z.string().min(1),
    kind: z.looseObject({ group: z.string(), version: z.string(), kind: z.string() }),
    operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
    name: z.string().optional(),
    namespace: z.string().optional(),
    subResource: z.string().optional(),
    dryRun: z.boolean().optional(),
    object: z.record(z.string(), z.unknown()).nullish(),
    oldObject: z.record(z.string(), z.unknown()).nullish(),
  }),
});

/** Puts a response into the envelope that the API server expects. */
export function answer(response: AdmissionResponse): AdmissionReviewAnswer {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}
