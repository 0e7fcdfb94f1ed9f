/** A text of at most so many UTF-16 units: what is cut off is shown by an ellipsis, and no character is cut in two. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - 1;
  const low = text.charCodeAt(end);
  // The second half of a character that takes two units.
  return `${text.slice(0, low >= 0xdc00 && low <= 0xdfff ? end - 1 : end)}…`;
}
