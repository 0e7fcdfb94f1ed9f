import { z } from "zod";
import { isObject, type Json, type JsonObject, objectOf, stringOf } from "./json.ts";

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
  /** CreateOptions, UpdateOptions or PatchOptions of the call. */
  options?: JsonObject | null | undefined;
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

/** The versions of AdmissionReview that are answered. */
export const SERVED_VERSIONS: readonly string[] = ["admission.k8s.io/v1"];

const someObject = z.custom<JsonObject>(isObject, "expected an object or null").nullish();

/**
 * The envelope of a review; `object` is not looked into. Only ever used to check: what it gives back is
 * dropped, so it may leave unknown fields out, which makes the compiled form ten times as fast as a loose one.
 */
const envelope = z.compile(
  z.object({
    apiVersion: z.literal("admission.k8s.io/v1"),
    kind: z.literal("AdmissionReview"),
    request: z.object({
      uid: z.string().min(1),
      kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
      operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
      name: z.string().optional(),
      namespace: z.string().optional(),
      subResource: z.string().optional(),
      dryRun: z.boolean().optional(),
      object: someObject,
      oldObject: someObject,
    }),
  }),
);

/** A body that was read: the request in it, or what keeps it from being one. */
export type ReviewReading = { ok: true; request: AdmissionRequest } | { ok: false; problem: string };

/**
 * Finds the request in a parsed body. Gives the request object itself, not a copy, or a text that names every
 * field that is wrong. Never throws.
 */
export function readAdmissionReview(body: unknown): ReviewReading {
  const checked = envelope.safeParse(body);
  if (checked.success) return { ok: true, request: (body as { request: AdmissionRequest }).request };
  const otherVersion = unservedVersion(body);
  if (otherVersion !== undefined) return { ok: false, problem: otherVersion };
  const fields = checked.error.issues.map(
    ({ path, message }) => `${path.join(".") || "the body"}: ${message}`,
  );
  return { ok: false, problem: `the body is no AdmissionReview: ${fields.join("; ")}` };
}

/** What to say of a review whose only fault may be its version; undefined where the body is something else. */
function unservedVersion(body: unknown): string | undefined {
  const { apiVersion, kind, request } = objectOf(body);
  if (kind !== "AdmissionReview" || typeof apiVersion !== "string") return undefined;
  if (SERVED_VERSIONS.includes(apiVersion)) return undefined;
  const uid = stringOf(objectOf(request).uid);
  const which = uid === undefined ? "" : ` (uid ${uid.slice(0, 64)})`;
  const served = SERVED_VERSIONS.join(", ");
  return `apiVersion: AdmissionReview ${apiVersion.slice(0, 64)} is not served${which}; served: ${served}`;
}

/** Puts a response into the envelope that the API server expects. */
export function answer(response: AdmissionResponse): AdmissionReviewAnswer {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

/** The same as JSON text. */
export function answerText({ patch, ...response }: AdmissionResponse): string {
  const text = JSON.stringify(answer(response));
  if (patch === undefined) return text;
  // Base64 has nothing to escape; looking for it would take longer than all the rest.
  const open = text.slice(0, -"}}".length);
  return `${open},"patch":"${patch}"}}`;
}
