import type { ServiceName } from "./bundle.ts";

/** The names of a Service, the one first by which the API server calls a webhook. */
export function dnsNamesOf({ name, namespace }: ServiceName): string[] {
  return [`${name}.${namespace}.svc`, `${name}.${namespace}`, name, `${name}.${namespace}.svc.cluster.local`];
}
