import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/failure.ts";
import {
  type AnyObject,
  grouped,
  MUTATING_WEBHOOKS,
  type Resource,
  VALIDATING_WEBHOOKS,
} from "../../kube/resource.ts";

const DEPLOYMENTS: Resource = grouped("apps", "v1", "deployments", "Deployment");

/** Which installation is meant: by its release, and where it is if that is known. */
export interface InstallationWish {
  release: string;
  releaseNamespace?: string | undefined;
}

/** An installation of this software in a cluster, as far as it may be read. */
export interface Installed {
  release: string;
  namespace: string;
  /** Whether namespaces may have defaults documents. */
  namespacedDefaults: boolean;
  /** Its version, by the label of the Deployment or of a webhook configuration; undefined where that may not be read. */
  version: string | undefined;
  /** The webhook configurations by what they are for; undefined where they may not be read or are not there. */
  mutating: AnyObject | undefined;
  validating: AnyObject | undefined;
  /** Whether the mutating webhook configuration is there, as far as that may be known. */
  configured: "there" | "absent" | "unknown";
}

/** Where the chart is installed unless somebody says otherwise. */
export const STANDARD_NAMESPACE = "kthena-ascend-system";

/** Looks for the installation. What may not be read is taken as the chart's own values have it. */
export async function readInstallation(
  client: KubeClient,
  { release, releaseNamespace }: InstallationWish,
): Promise<Installed> {
  let configured: Installed["configured"] = "unknown";
  const get = async (resource: Resource, namespace?: string): Promise<AnyObject | undefined> => {
    const place = namespace === undefined ? { name: release } : { name: release, namespace };
    const read = await client.get<AnyObject>(resource, place);
    if (resource === MUTATING_WEBHOOKS)
      configured = read.ok ? "there" : isNotFound(read.failure) ? "absent" : "unknown";
    return read.ok ? read.value : undefined;
  };
  const [mutating, validating] = await Promise.all([get(MUTATING_WEBHOOKS), get(VALIDATING_WEBHOOKS)]);
  const namespace =
    releaseNamespace ?? serviceNamespace(mutating) ?? serviceNamespace(validating) ?? STANDARD_NAMESPACE;
  const deployment = await get(DEPLOYMENTS, namespace);
  const labels = [deployment, mutating, validating].map((object) => object?.metadata.labels);
  return {
    release,
    namespace,
    namespacedDefaults: !argumentsOf(deployment).includes("--namespaced-defaults=false"),
    version: labels.flatMap((map) => map?.["app.kubernetes.io/version"] ?? [])[0],
    mutating,
    validating,
    configured,
  };
}

function serviceNamespace(configuration: AnyObject | undefined): string | undefined {
  const services = webhooksOf(configuration).map(({ clientConfig }) =>
    stringOf(objectOf(objectOf(clientConfig).service).namespace),
  );
  return services.find((namespace) => namespace !== undefined);
}

/** The webhooks of a configuration. */
export function webhooksOf(configuration: AnyObject | undefined): JsonObject[] {
  return listOf(objectOf(configuration).webhooks).filter(isObject);
}

function argumentsOf(deployment: AnyObject | undefined): string[] {
  const template = objectOf(objectOf(deployment?.spec).template);
  return listOf(objectOf(template.spec).containers).flatMap((container) =>
    listOf(objectOf(container).args).filter((text): text is string => typeof text === "string"),
  );
}
