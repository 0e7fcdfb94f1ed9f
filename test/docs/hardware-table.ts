import { FABRIC_SWITCHES, HARDWARE_TABLE, type HardwareRow } from "../../src/defaults/hardware.ts";
import { RESOURCE_NAMES } from "../../src/engines/resource-names.ts";

const BEGIN = "<!-- hardware: written by npm run docs -->";
const END = "<!-- end of hardware -->";

/**
 * The page of defaults with its tables of hardware and of resource names made anew from the data.
 * @throws Error where the marks around them are missing
 */
export function withHardwareTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page of defaults lacks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${hardwareTable()}\n${namesTable()}${page.slice(end)}`;
}

function hardwareTable(): string {
  const head = [
    "hardware",
    "what it is",
    "NPUs of a node",
    "of one pod",
    "images",
    "told by `accelerator-type`",
    "`fabric`",
    "mounts of its own",
  ];
  return table(head, HARDWARE_TABLE.map(hardwareCells));
}

function hardwareCells(row: HardwareRow): string[] {
  const fabrics = row.fabrics.map((name) => `${name}: \`${FABRIC_SWITCHES[name].name}\``);
  return [
    `\`${row.name}\``,
    row.products,
    String(row.perNode),
    ranges(row.allowedCounts),
    row.imageSuffixes.map((suffix) => (suffix === "" ? "no suffix" : `\`${suffix}\``)).join(", "),
    row.nodeLabels.map((label) => `\`${label}\``).join(", "),
    row.deviceNetwork ? fabrics.join("; ") : "no device network",
    row.mounts.map(({ hostPath }) => `\`${hostPath}\``).join(", "),
  ];
}

function namesTable(): string {
  const rows = RESOURCE_NAMES.filter(({ examples }) => examples.length > 0);
  return table(
    ["under `huawei.com/`", "published by", "a unit is", "chips"],
    rows.map(({ examples, publisher, unit, chips, usually }) => [
      examples.map((name) => `\`${name}\``).join(", "),
      publisher,
      UNITS[unit],
      usually === undefined
        ? chips.join(", ")
        : `${usually}, with others ${chips.filter((one) => one !== usually).join(", ")}`,
    ]),
  );
}

const UNITS = {
  npu: "an NPU",
  share: "a virtual NPU",
  part: "a part of one NPU",
  beside: "an amount beside NPUs",
} as const;

/** 1 to 8, 10, 12 of [1, …, 8, 10, 12]. */
function ranges(counts: readonly number[]): string {
  const last = counts.findIndex((count, index) => counts[index + 1] !== count + 1);
  const rest = counts.slice(last + 1);
  const first = last > 1 ? [`${counts[0]} to ${counts[last]}`] : counts.slice(0, last + 1).map(String);
  return [...first, ...rest.map(String)].join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return `${line(head)}|${"---|".repeat(head.length)}\n${rows.map(line).join("")}`;
}
