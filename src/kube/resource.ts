import type { Json, JsonObject } from "../api/json.ts";

/** A kind of object as the REST API addresses it. */
export interface Resource {
  /** Empty for the core group. */
  group: string;
  version: string;
  /** Plural, in lower case, as it stands in the path. */
  plural: string;
  kind: string;
  namespaced: boolean;
}

/** metav1.ObjectMeta, with the fields that this software reads. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
}

/** Any object of the API. Items of a list carry no apiVersion and kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** An object whose contents are looked at as plain JSON. */
export interface AnyObject extends KubeObject {
  spec?: JsonObject;
  status?: JsonObject;
  [field: string]: Json | ObjectMeta | undefined;
}

/** Where one object is. */
export interface Place {
  name: string;
  /** Left out for what has no namespace. */
  namespace?: string;
}

export const SECRETS = core("secrets", "Secret");
export const CONFIG_MAPS = core("configmaps", "ConfigMap");
export const PODS = core("pods", "Pod");
export const NAMESPACES: Resource = { ...core("namespaces", "Namespace"), namespaced: false };
export const NODES: Resource = { ...core("nodes", "Node"), namespaced: false };
export const LEASES = grouped("coordination.k8s.io", "v1", "leases", "Lease");
export const EVENTS = grouped("events.k8s.io", "v1", "events", "Event");
export const MUTATING_WEBHOOKS: Resource = {
  ...grouped(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
  ),
  namespaced: false,
};
export const VALIDATING_WEBHOOKS: Resource = {
  ...grouped(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
  ),
  namespaced: false,
};

/** A namespaced kind of a named group. */
export function grouped(group: string, version: string, plural: string, kind: string): Resource {
  return { group, version, plural, kind, namespaced: true };
}

/** `apiVersion` as it stands in an object. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** Of a name; those of namespaces and most kinds are shorter (apimachinery, DNS1123SubdomainMaxLength). */
const LONGEST_NAME = 253;
/** Kubernetes' own are UUIDs of 36 characters. */
const LONGEST_UID = 128;

/**
 * Whether an object can be there at all (apimachinery, api/validation/path IsValidPathSegmentName). A name that is none
 * comes out of objects that nobody has validated yet; as a path an empty one would ask for the whole collection.
 */
export function canExist({ name, namespace }: Place, uid = ""): boolean {
  return [name, ...(namespace === undefined ? [] : [namespace])].every(isName) && uid.length <= LONGEST_UID;
}

/** Half of a character cannot be part of a path either. */
const SEGMENT = /^(?!\.{1,2}$)[^/%\p{Surrogate}]+$/u;

function isName(name: string): boolean {
  return name.length <= LONGEST_NAME && SEGMENT.test(name);
}

/** Path of a collection (no name) or of one object, with a sub-resource or without. */
export function pathOf(resource: Resource, place: Partial<Place>, subresource?: string): string {
  const root = resource.group === "" ? "/api" : `/apis/${resource.group}`;
  const parts = [root, resource.version];
  if (resource.namespaced && place.namespace) {
    parts.push("namespaces", encodeURIComponent(place.namespace));
  }
  parts.push(resource.plural);
  if (place.name !== undefined) parts.push(encodeURIComponent(place.name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join("/");
}

/** `namespace/name`, or the name alone where there is no namespace. */
export function keyOf(object: { metadata: { name: string; namespace?: string } } | Place): string {
  const { namespace, name } = "metadata" in object ? object.metadata : object;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

function core(plural: string, kind: string): Resource {
  return { group: "", version: "v1", plural, kind, namespaced: true };
}
