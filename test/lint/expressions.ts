// `npm run lint:expressions`: every regular expression of src must end in time linear in the text, whatever the text.
// recheck decides (by the automaton of an expression, else by looking for an attack); what it cannot decide or what is
// put together at run time stands below with the reason why it is linear.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

process.env.RECHECK_SYNC_BACKEND = "pure";
const { checkSync } = await import("recheck");

const SRC = join(import.meta.dirname, "../../src");
/** A person's own files, in a process of their own. */
const OTHERS = ["commands/"];
const DECIDED: ReadonlyMap<string, string> = new Map([
  ["certs/x509.ts -----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", "a dash ends what is between"],
  ["conditions/cause-text.ts RegExp", "a bounded number, then a literal"],
  ["conditions/report.ts RegExp", "a literal"],
  [
    "engines/known-variables.ts ^KUBERNETES_|_SERVICE_(?:HOST|PORT(?:_\\w{1,63})?)$|_PORT(?:_\\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$",
    "each repetition is bounded and none is within another",
  ],
  [
    "engines/model-families.ts falcon[-_.]?(h1|mamba)|nemotron[-_.]?(h|nano|3)|granite[-_.]?4.{0,60}[-_.]h(?![a-z])",
    "its one repetition is bounded",
  ],
  ["engines/resource-names.ts RegExp", "anchored alternatives of literals and numbers"],
  ["rules/go/text.ts RegExp", "anchored, one class"],
  ["rules/schema/kinds.ts RegExp", "anchored; a label ends at a dot, which is not in its class"],
  [
    "server/client-ca.ts -----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----",
    "a dash ends what is between",
  ],
]);

interface Found {
  file: string;
  line: number;
  /** Pattern and flags; undefined where it is put together at run time. */
  regex: { pattern: string; flags: string } | undefined;
}

function expressionsIn(file: string): Found[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const found: Found[] = [];
  const add = (start: number, regex: Found["regex"]): void => {
    found.push({ file, line: text.slice(0, start).split("\n").length, regex });
  };
  const made = (node: { callee: { type: string; name?: string }; start: number }): void => {
    if (node.callee.type === "Identifier" && node.callee.name === "RegExp") add(node.start, undefined);
  };
  new Visitor({
    Literal: (node) => {
      if ("regex" in node && node.regex) add(node.start, node.regex);
    },
    NewExpression: (node) => made(node as never),
    CallExpression: (node) => made(node as never),
  }).visit(parseSync(file, text).program);
  return found;
}

/** What is wrong with an expression; undefined where it is linear. */
function faultOf({ file, regex }: Found): string | undefined {
  if (DECIDED.has(`${file} ${regex?.pattern ?? "RegExp"}`)) return undefined;
  if (!regex) return "is put together at run time: say in this check why it is linear";
  const judged = checkSync(regex.pattern, regex.flags, { timeout: 120_000 });
  if (judged.status === "safe") return undefined;
  return judged.status === "vulnerable" ? judged.complexity.summary : "cannot be decided";
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !OTHERS.some((folder) => file.startsWith(folder)),
);
const expressions = files.flatMap(expressionsIn);
let faults = 0;
for (const found of expressions) {
  const fault = faultOf(found);
  if (fault === undefined) continue;
  faults++;
  process.stdout.write(`src/${found.file}:${found.line} /${found.regex?.pattern ?? "…"}/ ${fault}\n`);
}
process.stdout.write(`${expressions.length} expressions, ${faults} of them not linear\n`);
process.exitCode = faults === 0 ? 0 : 1;
