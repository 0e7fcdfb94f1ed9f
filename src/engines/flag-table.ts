/** How many values a flag takes: none (with a `--no-` form), one, one or more, or one at most. */
export type Arity = "none" | "one" | "many" | "optional";

/** The flags of a table, in which they stand as words by their arity. */
export function* arities(table: Readonly<Partial<Record<Arity, string>>>): Iterable<[string, Arity]> {
  for (const arity of ["one", "many", "optional", "none"] as const) {
    for (const name of table[arity]?.trim().split(/\s+/) ?? []) yield [name, arity];
  }
}
