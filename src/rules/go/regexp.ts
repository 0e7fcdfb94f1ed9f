import { after, type ClassText, perlClass, readClass, readEscape, unicodeClass } from "./regexp-class.ts";
import {
  closeGroup,
  emptyStack,
  endAlternation,
  endAlternative,
  lengthenLiteral,
  pushGroup,
  pushLeaf,
  pushLiteral,
  type RegexpStack,
  repeatTop,
} from "./regexp-stack.ts";
import { MOST_COPIES } from "./regexp-tree.ts";

interface Parser extends ClassText {
  at: number;
  /** Whether case is ignored, `(?i)`. */
  fold: boolean;
  stack: RegexpStack;
  /** Whether a repetition was read last: another one may not follow. */
  repeated: boolean;
}

/**
 * Why Go's `regexp.Compile` refuses an expression, or undefined where it takes it (Go 1.26, regexp/syntax). Not
 * reckoned with: that alternatives of a common beginning are measured without it, and the limit of 33 million ranges.
 */
export function goRegexpProblem(text: string): string | undefined {
  const parser: Parser = {
    text,
    lastNamedEnd: text.lastIndexOf(":]"),
    at: 0,
    fold: false,
    stack: emptyStack(),
    repeated: false,
  };
  while (parser.at < text.length) {
    const { repeated } = parser;
    parser.repeated = false;
    const problem = readPart(parser, repeated);
    if (problem !== undefined) return problem;
  }
  const problem = endAlternation(parser.stack);
  if (problem !== undefined) return problem;
  return parser.stack.nodes.length === 1 ? undefined : "a closing ) is missing";
}

function readPart(parser: Parser, repeated: boolean): string | undefined {
  switch (parser.text[parser.at]) {
    case "(":
      return openGroup(parser);
    case ")":
      return shutGroup(parser);
    case "|":
      parser.at++;
      return endAlternative(parser.stack);
    case "^":
    case "$":
    case ".":
      return leaf(parser, parser.text[parser.at] === "." ? "class" : "leaf", parser.at + 1);
    case "[":
      return characterClass(parser);
    case "*":
    case "+":
    case "?":
      return repetition(parser, repeated);
    case "{":
      return countedRepetition(parser, repeated);
    case "\\":
      return escaped(parser);
    default:
      return literals(parser);
  }
}

