import { about, type CheckLine, error, fine, type Reading, warning } from "./line.ts";

const DEFAULTS = "src/defaults/README.md";

/** Resources that a Huawei device plugin publishes on one node, by name. */
export interface NpuNode {
  name: string;
  npus: ReadonlyMap<string, number>;
  labels: Readonly<Record<string, string>>;
}

/** What the defaults in force expect of nodes. */
export interface ExpectedNodes {
  resourceName: string;
  hardware: string;
  /** NPUs that a whole node of that hardware has. */
  perNode: number;
}

/** Checks the NPUs that nodes publish against what the defaults expect. */
export function nodeLines(nodes: Reading<NpuNode[]>, expected: ExpectedNodes | undefined): CheckLine[] {
  return about("nodes/npus", "nodes", nodes, (all) => {
    const seen = all.filter(({ npus }) => npus.size > 0);
    if (seen.length === 0)
      return [
        error(
          "nodes/npus",
          `none of ${all.length} nodes publishes an NPU`,
          "install the device plugin of your platform; kubectl describe node shows what it publishes",
          DEFAULTS,
        ),
      ];
    return [summaryLine(seen, all.length), ...(expected ? expectedLines(seen, expected) : [])];
  });
}

function summaryLine(seen: readonly NpuNode[], all: number): CheckLine {
  const totals = new Map<string, number>();
  for (const { npus } of seen)
    for (const [name, count] of npus) totals.set(name, (totals.get(name) ?? 0) + count);
  const parts = [...totals].map(([name, count]) => `${count} ${name}`);
  return fine("nodes/npus", `${seen.length} of ${all} nodes publish NPUs: ${parts.join(", ")}`);
}

function expectedLines(seen: readonly NpuNode[], expected: ExpectedNodes): CheckLine[] {
  const { resourceName, hardware, perNode } = expected;
  const counts = seen.flatMap(({ npus }) => npus.get(resourceName) ?? []);
  if (counts.length === 0)
    return [
      error(
        "nodes/resource-name",
        `no node publishes ${resourceName}, which the defaults ask for`,
        "set npu.resourceName or platform in the defaults; kthena-ascend check --suggest prints a document that fits",
        DEFAULTS,
      ),
    ];
  const named = fine(
    "nodes/resource-name",
    `${counts.length} nodes publish ${resourceName}, as the defaults ask`,
  );
  const other = [...new Set(counts.filter((count) => count > perNode))];
  if (other.length === 0) return [named];
  return [
    named,
    warning(
      "nodes/hardware",
      `nodes have ${other.join(", ")} ${resourceName}, more than hardware ${hardware} of the defaults has (${perNode})`,
      "set hardware or hardwareBySelector in the defaults; kthena-ascend check --suggest prints a document that fits",
      DEFAULTS,
    ),
  ];
}
