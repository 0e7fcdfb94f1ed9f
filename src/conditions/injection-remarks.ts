import { ASK } from "../api/names.ts";
import { asksForInjection } from "../defaults/asks.ts";
import { isOlder } from "../defaults/pinned.ts";
import type { ResolvedDefaults } from "../defaults/settings.ts";
import { shapeOf, type WorkloadKind } from "../kinds/index.ts";
import { stayingPodsOf } from "./causes.ts";
import type { BoosterFact, PodFact, ServingFact } from "./facts.ts";
import type { OversightRemark, Surrounding } from "./oversight.ts";
import type { Unanswered } from "./unanswered.ts";

const REFRESH = `set the annotation ${ASK.refresh} to a new value on it, which restarts its pods`;

/** What is to be said of the injection of a ModelServing. In audit mode reviews say it. */
export function injectionRemarks(around: Surrounding): OversightRemark[] {
  const { serving, pods, ownerOptedOut, settingsToday } = around;
  const own = stayingPodsOf({ pods }, serving);
  const audited = settingsToday?.settings.mode === "audit";
  const bare = audited || serving.optedOut || ownerOptedOut ? [] : bareRemark(serving, own);
  const remarks = audited ? [] : [...skippedRemark(around, own, bare.length > 0), ...bare];
  const out = serving.optedOut || ownerOptedOut;
  if (!out && settingsToday !== undefined && isOlder(serving.settings, settingsToday)) {
    const note = `ModelServing ${serving.namespace}/${serving.name} was admitted with other defaults than today's and keeps them; to take today's, ${REFRESH}`;
    remarks.push({ reason: "OlderDefaults", type: "Normal", note });
  }
  return remarks;
}

/** What is to be said of a ModelBooster: nothing where its ModelServings were completed all the same. */
export function boosterRemarks(
  booster: BoosterFact,
  servings: readonly ServingFact[],
  settingsToday: ResolvedDefaults | undefined,
): OversightRemark[] {
  if (booster.deleting || settingsToday?.settings.mode === "audit") return [];
  const unanswered = booster.unanswered ?? (namespaceAsks(settingsToday) ? booster.ifAsked : undefined);
  if (unanswered === undefined) return [];
  const complete = servings.length > 0 && servings.every(({ injected }) => injected);
  if (unanswered.skip === "" && complete) return [];
  return [skipped("ModelBooster", booster, unanswered)];
}

function bareRemark(serving: ServingFact, pods: readonly PodFact[]): OversightRemark[] {
  const out = optedOutRoles(serving);
  const bare = pods.filter((pod) => pod.npus !== undefined && !pod.injected && !out.has(pod.role));
  if (bare.length === 0) return [];
  const name = `ModelServing ${serving.namespace}/${serving.name}`;
  const pod = bare.map((one) => one.name).sort()[0];
  const note = `${bare.length} pods with NPUs, such as ${pod}, were admitted without injection: before the installation, or while the webhook was away. ${serving.injected ? "Delete them when the model may restart; Kthena makes them again, complete" : `To complete ${name}, ${REFRESH}`}`;
  return [{ reason: "AdmittedWithoutInjection", type: "Warning", note }];
}

/** `told`: its pods are told as bare already. */
function skippedRemark(
  { serving, ownerOptedOut, ownerAsks, settingsToday }: Surrounding,
  pods: readonly PodFact[],
  told: boolean,
): OversightRemark[] {
  const outside = ownerAsks || namespaceAsks(settingsToday);
  const unanswered = serving.unanswered ?? (outside ? serving.ifAsked : undefined);
  if (unanswered === undefined || ownerOptedOut) return [];
  if (unanswered.skip === "") {
    const out = optedOutRoles(serving);
    const counted = pods.filter(({ role }) => !out.has(role));
    // The pods' own webhook completes what nobody has completed in the template.
    if (told || (counted.length > 0 && counted.every(({ injected }) => injected))) return [];
  }
  return [skipped("ModelServing", serving, unanswered)];
}

function optedOutRoles({ roles }: ServingFact): Set<string> {
  return new Set(roles.filter(({ optedOut }) => optedOut).map(({ name }) => name));
}

function namespaceAsks(settingsToday: ResolvedDefaults | undefined): boolean {
  return asksForInjection(settingsToday?.settings.asks);
}

function skipped(
  kind: WorkloadKind,
  { namespace, name }: ServingFact | BoosterFact,
  unanswered: Unanswered,
): OversightRemark {
  const { by, unit } = unanswered;
  const object = `${kind} ${namespace}/${name}`;
  const part = shapeOf(kind).units.called;
  const asking = `${unit === "" ? "" : `${part} ${unit} of `}${object} ${by === "" ? "names NPUs" : `asks by ${by}`}`;
  const note = `${asking}, but nothing was injected: ${whyAndFix(unanswered, part)}`;
  return { reason: "InjectionSkipped", type: "Warning", note };
}

function whyAndFix({ by, skip, because }: Unanswered, part: "role" | "worker"): string {
  const wish = by === "" ? "the NPUs" : by;
  switch (skip) {
    case "":
      return `it was stored before the installation, while the webhook was away, or where the webhook is not asked (kthena-ascend explain tells which). Where it is asked, ${REFRESH}`;
    case "no-npu":
      return `it names no NPUs; set ${ASK.inject}: "true" too, or remove ${wish}`;
    case "other-vendor":
      return `it asks for another vendor's accelerator; remove that resource, or ${wish}`;
    case "no-units":
      return `its ${part}s cannot be told apart; give each a name of its own`;
    default:
      return `${because || "what it starts is no engine"}; annotate the template of the ${part} that has the engine, or set ${ASK.inject}: "false"`;
  }
}
