/** Nobody means a word by one that is longer than this. */
const LONGEST = 100;

/** How many pairs of letters may still be compared. */
export interface Effort {
  left: number;
}

/**
 * The known word that a mistyped one most likely means, or undefined where none is near: `most` letters differ.
 * `effort`: for words that come from outside on both sides; once it is used up, none is near.
 */
export function closest(
  word: string,
  known: readonly string[],
  most = Math.max(2, Math.floor(word.length / 3)),
  effort: Effort = { left: Number.POSITIVE_INFINITY },
): string | undefined {
  if (word.length > LONGEST) return undefined;
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - lower.length) >= bestDistance) continue;
    if (effort.left <= 0) return undefined;
    effort.left -= candidate.length * lower.length;
    const distance = editDistance(lower, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, given up at `limit`: no two words that differ that much are looked at to their end. */
function editDistance(left: string, right: string, limit: number): number {
  let previous = new Uint16Array(right.length + 1).map((_, index) => index);
  let current = new Uint16Array(right.length + 1);
  for (let row = 1; row <= left.length; row++) {
    current[0] = row;
    let least = row;
    for (let column = 1; column <= right.length; column++) {
      const same = left.charCodeAt(row - 1) === right.charCodeAt(column - 1);
      const substitution = (previous[column - 1] ?? 0) + (same ? 0 : 1);
      const distance = Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      current[column] = distance;
      if (distance < least) least = distance;
    }
    if (least >= limit) return limit;
    [previous, current] = [current, previous];
  }
  return previous[right.length] ?? limit;
}
