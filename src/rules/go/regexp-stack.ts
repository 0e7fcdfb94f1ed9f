import {
  isOneCharacter,
  MOST_COPIES,
  MOST_HEIGHT,
  MOST_INSTRUCTIONS,
  makeNode,
  measureNode,
  type NodeKind,
  type RegexpNode,
} from "./regexp-tree.ts";

/**
 * The stack of parsed parts as Go's parser keeps it (regexp/syntax/parse.go), with what its limits need: the number
 * of nodes that it allocated, those given back not counted twice, and the product of all repetitions.
 * Common prefixes of alternatives are not factored out, which Go does before it measures them.
 */
export interface RegexpStack {
  nodes: RegexpNode[];
  allocated: number;
  spare: number;
  repeats: number;
  measuring: boolean;
}

/** An empty stack. */
export function emptyStack(): RegexpStack {
  return { nodes: [], allocated: 0, spare: 0, repeats: 1, measuring: false };
}

/** Pushes one character; a problem where a limit is passed. */
export function pushLiteral(stack: RegexpStack, fold: boolean): string | undefined {
  allocate(stack);
  return push(stack, { ...makeNode("literal"), fold });
}

/** As if so many more characters were pushed after three alike: the first of them have become one literal by then. */
export function lengthenLiteral(stack: RegexpStack, characters: number): void {
  const below = stack.nodes.at(-2);
  if (below) below.length += characters;
}

/** Pushes a node without children. A class of one character becomes a literal. */
export function pushLeaf(stack: RegexpStack, kind: NodeKind, oneCharacter = false): string | undefined {
  allocate(stack);
  if (!oneCharacter) return push(stack, makeNode(kind));
  const top = stack.nodes.at(-1);
  if (top?.kind === "literal" && joinLiterals(stack)) {
    stack.spare--;
    stack.nodes.push({ ...makeNode("literal"), fold: false });
    return undefined;
  }
  stack.nodes.push(makeNode("literal"));
  return limitProblem(stack, stack.nodes.at(-1));
}

/** Pushes the start of a group. `fold`: what holds again after it. */
export function pushGroup(stack: RegexpStack, captures: boolean, fold: boolean): string | undefined {
  allocate(stack);
  return push(stack, { ...makeNode("group-start"), fold, length: captures ? 1 : 0 });
}

/** Repeats what is on top. */
export function repeatTop(
  stack: RegexpStack,
  kind: "star" | "plus" | "quest" | "repeat",
  min = 0,
  max = 0,
): string | undefined {
  const top = stack.nodes.at(-1);
  if (!top || isMark(top)) return "there is nothing to repeat";
  allocate(stack);
  const node = makeNode(kind, [top], min, max);
  stack.nodes[stack.nodes.length - 1] = node;
  const problem = limitProblem(stack, node);
  if (problem !== undefined) return problem;
  const repeats = kind === "repeat" && (min >= 2 || max >= 2);
  return repeats && node.copies > MOST_COPIES ? `it repeats more than ${MOST_COPIES} times` : undefined;
}

/** Ends an alternative. */
export function endAlternative(stack: RegexpStack): string | undefined {
  const problem = concatenate(stack);
  if (problem !== undefined || sinkBar(stack)) return problem;
  allocate(stack);
  return push(stack, makeNode("bar"));
}

/** Ends a group or the whole: what is above its start becomes one node. */
export function endAlternation(stack: RegexpStack): string | undefined {
  const problem = concatenate(stack);
  if (problem !== undefined) return problem;
  if (sinkBar(stack)) stack.nodes.pop();
  return collapse(stack, "alternate");
}

/** Closes a group. Gives the problem, or whether case is ignored after it. */
export function closeGroup(stack: RegexpStack): string | { fold: boolean } {
  const problem = endAlternation(stack);
  if (problem !== undefined) return problem;
  const content = stack.nodes.pop();
  const start = stack.nodes.pop();
  if (!content || start?.kind !== "group-start") return "a closing ) has no opening one";
  const { fold, length } = start;
  const node = length === 0 ? content : makeNode("capture", [content]);
  return push(stack, node) ?? { fold };
}

function allocate(stack: RegexpStack): void {
  if (stack.spare > 0) stack.spare--;
  else stack.allocated++;
}

function isMark(node: RegexpNode): boolean {
  return node.kind === "group-start" || node.kind === "bar";
}

function push(stack: RegexpStack, node: RegexpNode): string | undefined {
  joinLiterals(stack);
  stack.nodes.push(node);
  return limitProblem(stack, node);
}

/** Joins the two literals on top; not before something else is pushed, for a repetition takes the last character only. */
function joinLiterals(stack: RegexpStack): boolean {
  const top = stack.nodes.at(-1);
  const below = stack.nodes.at(-2);
  if (top?.kind !== "literal" || below?.kind !== "literal" || top.fold !== below.fold) return false;
  below.length += top.length;
  stack.nodes.pop();
  stack.spare++;
  return true;
}

function concatenate(stack: RegexpStack): string | undefined {
  joinLiterals(stack);
  return collapse(stack, "concat");
}

function collapse(stack: RegexpStack, kind: "concat" | "alternate"): string | undefined {
  let start = stack.nodes.length;
  for (let node = stack.nodes[start - 1]; node && !isMark(node); node = stack.nodes[start - 1]) start--;
  const parts = stack.nodes.splice(start);
  const [only] = parts;
  if (only && parts.length === 1) return push(stack, only);
  allocate(stack);
  if (!only) return push(stack, makeNode("leaf"));
  const children: RegexpNode[] = [];
  for (const part of parts) {
    if (part.kind !== kind) children.push(part);
    else {
      for (const child of part.children) children.push(child);
      stack.spare++;
    }
  }
  return push(stack, makeNode(kind, children));
}

/** Moves the bar above the finished alternative; true where there was one. */
function sinkBar(stack: RegexpStack): boolean {
  const { nodes } = stack;
  const [earlier, bar, latest] = [nodes.at(-3), nodes.at(-2), nodes.at(-1)];
  if (bar?.kind !== "bar" || !latest) return false;
  if (earlier && isOneCharacter(earlier) && isOneCharacter(latest)) {
    nodes.splice(-3, 3, { ...makeNode("class") }, bar);
    stack.spare++;
  } else nodes.splice(-2, 2, latest, bar);
  return true;
}

function limitProblem(stack: RegexpStack, node: RegexpNode | undefined): string | undefined {
  if (!node) return undefined;
  if (isTooLarge(stack, node)) return "it is too large";
  return node.height > MOST_HEIGHT ? "it nests too deeply" : undefined;
}

/** Nothing is measured before the number of nodes times all repetitions could be too much. */
function isTooLarge(stack: RegexpStack, node: RegexpNode): boolean {
  if (!stack.measuring) {
    if (node.kind === "repeat") {
      const times = Math.max(1, node.max === -1 ? node.min : node.max);
      const left = Math.floor(MOST_INSTRUCTIONS / stack.repeats);
      stack.repeats = times > left ? MOST_INSTRUCTIONS : stack.repeats * times;
    }
    if (stack.allocated < Math.floor(MOST_INSTRUCTIONS / stack.repeats)) return false;
    stack.measuring = true;
    if (stack.nodes.some((part) => measureNode(part) > MOST_INSTRUCTIONS)) return true;
  }
  return measureNode(node) > MOST_INSTRUCTIONS;
}
