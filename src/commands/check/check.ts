import { setTimeout as sleep } from "node:timers/promises";
import { objectOf } from "../../api/json.ts";
import { configMapProblemText } from "../../cluster/defaults-in-force.ts";
import { resolveDefaults } from "../../defaults/resolve.ts";
import type { Settings } from "../../defaults/settings.ts";
import { type ClusterAccess, type Connected, withCluster } from "../cluster/connect.ts";
import { ASK_FOR_RIGHT, readClusterDefaults } from "../cluster/defaults.ts";
import {
  type InstallationWish,
  type Installed,
  readInstallation,
  webhooksOf,
} from "../cluster/installation.ts";
import { type ColorChoice, type Console, EXIT, UnreadableError, UsageError } from "../console.ts";
import { jsonText } from "../terminal.ts";
import { readModels, readNodes, readPlatform, readReplicas, readWebhooks } from "./gather.ts";
import type { CheckLine } from "./line.ts";
import { modelLines, selectorMatches } from "./models.ts";
import { type ExpectedNodes, nodeLines } from "./nodes.ts";
import { platformLines } from "./platform.ts";
import { type ReplicasSeen, replicaLines } from "./replicas.ts";
import { checkReport, levelCounts, textLines } from "./report.ts";
import { installRights, neededRights, rightsLines } from "./rights.ts";
import { suggestedDefaults } from "./suggest.ts";
import { skewOf, trialLines, tryModels } from "./trial.ts";
import { webhookLines } from "./webhooks.ts";

/** What `check` is to do. */
export interface CheckOptions extends ClusterAccess, InstallationWish {
  /** Before an installation: only what it needs. */
  pre: boolean;
  /** Print the defaults document that fits the nodes, and nothing else. */
  suggest: boolean;
  /** Try again for so many seconds while there are errors. */
  waitSeconds: number;
  /** Where the trial models are created as a dry run. */
  trialNamespace: string;
  output: "text" | "json" | "short";
  color: ColorChoice;
}

const PAUSE_MS = 2_000;

/**
 * Looks at an installation, or at a cluster before one: the exit code, 1 where something is an error.
 * @throws UsageError where the cluster does not answer
 */
export function check(options: CheckOptions, console: Console, now: () => number): Promise<number> {
  return withCluster(options, async (connected) => {
    if (options.suggest) return suggest(connected, console);
    const end = now() + options.waitSeconds * 1000;
    let lines = await linesOf(connected, options, now());
    while (levelCounts(lines).error > 0 && now() + PAUSE_MS < end) {
      await sleep(PAUSE_MS);
      lines = await linesOf(connected, options, now());
    }
    if (options.output === "json") console.out(jsonText(checkReport(lines)));
    else console.print(textLines(lines, console.paint(options.color), options.output === "short"));
    return levelCounts(lines).error > 0 ? EXIT.refused : EXIT.ok;
  });
}

async function suggest({ client }: Connected, console: Console): Promise<number> {
  const nodes = await readNodes(client);
  if (!nodes.known) throw new UsageError(`nodes cannot be read: ${nodes.why}`);
  const text = suggestedDefaults(nodes.value);
  if (text === undefined)
    throw new UsageError("no node publishes an NPU: install the device plugin of your platform first");
  console.out(text);
  return EXIT.ok;
}

async function linesOf(connected: Connected, options: CheckOptions, now: number): Promise<CheckLine[]> {
  const { client, serverVersion } = connected;
  if (options.pre) {
    const namespace = options.releaseNamespace ?? "kthena-ascend-system";
    return [
      ...platformLines(await readPlatform(client, serverVersion, undefined)),
      ...nodeLines(await readNodes(client), undefined),
      ...(await rightsLines(client, "rights/install", installRights(namespace))),
    ];
  }
  const installed = await readInstallation(client, options);
  const defaults = await readDefaults(connected, installed);
  return [
    ...platformLines(await readPlatform(client, serverVersion, defaults.settings)),
    ...nodeLines(await readNodes(client), defaults.settings && expectedNodes(defaults.settings)),
    ...(await installationLines(connected, options, installed, defaults, now)),
  ];
}

async function installationLines(
  { client }: Connected,
  { trialNamespace }: CheckOptions,
  installed: Installed,
  defaults: DefaultsSeen,
  now: number,
): Promise<CheckLine[]> {
  const trial = await tryModels(client, trialNamespace);
  const seen = { defaults: defaults.seen, skewMs: skewOf(trial, now), now };
  const replicas = await readReplicas(client, installed, seen);
  const models = await readModels(client);
  const [webhook] = webhooksOf(installed.mutating);
  const selected = (labels: Readonly<Record<string, string>>): boolean =>
    webhook === undefined || selectorMatches(webhook.namespaceSelector, labels);
  return [
    ...replicaLines(replicas),
    ...webhookLines(await readWebhooks(client, installed, now + (seen.skewMs ?? 0))),
    ...trialLines(trial, defaults.audit),
    ...(await accountLines(client, installed, replicas)),
    ...modelLines({ ...models, selected }),
  ];
}

function accountLines(
  client: Connected["client"],
  { release, namespace }: Installed,
  { leases }: ReplicasSeen,
): Promise<CheckLine[]> {
  const names = leases.known ? leases.value.map(({ metadata }) => metadata.name) : [];
  const rights = neededRights(
    release,
    namespace,
    names.includes(`${release}-certs`),
    names.includes(`${release}-reconciler`),
  );
  return rightsLines(client, "rights/account", rights, `system:serviceaccount:${namespace}:${release}`);
}

interface DefaultsSeen {
  seen: ReplicasSeen["defaults"];
  settings: Settings | undefined;
  audit: boolean;
}

async function readDefaults(
  { client, serverVersion }: Connected,
  installed: Installed,
): Promise<DefaultsSeen> {
  try {
    const { layers, problems, lastGood } = await readClusterDefaults(client, installed, ASK_FOR_RIGHT);
    const { settings } = resolveDefaults(layers, undefined, serverVersion);
    const value = { problems: problems.map(configMapProblemText), lastGood };
    return { seen: { known: true, value }, settings, audit: objectOf(settings).mode === "audit" };
  } catch (error) {
    if (error instanceof UnreadableError)
      return { seen: { known: false, why: error.message }, settings: undefined, audit: false };
    if (!(error instanceof UsageError)) throw error;
    const problems = error.message.split("\n");
    return { seen: { known: true, value: { problems, lastGood: false } }, settings: undefined, audit: false };
  }
}

function expectedNodes({ npu, hardware, hardwareFacts }: Settings): ExpectedNodes {
  return { resourceName: npu.resourceName, hardware, perNode: hardwareFacts[hardware].perNode };
}
