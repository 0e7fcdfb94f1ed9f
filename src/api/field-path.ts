/**
 * The keys of a field path as findings have it, those in brackets too: `a.b[0][x.y/z]` is a, b, 0 and x.y/z. Each
 * character is looked at once.
 */
export function* keysOfPath(path: string): Generator<string> {
  const lastClose = path.lastIndexOf("]");
  let at = 0;
  while (at < path.length) {
    let end = at;
    if (path[at] === "[" && at < lastClose) {
      end = path.indexOf("]", at);
      yield path.slice(at + 1, end);
    } else {
      while (end < path.length && !".[]".includes(path[end] ?? "")) end++;
      if (end > at) yield path.slice(at, end);
      else end++;
      at = end;
      continue;
    }
    at = end + 1;
  }
}
