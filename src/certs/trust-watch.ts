import type { KubeClient } from "../kube/client.ts";
import { Informer, type InformerState } from "../kube/informer.ts";
import type { Surroundings } from "../kube/surroundings.ts";
import { accepts, entriesOf, type ServiceName, type WebhookConfiguration } from "./bundle.ts";
import type { WebhookConfigurationRef } from "./publish.ts";
import type { Certificate } from "./x509.ts";

/** Whether the published bundles trust a serving certificate. */
export type TrustVerdict = { trusted: true } | { trusted: false; why: string };

/**
 * Watches the webhook configurations of an installation, in every mode: whoever writes the bundle, a replica is Ready
 * only while it serves what that bundle trusts.
 */
export class TrustWatch {
  readonly #service: ServiceName;
  readonly #watched: { target: WebhookConfigurationRef; informer: Informer<WebhookConfiguration> }[];

  constructor(
    client: KubeClient,
    options: { service: ServiceName; targets: readonly WebhookConfigurationRef[] },
    surroundings: Surroundings,
  ) {
    this.#service = options.service;
    this.#watched = options.targets.map((target) => ({
      target,
      informer: new Informer<WebhookConfiguration>(
        client,
        {
          resource: target.resource,
          fieldSelector: `metadata.name=${target.name}`,
          transform: onlyClientConfigs,
        },
        surroundings,
      ),
    }));
  }

  get synced(): boolean {
    return this.#watched.every(({ informer }) => informer.synced);
  }

  /** How each informer is doing, by kind. */
  get states(): Record<string, InformerState> {
    return Object.fromEntries(
      this.#watched.map(({ target, informer }) => [target.resource.plural, informer.state]),
    );
  }

  /** Calls back after each change. */
  onChange(changed: () => void): void {
    for (const { informer } of this.#watched) informer.onChange(changed);
  }

  start(): void {
    for (const { informer } of this.#watched) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watched.map(({ informer }) => informer.stop()));
  }

  /** Whether every configuration that exists trusts a serving certificate, sent with these intermediates. */
  verdict(leaf: Certificate, intermediates: readonly Certificate[] = []): TrustVerdict {
    if (!this.synced) return { trusted: false, why: "the webhook configurations have not been read yet" };
    for (const { target, informer } of this.#watched) {
      const configuration = informer.store.get(target.name);
      if (!configuration) continue;
      const distrusting = entriesOf(configuration, this.#service).find(
        (entry) => !accepts(entry, leaf, intermediates),
      );
      if (distrusting) {
        const why = `${target.resource.kind} ${target.name} (${distrusting.webhook}) does not trust the serving certificate`;
        return { trusted: false, why };
      }
    }
    return { trusted: true };
  }
}

/** Rules and selectors are not looked at. */
function onlyClientConfigs({ metadata, webhooks = [] }: WebhookConfiguration): WebhookConfiguration {
  const { name, resourceVersion, uid } = metadata;
  return {
    metadata: { name, ...(resourceVersion ? { resourceVersion } : {}), ...(uid ? { uid } : {}) },
    webhooks: webhooks.map(({ name, clientConfig }) => ({ name, clientConfig })),
  };
}
