import type { Place } from "../kube/resource.ts";
import type { ServiceName } from "./bundle.ts";
import { type WebhookConfigurationRef, webhookConfigurationRefs } from "./publish.ts";

/** The objects that belong to the certificates of one installation. */
export interface Installation {
  service: ServiceName;
  secret: Place;
  lease: Place;
  targets: WebhookConfigurationRef[];
}

/** Names that differ from what the chart makes of the release's name. */
export interface InstallationNames {
  service?: string | undefined;
  secret?: string | undefined;
  lease?: string | undefined;
  mutating?: string | undefined;
  validating?: string | undefined;
}

/** Names everything after the release, as the chart does. */
export function installationOf(
  release: string,
  namespace: string,
  names: InstallationNames = {},
): Installation {
  return {
    service: { name: names.service ?? release, namespace },
    secret: { name: names.secret ?? `${release}-tls`, namespace },
    lease: { name: names.lease ?? `${release}-certs`, namespace },
    targets: webhookConfigurationRefs({
      mutating: names.mutating ?? release,
      validating: names.validating ?? release,
    }),
  };
}
