/** Controls of C0 (but for the tab) and C1, and those that turn the direction of what follows or break a line. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
]);

/**
 * One line for people: whatever would move a terminal's cursor, begin a line or turn its direction is shown escaped.
 * The API server drops a warning that holds any of it.
 */
export function escaped(line: string): string {
  return line.replace(CONTROLS, (control) => SHORT.get(control) ?? unicodeEscape(control));
}

/** The same for a text of several lines. */
export function escapedLines(text: string): string {
  return text.replace(CONTROLS, (control) =>
    control === "\n" ? control : (SHORT.get(control) ?? unicodeEscape(control)),
  );
}

/** Controls in a text as `\uXXXX`, as JSON and YAML have them between double quotes; line breaks stay. */
export function unicodeEscaped(text: string): string {
  return text.replace(CONTROLS, (control) => (control === "\n" ? control : unicodeEscape(control)));
}

/** Whether `escaped` would change a text. */
export function hasControls(text: string): boolean {
  return text.search(CONTROLS) >= 0;
}

function unicodeEscape(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
