import { closest } from "../api/closest.ts";
import { credentialProblems } from "./credentials.ts";
import type { DefaultsDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import { settingPaths } from "./schema-paths.ts";
import { sidecarFaults, sidecarsOf } from "./sidecar-limits.ts";

/** What the head of a document and its own limits are no settings of. */
const NOT_FOR_NAMESPACES: ReadonlySet<string> = new Set(["apiVersion", "kind", "namespaceMay"]);

/**
 * What is wrong with a document that can be used all the same: it is refused where somebody applies it, and told of
 * where it is stored already, so that no upgrade leaves a cluster without its defaults.
 * @param source where the document came from, for messages
 */
export function appliedProblems(document: DefaultsDocument, source: string): Problem[] {
  const found = [...unknownPermissions(document), ...credentialProblems(document), ...hostVolumes(document)];
  return found.map((problem) => ({ source, ...problem }));
}

type Found = Omit<Problem, "source">;

/** A template without a container is laid over one that has it, and its volumes come along. */
function hostVolumes({ kvConnectors = {} }: DefaultsDocument): Found[] {
  return sidecarsOf(kvConnectors).flatMap(({ sidecar, path }) =>
    sidecar.container === undefined
      ? sidecarFaults({ volumes: sidecar.volumes }, path).filter(({ path: at }) => at.endsWith(".hostPath"))
      : [],
  );
}

/** A path that names no setting allows nothing, and nobody is told. */
function unknownPermissions({ namespaceMay = [] }: DefaultsDocument): Found[] {
  const known = settingPaths().filter((path) => !NOT_FOR_NAMESPACES.has(path));
  return namespaceMay.flatMap((given, index): Found[] => {
    if (known.includes(given)) return [];
    const path = `namespaceMay[${index}]`;
    const whole = known.findLast(
      (setting) => given.startsWith(`${setting}.`) || given.startsWith(`${setting}[`),
    );
    const guess = closest(given, known);
    if (guess === undefined && whole !== undefined && !whole.includes(given))
      return [
        {
          path,
          message: `"${given}" is a part of ${whole}`,
          fix: `write ${whole}: it is allowed as a whole`,
        },
      ];
    const fix =
      guess === undefined
        ? `known: ${known.filter((setting) => !setting.includes(".")).join(", ")} and what is in them`
        : `did you mean "${guess}"?`;
    return [{ path, message: `"${given}" is no setting that a namespace can have`, fix }];
  });
}
