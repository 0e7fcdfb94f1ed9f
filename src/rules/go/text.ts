// unicode.IsSpace (Go, unicode/graphic.go). JavaScript's \s has U+FEFF too and lacks U+0085.
const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const ONLY_SPACE = new RegExp(`^${SPACE.source}*$`);

/** Whether a text has white space in it, as Go understands it. */
export function hasSpace(text: string): boolean {
  return SPACE.test(text);
}

/** Whether a text is empty or has nothing but white space, as Go understands it. */
export function isBlank(text: string): boolean {
  return ONLY_SPACE.test(text);
}

/** `path.Clean` of an absolute path (Go, path/path.go). */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** A number as Go's `strconv.Atoi` reads it, or undefined. */
export function atoi(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const digits = text.replace(/^[+-]?0*(?=[0-9])/, "");
  if (digits.length > 19) return undefined;
  const value = text.startsWith("-") ? -BigInt(digits) : BigInt(digits);
  return value >= -(1n << 63n) && value < 1n << 63n ? Number(value) : undefined;
}
