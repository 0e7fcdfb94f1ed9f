import { findingText } from "../../admission/warnings.ts";
import { objectOf, stringOf } from "../../api/json.ts";
import type { Happening } from "../../kube/events.ts";
import type { Observation } from "../../server/observation.ts";

/** Most problems that one Event names. */
const MOST = 5;

/**
 * The Event on an object that audit mode let pass as it is; undefined where there is nothing to tell. /validate alone
 * is looked at: there the object has its name and uid, and what another webhook refuses comes no further than /mutate.
 */
export function auditHappening({ path, request, verdict }: Observation): Happening | undefined {
  if (path !== "/validate" || request?.dryRun === true || !request || !verdict?.audited) return undefined;
  const metadata = objectOf(request.object?.metadata);
  const name = stringOf(metadata.name) ?? request.name;
  if (name === undefined || name === "") return undefined;
  const { refused, additions } = verdict.audited;
  const uid = stringOf(metadata.uid);
  const { group, version, kind } = request.kind;
  const lines = verdict.findings
    .filter(({ audited, rule }) => audited && rule !== "injection/audit")
    .map((finding) => `- ${finding.path}: ${findingText(finding)}`);
  const more = lines.length > MOST ? [`- and ${lines.length - MOST} more`] : [];
  const what = [
    ...(refused.length > 0 ? ["be refused"] : []),
    ...(additions > 0 ? [`get ${additions} additions`] : []),
  ].join(" and ");
  return {
    regarding: {
      apiVersion: group === "" ? version : `${group}/${version}`,
      kind,
      name,
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
    type: refused.length > 0 ? "Warning" : "Normal",
    reason: refused.length > 0 ? "WouldBeRefused" : "WouldBeInjected",
    action: "Audit",
    note: [`under mode: enforce this would ${what}`, ...lines.slice(0, MOST), ...more].join("\n"),
  };
}