const PLAIN = /[^()|^$.[*+?{\\]+/y;

/** A run of plain characters: the last ones one by one, for a repetition takes the very last only. */
function literals(parser: Parser): string | undefined {
  const { text, stack, fold } = parser;
  PLAIN.lastIndex = parser.at;
  const run = PLAIN.exec(text)?.[0] ?? "";
  parser.at += run.length;
  let count = 0;
  for (let at = 0; at < run.length; at = after(run, at)) count++;
  for (let turn = 0; turn < Math.min(count, 3); turn++) {
    const problem = pushLiteral(stack, fold);
    if (problem !== undefined) return problem;
  }
  if (count > 3) lengthenLiteral(stack, count - 3);
  return undefined;
}

function leaf(parser: Parser, kind: "leaf" | "class", end: number): string | undefined {
  parser.at = end;
  return pushLeaf(parser.stack, kind);
}

function characterClass(parser: Parser): string | undefined {
  const read = readClass(parser, parser.at);
  if (typeof read === "string") return read;
  parser.at = read.end;
  return pushLeaf(parser.stack, "class", read.character !== undefined && !parser.fold);
}

const OPERATORS = { "*": "star", "+": "plus", "?": "quest" } as const;

function repetition(parser: Parser, repeated: boolean): string | undefined {
  const sign = parser.text[parser.at] as keyof typeof OPERATORS;
  parser.at++;
  return repeat(parser, repeated, OPERATORS[sign]);
}

const COUNT = /\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/y;

/** `{2}`, `{2,}`, `{2,5}`; a brace that opens none of these is a character. */
function countedRepetition(parser: Parser, repeated: boolean): string | undefined {
  COUNT.lastIndex = parser.at;
  const [whole, low, comma, high] = COUNT.exec(parser.text) ?? [];
  if (whole === undefined) {
    parser.at++;
    return pushLiteral(parser.stack, parser.fold);
  }
  parser.at += whole.length;
  const min = Number(low);
  const max = comma === undefined ? min : high === undefined ? -1 : Number(high);
  if (min > MOST_COPIES || max > MOST_COPIES) return `the count of ${whole} is above ${MOST_COPIES}`;
  if (max >= 0 && min > max) return `the counts of ${whole} are the wrong way round`;
  return repeat(parser, repeated, "repeat", min, max);
}

function repeat(
  parser: Parser,
  repeated: boolean,
  kind: Parameters<typeof repeatTop>[1],
  min = 0,
  max = 0,
): string | undefined {
  // A question mark makes it take as little as it can.
  if (parser.text[parser.at] === "?") parser.at++;
  if (repeated) return "a repetition follows a repetition";
  parser.repeated = true;
  return repeatTop(parser.stack, kind, min, max);
}

const ANCHORS = new Set(["A", "b", "B", "z"]);

function escaped(parser: Parser): string | undefined {
  const { text, at } = parser;
  const letter = text[at + 1] ?? "";
  if (ANCHORS.has(letter)) return leaf(parser, "leaf", at + 2);
  if (letter === "C") return "\\C is no escape";
  if (letter === "Q") return quoted(parser);
  const read = unicodeClass(text, at) ?? perlClass(text, at);
  if (typeof read === "string") return read;
  if (read) return leaf(parser, "class", read.end);
  // The node that a class would have taken is given back.
  if (parser.stack.spare === 0) {
    parser.stack.allocated++;
    parser.stack.spare++;
  }
  const character = readEscape(text, at);
  if (typeof character === "string") return character;
  parser.at = character.end;
  return pushLiteral(parser.stack, parser.fold);
}

/** `\Q…\E`: everything between stands for itself. */
function quoted(parser: Parser): string | undefined {
  const { text } = parser;
  const end = text.indexOf("\\E", parser.at + 2);
  const stop = end < 0 ? text.length : end;
  for (let at = parser.at + 2; at < stop; at = after(text, at)) {
    const problem = pushLiteral(parser.stack, parser.fold);
    if (problem !== undefined) return problem;
  }
  parser.at = end < 0 ? stop : stop + 2;
  return undefined;
}

const NAMED = /\(\?P?<([^>]*)>/y;
const FLAGS = /\(\?([imsU]*)(?:-([imsU]+))?([:)])/y;

function openGroup(parser: Parser): string | undefined {
  const { text, at, stack, fold } = parser;
  if (text[at + 1] !== "?") {
    parser.at++;
    return pushGroup(stack, true, fold);
  }
  if (text.startsWith("(?P<", at) || text.startsWith("(?<", at)) return namedGroup(parser);
  FLAGS.lastIndex = at;
  const [whole, on, off, end] = FLAGS.exec(text) ?? [];
  if (whole === undefined) return `${text.slice(at, at + 3)} opens no group that Go knows`;
  parser.at += whole.length;
  const problem = end === ":" ? pushGroup(stack, false, fold) : undefined;
  if (on?.includes("i")) parser.fold = true;
  if (off?.includes("i")) parser.fold = false;
  return problem;
}

function namedGroup(parser: Parser): string | undefined {
  NAMED.lastIndex = parser.at;
  const [whole, name] = NAMED.exec(parser.text) ?? [];
  if (whole === undefined || !/^\w+$/.test(name ?? ""))
    return "the name of a group is not made of letters, digits and _";
  parser.at += whole.length;
  return pushGroup(parser.stack, true, parser.fold);
}

function shutGroup(parser: Parser): string | undefined {
  const closed = closeGroup(parser.stack);
  if (typeof closed === "string") return closed;
  parser.at++;
  parser.fold = closed.fold;
  return undefined;
}
