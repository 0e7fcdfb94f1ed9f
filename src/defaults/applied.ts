import { closest } from "../api/closest.ts";
import type { DefaultsDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import { settingPaths } from "./schema-paths.ts";

/** What the head of a document and its own limits are no settings of. */
const NOT_FOR_NAMESPACES: ReadonlySet<string> = new Set(["apiVersion", "kind", "namespaceMay"]);

/**
 * What is wrong with a document that can be used all the same: it is refused where somebody applies it, and told of
 * where it is stored already, so that no upgrade leaves a cluster without its defaults.
 * @param source where the document came from, for messages
 */
export function appliedProblems(document: DefaultsDocument, source: string): Problem[] {
  return unknownPermissions(document).map((problem) => ({ source, ...problem }));
}

type Found = Omit<Problem, "source">;

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
    const fix = guess === undefined ? `known: ${known.join(", ")}` : `did you mean "${guess}"?`;
    return [{ path, message: `"${given}" is no setting that a namespace can have`, fix }];
  });
}
