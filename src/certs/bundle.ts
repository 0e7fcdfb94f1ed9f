import type { Operation } from "../api/admission-review.ts";
import type { KubeObject } from "../kube/resource.ts";
import { type Certificate, fingerprint, readBundle, signedBy } from "./x509.ts";

/** A Mutating- or ValidatingWebhookConfiguration, as far as it is read here. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: {
    name: string;
    clientConfig: {
      caBundle?: string;
      url?: string;
      service?: { name: string; namespace: string; path?: string; port?: number };
    };
  }[];
}

/** The Service that leads to this software: entries that name another one are not ours. */
export interface ServiceName {
  name: string;
  namespace: string;
}

/** What one webhook entry of ours trusts. */
export interface WebhookEntry {
  webhook: string;
  /** Place in the list. */
  index: number;
  trusted: Certificate[];
  /** There is something in its bundle that cannot be read. */
  damaged: boolean;
}

/** Reads what our entries of a configuration trust. */
export function entriesOf(configuration: WebhookConfiguration, service: ServiceName): WebhookEntry[] {
  const entries: WebhookEntry[] = [];
  for (const [index, { name, clientConfig }] of (configuration.webhooks ?? []).entries()) {
    if (clientConfig.service?.name !== service.name || clientConfig.service.namespace !== service.namespace)
      continue;
    const bundle = readBundle(Buffer.from(clientConfig.caBundle ?? "", "base64").toString("utf8"));
    entries.push({ webhook: name, index, trusted: bundle.certificates, damaged: bundle.damaged });
  }
  return entries;
}

/** Whether an entry trusts all of these CAs, and can be read. */
export function trustsAll(entry: WebhookEntry, cas: readonly Certificate[]): boolean {
  const known = new Set(entry.trusted.map(fingerprint));
  return !entry.damaged && cas.every((ca) => known.has(fingerprint(ca)));
}

/** Whether an entry trusts nothing but these CAs. */
export function trustsOnly(entry: WebhookEntry, cas: readonly Certificate[]): boolean {
  const wanted = new Set(cas.map(fingerprint));
  return entry.trusted.every((ca) => wanted.has(fingerprint(ca)));
}

/** Whether a client with this entry's bundle accepts a certificate that comes with these intermediates. */
export function accepts(
  entry: WebhookEntry,
  certificate: Certificate,
  intermediates: readonly Certificate[] = [],
): boolean {
  if (entry.trusted.some((ca) => signedBy(certificate, ca))) return true;
  return intermediates.some((one, index) => {
    const others = intermediates.filter((_other, place) => place !== index);
    return signedBy(certificate, one) && accepts(entry, one, others);
  });
}

/** The PEM text of a bundle, without repetitions. */
export function bundleText(cas: readonly Certificate[]): string {
  return [...new Map(cas.map((ca) => [fingerprint(ca), ca.pem])).values()].join("");
}

/**
 * The JSON Patch that puts `wanted(entry)` into our entries, and touches nothing else. Empty where nothing is to be
 * done. The server refuses it with Conflict when somebody wrote after the configuration was read.
 */
export function bundlePatch(
  configuration: WebhookConfiguration,
  service: ServiceName,
  wanted: (entry: WebhookEntry) => readonly Certificate[],
): Operation[] {
  const operations: Operation[] = [];
  for (const entry of entriesOf(configuration, service)) {
    const value = Buffer.from(bundleText(wanted(entry))).toString("base64");
    if (value === configuration.webhooks?.[entry.index]?.clientConfig.caBundle) continue;
    operations.push({ op: "add", path: `/webhooks/${entry.index}/clientConfig/caBundle`, value });
  }
  if (operations.length === 0) return [];
  const version = configuration.metadata.resourceVersion ?? "";
  return [{ op: "replace", path: "/metadata/resourceVersion", value: version }, ...operations];
}
