/** A string of JSON, or one without its end. */
const STRING = /"(?:[^"\\]|\\[\s\S])*"?/g;

/**
 * What to change in a text that is meant as a JSON object and is none, as a fix says it: the slips that people make
 * between a shell, YAML and Python. undefined: none of them.
 */
export function jsonSlip(text: string): string | undefined {
  const trimmed = text.trim();
  const quote = trimmed[0];
  if ((quote === "'" || quote === '"') && /^.\s*\{/.test(trimmed)) {
    return `take the ${quote} at both ends away, which are no part of the JSON`;
  }
  if (/^\{\s*\\+"/.test(trimmed)) return 'take the \\ before each " away';
  if (/^\{\s*'/.test(trimmed)) return "write double quotes in place of single ones";
  const bare = trimmed.replaceAll(STRING, '""');
  if (/\\\r?\n/.test(bare)) return "take the \\ at the ends of lines away, which nothing does inside quotes";
  const comma = /,\s*([}\]])/.exec(bare);
  if (comma) return `take the comma before a ${comma[1]} away`;
  const word = /\b(True|False|None)\b/.exec(bare)?.[1];
  if (word !== undefined) return `write ${word === "None" ? "null" : word.toLowerCase()} in place of ${word}`;
  return unclosed(bare);
}

/** Brackets that lack their end, or have one too many. */
function unclosed(bare: string): string | undefined {
  const open: string[] = [];
  for (const [bracket] of bare.matchAll(/[[\]{}]/g)) {
    if (bracket === "{") open.push("}");
    else if (bracket === "[") open.push("]");
    else if (open.pop() !== bracket) return `a ${bracket} closes what is not open`;
  }
  return open.length === 0 ? undefined : `add ${open.toReversed().join("")} at its end`;
}
