import type { KubeClient } from "../kube/client.ts";
import { isNotFound, type Result } from "../kube/failure.ts";
import { MUTATING_WEBHOOKS, type Resource, VALIDATING_WEBHOOKS } from "../kube/resource.ts";
import { bundlePatch, type ServiceName, type WebhookConfiguration } from "./bundle.ts";
import type { Certificate } from "./x509.ts";

/** One of the two configurations that carry our bundle. */
export interface WebhookConfigurationRef {
  resource: Resource;
  name: string;
}

/** A configuration that exists, as it was read. */
export interface ReadTarget {
  target: WebhookConfigurationRef;
  configuration: WebhookConfiguration;
}

/** The configurations of an installation. */
export function webhookConfigurationRefs(names: {
  mutating: string;
  validating: string;
}): WebhookConfigurationRef[] {
  return [
    { resource: MUTATING_WEBHOOKS, name: names.mutating },
    { resource: VALIDATING_WEBHOOKS, name: names.validating },
  ];
}

/** Reads the configurations from the server. One that is not there is left out: that is no failure. */
export async function readTargets(
  client: KubeClient,
  targets: readonly WebhookConfigurationRef[],
): Promise<Result<ReadTarget[]>> {
  const found: ReadTarget[] = [];
  for (const target of targets) {
    const read = await client.get<WebhookConfiguration>(target.resource, { name: target.name });
    if (read.ok) found.push({ target, configuration: read.value });
    else if (!isNotFound(read.failure)) return read;
  }
  return { ok: true, value: found };
}

/**
 * Makes our webhooks in the configurations trust these CAs, and with `keep` what they trust already as well.
 * Gives the names of the configurations that were changed.
 */
export async function publishBundle(
  client: KubeClient,
  read: readonly ReadTarget[],
  service: ServiceName,
  { trust, keep }: { trust: readonly Certificate[]; keep: boolean },
): Promise<Result<string[]>> {
  const changed: string[] = [];
  for (const { target, configuration } of read) {
    const operations = bundlePatch(configuration, service, ({ trusted }) =>
      keep ? [...trust, ...trusted] : trust,
    );
    if (operations.length === 0) continue;
    const patched = await client.patch(target.resource, { name: target.name }, { type: "json", operations });
    if (patched.ok) changed.push(target.name);
    else if (!isNotFound(patched.failure)) return patched;
  }
  return { ok: true, value: changed };
}
