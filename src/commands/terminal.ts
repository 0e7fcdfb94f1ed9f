import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { Document, visit } from "yaml";
import { escaped, hasControls, unicodeEscaped } from "../api/escaped.ts";
import type { ColorChoice, Console, Paint } from "./console.ts";

/** The streams of a process. */
export interface Streams {
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

/** The variables that say whether a terminal wants colours (no-color.org, force-color.org). */
export interface ColorVariables {
  NO_COLOR?: string | undefined;
  FORCE_COLOR?: string | undefined;
  TERM?: string | undefined;
}

/** JSON as text: JSON.stringify leaves some controls as they are. */
export function jsonText(value: unknown): string {
  // The line breaks of the indentation are the writer's own; those in strings are escaped already.
  return `${unicodeEscaped(JSON.stringify(value, null, 2))}\n`;
}

/** YAML as text: what holds controls is written between double quotes, where they can be escaped. */
export function yamlText(value: unknown): string {
  const yaml = new Document(value, { aliasDuplicateObjects: false });
  visit(yaml, {
    Scalar: (_key, node) => {
      if (typeof node.value === "string" && hasControls(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  return unicodeEscaped(
    yaml.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY }),
  );
}

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
const ENDS = { red: 39, green: 39, yellow: 39, cyan: 39, dim: 22, bold: 22 } as const;

/** Colours that nothing in a manifest can forge: they become codes of the terminal only behind the escaping. */
function marker(): { paint: Paint; line: (text: string) => string } {
  const mark = `\u0000${randomBytes(8).toString("hex")}`;
  const painter =
    (name: keyof typeof CODES) =>
    (text: string): string =>
      `${mark}${CODES[name]}m${text}${mark}${ENDS[name]}m`;
  const paint: Paint = {
    red: painter("red"),
    green: painter("green"),
    yellow: painter("yellow"),
    cyan: painter("cyan"),
    dim: painter("dim"),
    bold: painter("bold"),
  };
  const line = (text: string): string => text.split(mark).map(escaped).join("\u001b[");
  return { paint, line };
}

const same = (text: string): string => text;
/** No colours. */
export const PLAIN: Paint = { red: same, green: same, yellow: same, cyan: same, dim: same, bold: same };

/** The console of a process. A reader that went away (`| head`) ends the writing, not the command: its exit code counts. */
export function terminalConsole({ stdin, stdout, stderr }: Streams, variables: ColorVariables): Console {
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  const { paint, line } = marker();
  const write = (stream: Writable, lines: readonly string[]): void => {
    if (lines.length > 0) stream.write(`${lines.map(line).join("\n")}\n`);
  };
  return {
    out: (text) => void stdout.write(text),
    print: (lines) => write(stdout, lines),
    complain: (lines) => write(stderr, lines),
    progress: progressOn(stderr, variables),
    width: stdout.isTTY === true ? stdout.columns : undefined,
    readInput: () => buffer(stdin),
    paint: (when) => (isColored(when, stdout.isTTY === true, variables) ? paint : PLAIN),
  };
}

/** Returns to the start of the line and clears it before it writes; a line is cut where the terminal would break it. */
function progressOn(stderr: Streams["stderr"], { TERM }: ColorVariables): Console["progress"] {
  if (stderr.isTTY !== true || TERM === "dumb") return undefined;
  return (line) => void stderr.write(`\r\u001b[2K${escaped(line).slice(0, (stderr.columns ?? 80) - 1)}`);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** Whether to colour: what the command line says, then NO_COLOR, FORCE_COLOR, and what the terminal is. */
export function isColored(
  when: ColorChoice,
  terminal: boolean,
  { NO_COLOR, FORCE_COLOR, TERM }: ColorVariables,
): boolean {
  if (when !== "auto") return when === "always";
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return terminal && TERM !== "dumb";
}
