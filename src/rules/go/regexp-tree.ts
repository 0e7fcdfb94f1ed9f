/** What a part of a regular expression is: as much of it as Go's limits depend on. */
export type NodeKind =
  | "literal"
  | "class"
  | "leaf"
  | "capture"
  | "star"
  | "plus"
  | "quest"
  | "repeat"
  | "concat"
  | "alternate"
  | "group-start"
  | "bar";

export interface RegexpNode {
  kind: NodeKind;
  children: RegexpNode[];
  /** Number of characters of a literal. */
  length: number;
  /** Whether a literal ignores case: only literals alike in this are joined. */
  fold: boolean;
  /** Bounds of a repetition; max -1 is none. */
  min: number;
  max: number;
  /** Height of the tree below and with this node. */
  height: number;
  /** How often the innermost thing is repeated at most. */
  copies: number;
  /** Compiled size, as it was when it was last reckoned. */
  size?: number;
}

/** More instructions than this are too many: 128 MiB at 40 bytes each (Go, regexp/syntax/parse.go). */
export const MOST_INSTRUCTIONS = Math.floor((128 * 2 ** 20) / 40);
/** Deeper nesting is refused (the same file). */
export const MOST_HEIGHT = 1000;
/** Counts, and products of nested counts, are limited to this (the same file). */
export const MOST_COPIES = 1000;

/** Makes a node over its children. */
export function makeNode(kind: NodeKind, children: RegexpNode[] = [], min = 0, max = 0): RegexpNode {
  let height = 0;
  let copies = 1;
  for (const child of children) {
    height = Math.max(height, child.height);
    copies = Math.max(copies, child.copies);
  }
  if (kind === "repeat") copies = max === 0 ? 1 : copies * Math.max(1, max < 0 ? min : max);
  return { kind, children, length: 1, fold: false, min, max, height: height + 1, copies };
}

/** Whether a node matches exactly one character, so that alternatives of its like become one class. */
export function isOneCharacter(node: RegexpNode): boolean {
  return node.kind === "class" || (node.kind === "literal" && node.length === 1);
}

/** Number of instructions that a node compiles to, reckoned anew for the node itself. */
export function measureNode(node: RegexpNode): number {
  node.size = Math.max(1, instructions(node));
  return node.size;
}

function instructions(node: RegexpNode): number {
  const below = node.children.reduce((sum, child) => sum + (child.size ?? measureNode(child)), 0);
  switch (node.kind) {
    case "literal":
      return node.length;
    case "capture":
    case "star":
      return 2 + below;
    case "plus":
    case "quest":
      return 1 + below;
    case "concat":
      return below;
    case "alternate":
      return below + node.children.length - 1;
    case "repeat":
      if (node.max < 0) return node.min === 0 ? 2 + below : 1 + node.min * below;
      return node.max * below + node.max - node.min;
    default:
      return 1;
  }
}
