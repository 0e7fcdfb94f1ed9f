/** A text without the repetitions of one character at its end. An expression such as `/+$` looks again from each. */
export function trimmedEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** The same at both ends. */
export function trimmed(text: string, character: string): string {
  let start = 0;
  while (start < text.length && text[start] === character) start++;
  return trimmedEnd(start === 0 ? text : text.slice(start), character);
}
