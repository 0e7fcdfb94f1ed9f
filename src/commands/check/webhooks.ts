import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import {
  accepts,
  entriesOf,
  type ServiceName,
  type WebhookConfiguration,
  type WebhookEntry,
} from "../../certs/bundle.ts";
import { type Certificate, lifeOf } from "../../certs/x509.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { about, type CheckLine, error, fine, type Reading, reinstalling, warning } from "./line.ts";

const CERTIFICATES = "deploy/README.md#install";
const BLOCKS = "deploy/README.md#when-the-webhook-blocks-something";
const DAY_MS = 24 * 60 * 60 * 1000;
const FEW_DAYS = 14;

/** The webhooks without which something is not injected, or not judged. */
const EXPECTED = {
  MutatingWebhookConfiguration: ["modelservings", "modelboosters", "modelservers", "modelroutes"].map(
    (resource) => `mutate.${resource}.kthena-ascend.io`,
  ),
  ValidatingWebhookConfiguration: ["modelservings", "modelboosters", "modelservers", "modelroutes"].map(
    (resource) => `validate.${resource}.kthena-ascend.io`,
  ),
} as const;

/** Where a serving certificate was seen. */
export interface Served {
  certificate: Certificate;
  /** What came with it. */
  intermediates: readonly Certificate[];
  /** `wire`: in a TLS handshake with the Service; `secret`: in the Secret alone. */
  seen: "wire" | "secret";
}

/** What is known of the webhooks. */
export interface WebhooksSeen {
  release: string;
  service: ServiceName;
  mutating: Reading<AnyObject | undefined>;
  validating: Reading<AnyObject | undefined>;
  served: Reading<Served>;
  /** Every other configuration of the cluster. */
  others: Reading<AnyObject[]>;
  now: number;
}

/** Checks the webhook configurations, whom they trust, and who else is called about the same objects. */
export function webhookLines(seen: WebhooksSeen): CheckLine[] {
  const { mutating, validating } = seen;
  return [
    ...configurationLines("MutatingWebhookConfiguration", mutating, seen),
    ...configurationLines("ValidatingWebhookConfiguration", validating, seen),
    ...certificateLines(seen),
    ...otherLines(seen),
  ];
}

function configurationLines(
  kind: keyof typeof EXPECTED,
  reading: Reading<AnyObject | undefined>,
  seen: WebhooksSeen,
): CheckLine[] {
  const name = `${kind} ${seen.release}`;
  return about("webhooks/configuration", name, reading, (configuration) => {
    if (!configuration)
      return [
        error(
          "webhooks/configuration",
          `${name} is not there: models are stored as they are applied`,
          reinstalling("it back"),
          BLOCKS,
        ),
      ];
    const webhooks = listOf(objectOf(configuration).webhooks).filter(isObject);
    return [
      ...entryLines(kind, name, webhooks),
      ...bundleLines(name, configuration as unknown as WebhookConfiguration, seen),
    ];
  });
}

function entryLines(kind: keyof typeof EXPECTED, name: string, webhooks: readonly JsonObject[]): CheckLine[] {
  const names = new Set(webhooks.map((webhook) => stringOf(webhook.name)));
  const missing = EXPECTED[kind].filter((entry) => !names.has(entry));
  const lines = [
    missing.length === 0
      ? fine("webhooks/configuration", `${name} has its webhooks`)
      : error("webhooks/configuration", `${name} lacks ${missing.join(", ")}`, reinstalling("them back")),
  ];
  for (const webhook of webhooks.filter((one) => EXPECTED[kind].some((entry) => entry === one.name)))
    lines.push(...oneEntryLines(webhook));
  return lines;
}

function oneEntryLines(webhook: JsonObject): CheckLine[] {
  const name = stringOf(webhook.name) ?? "";
  const lines: CheckLine[] = [];
  if (webhook.failurePolicy === "Ignore")
    lines.push(
      warning(
        "webhooks/failure-policy",
        `${name} has failurePolicy Ignore: while no replica answers, a lean manifest takes the NPUs from a running model`,
        `once all is well, ${reinstalling("Fail back", " --set webhooks.failurePolicy=Fail")}`,
        BLOCKS,
      ),
    );
  const operations = listOf(webhook.rules).flatMap((rule) => listOf(objectOf(rule).operations));
  if (!operations.includes("*") && !(operations.includes("CREATE") && operations.includes("UPDATE")))
    lines.push(
      error(
        "webhooks/rules",
        `${name} is called for ${operations.join(", ") || "nothing"}, not for CREATE and UPDATE`,
        reinstalling("its rules back"),
      ),
    );
  const timeout = webhook.timeoutSeconds;
  if (typeof timeout === "number" && timeout > 10)
    lines.push(
      warning(
        "webhooks/timeout",
        `${name} may take ${timeout} s`,
        reinstalling("5 s back", " --set webhooks.timeoutSeconds=5"),
      ),
    );
  return lines;
}

