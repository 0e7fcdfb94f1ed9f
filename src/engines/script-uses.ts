import { forEachChild, type ParsedScript, type SyntaxNode } from "unbash";
import { changedIn } from "./shell-words.ts";

/** What a script says of variables, wherever in it: the order in which things run is not looked at. */
interface Uses {
  used: Set<string>;
  /** Assigned, read, or asked about somewhere: whoever writes that has thought of it. */
  settled: Set<string>;
  /** Whether something unseen can set anything: another file, `eval`. */
  open: boolean;
  /** What is still to be looked at. An expression can be deeper than the stack. */
  left: { node: SyntaxNode; role: Role }[];
}

type Role = "used" | "settled" | "told";

/** Longer scripts are not looked through. */
const MOST_CHARACTERS = 32 * 1024;

const DECLARES: ReadonlySet<string> = new Set(["export", "declare", "typeset", "local", "readonly"]);
const READS: ReadonlySet<string> = new Set([
  "read",
  "mapfile",
  "readarray",
  "getopts",
  "printf",
  "let",
  "unset",
]);
const OPENS: ReadonlySet<string> = new Set([".", "source", "eval", "conda", "module"]);
const TESTS: ReadonlySet<string> = new Set(["[", "test", "env", "printenv"]);
/** Commands whose words nobody acts on. */
const TELLS: ReadonlySet<string> = new Set(["echo", "printf", ":", "logger"]);

/**
 * The variables that a script uses and nowhere sets, tests or gives a fallback to, in the order of their use. Empty
 * where something unseen, such as a sourced file, can set them.
 */
export function unsetVariables(tree: ParsedScript): string[] {
  const uses: Uses = {
    used: new Set(),
    settled: new Set(),
    open: false,
    left: [{ node: tree, role: "used" }],
  };
  if (tree.end - tree.pos > MOST_CHARACTERS) return [];
  for (let next = uses.left.pop(); next !== undefined && !uses.open; next = uses.left.pop()) {
    visit(uses, next.node, next.role);
  }
  return uses.open ? [] : [...uses.used].filter((name) => !uses.settled.has(name));
}

/** Puts the children of a node before all that is left, in the order of the text. */
function enter(uses: Uses, node: SyntaxNode, role: Role): void {
  const children: Uses["left"] = [];
  forEachChild(node, (child) => children.push({ node: child, role }));
  for (const child of children.reverse()) uses.left.push(child);
}

function visit(uses: Uses, node: SyntaxNode, role: Role): void {
  switch (node.type) {
    case "Script":
      // A script that was mended is not looked into: reading parts of it can take very long.
      if ("errors" in node && (node.errors?.length ?? 0) > 0) return;
      break;
    case "Command":
      visitCommand(uses, node, role);
      return;
    case "SimpleExpansion":
      note(uses, node.text.slice(1), role);
      return;
    case "ParameterExpansion":
      note(uses, node.parameter, node.operation?.type === "Default" || node.prefix ? "settled" : role);
      break;
    case "ArithmeticCommand":
      for (const name of changedIn(node.body)) uses.settled.add(name);
      break;
    case "ArithmeticExpansion":
      for (const name of changedIn(node.text)) uses.settled.add(name);
      break;
    case "Assignment":
      uses.settled.add(node.name);
      break;
    case "For":
    case "Select":
      uses.settled.add(node.name.value);
      break;
    case "TestCommand":
      enter(uses, node, "settled");
      return;
    case "Case":
      uses.left.push({ node: node.word, role: "settled" });
      break;
    // Its text is often meant for another program.
    case "HereDoc":
      return;
    default:
  }
  enter(uses, node, role);
}

function visitCommand(uses: Uses, node: SyntaxNode & { type: "Command" }, role: Role): void {
  const name = node.name?.value ?? "";
  if (OPENS.has(name) && !isSetEnv(name, node.args[0])) uses.open = true;
  if (DECLARES.has(name) || READS.has(name)) {
    for (const word of node.args)
      if (word.type === "Word") uses.settled.add(word.value.replace(/[+=[].*$/s, ""));
  }
  const inside = TESTS.has(name) ? "settled" : TELLS.has(name) && role === "used" ? "told" : role;
  enter(uses, node, inside);
}

/** CANN's set_env.sh sets names of CANN's alone. */
function isSetEnv(name: string, argument: SyntaxNode | undefined): boolean {
  const path = argument?.type === "Word" ? argument.value : "";
  return (
    (name === "." || name === "source") && /\/set_?env\.sh$/.test(path) && /[Aa]scend|nnal|atb/.test(path)
  );
}

function note(uses: Uses, name: string, role: Role): void {
  if (!/^[A-Za-z_]\w*$/.test(name) || role === "told") return;
  if (role === "settled") uses.settled.add(name);
  else uses.used.add(name);
}
