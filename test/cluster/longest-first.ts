import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The suites that take longest, in the order of that: none of them is to be alone at the end. */
const LONGEST = [
  "preview",
  "faults",
  "conditions",
  "chart",
  "lifecycle",
  "upgrade",
  "operate",
  "pinning",
  "readme",
];

/** Starts the longest suites first, whatever their size and without a memory of earlier runs. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.indexOf(basename(moduleId, ".cluster.test.ts"));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).toSorted((left, right) => rank(left) - rank(right));
  }
}