function bundleLines(name: string, configuration: WebhookConfiguration, seen: WebhooksSeen): CheckLine[] {
  const entries = entriesOf(configuration, seen.service);
  if (!seen.served.known) return [];
  const { certificate, intermediates, seen: where } = seen.served.value;
  const bad = entries.filter((entry) => entry.damaged || !accepts(entry, certificate, intermediates));
  const what = where === "wire" ? "the certificate that is served" : "the certificate in the Secret";
  if (entries.length > 0 && bad.length === 0) return [fine("webhooks/ca-bundle", `${name} trusts ${what}`)];
  const why = (entry: WebhookEntry): string =>
    entry.trusted.length === 0 ? "has no caBundle" : `does not trust ${what}`;
  if (entries.length === 0)
    return [
      error(
        "webhooks/ca-bundle",
        `${name} leads to another Service than ${seen.service.namespace}/${seen.service.name}`,
        reinstalling("the right one back"),
        CERTIFICATES,
      ),
    ];
  return [
    error(
      "webhooks/ca-bundle",
      `${name}: ${bad.map((entry) => `${entry.webhook} ${why(entry)}`).join(", ")}`,
      "restart the replicas (kubectl rollout restart): one of them publishes its CA again; with cert-manager look at its CA injector",
      CERTIFICATES,
    ),
  ];
}

function certificateLines({ served, service, now }: WebhooksSeen): CheckLine[] {
  return about("certificate/life", "the serving certificate", served, ({ certificate, seen }) => {
    const { to } = lifeOf(certificate);
    const days = Math.floor((to - now) / DAY_MS);
    const where = seen === "wire" ? "served" : "in the Secret";
    const host = `${service.name}.${service.namespace}.svc`;
    const lines = [
      days < 0
        ? error(
            "certificate/life",
            `the certificate ${where} expired ${-days} days ago`,
            hintOfLife(),
            CERTIFICATES,
          )
        : days < FEW_DAYS
          ? warning(
              "certificate/life",
              `the certificate ${where} expires in ${days} days`,
              hintOfLife(),
              CERTIFICATES,
            )
          : fine("certificate/life", `the certificate ${where} is valid for ${days} days`),
    ];
    if (certificate.x509.checkHost(host) === undefined)
      lines.push(
        error(
          "certificate/names",
          `the certificate ${where} is not for ${host}`,
          "issue one with that DNS name; managed certificates get it by a restart of the replicas",
          CERTIFICATES,
        ),
      );
    return lines;
  });
}

function hintOfLife(): string {
  return "managed certificates renew by themselves: the log of the replica that holds the Lease of certificates says why not";
}

const OUR_RESOURCES = new Set(["modelservings", "modelboosters", "modelservers", "modelroutes", "*", "*/*"]);
const OUR_GROUPS = new Set(["workload.serving.volcano.sh", "networking.serving.volcano.sh", "*"]);

function otherLines({ others, release }: WebhooksSeen): CheckLine[] {
  return about("webhooks/others", "webhook configurations", others, (all) => {
    const peers = all
      .filter(({ metadata }) => metadata.name !== release && !metadata.name.startsWith("kthena"))
      .filter(({ kind }) => kind === "MutatingWebhookConfiguration")
      .flatMap((configuration) =>
        listOf(objectOf(configuration).webhooks)
          .map(objectOf)
          .filter(concernsModels)
          .map((webhook) => `${configuration.metadata.name} (${stringOf(webhook.name) ?? "?"})`),
      );
    if (peers.length === 0) return [fine("webhooks/others", "no other webhook changes models")];
    return [
      warning(
        "webhooks/others",
        `other webhooks may change models: ${peers.join(", ")}`,
        "what they change after injection is judged again; where a model is refused with injection/incomplete, exclude models from them",
      ),
    ];
  });
}

function concernsModels(webhook: JsonObject): boolean {
  return listOf(webhook.rules)
    .map(objectOf)
    .some(
      (rule) =>
        listOf(rule.apiGroups).some((group) => typeof group === "string" && OUR_GROUPS.has(group)) &&
        listOf(rule.resources).some(
          (resource) => typeof resource === "string" && OUR_RESOURCES.has(resource),
        ),
    );
}
