/**
 * A function that computes its result once for each object. The object must not change afterwards; the result is kept
 * with it and goes when it goes: as a property that neither JSON nor a copy takes along.
 *
 * Not in a WeakMap: that would live longer than any review, so whatever it holds would count as alive until the next
 * full garbage collection, and each review's readings would be moved to the old generation.
 */
export function oncePer<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const kept = Symbol(compute.name);
  return (key) => {
    const known = (key as Kept<V>)[kept];
    if (known !== undefined) return known.value;
    const value = compute(key);
    Object.defineProperty(key, kept, { value: { value } });
    return value;
  };
}

interface Kept<V> {
  [kept: symbol]: { value: V } | undefined;
}
