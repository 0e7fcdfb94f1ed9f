/** What was seen of one kind of request. */
export interface Seen {
  /** Milliseconds, each request, by what it was about. */
  latencies: Map<string, number[]>;
  requests: number;
  /** Requests that were not answered with what was asked for; they are in no other figure. */
  failed: number;
  seconds: number;
}

/**
 * Calls for each name, so many at a time.
 * @param call gives whether it did what was asked for
 * @throws Error at the first call that throws
 */
export async function timed(
  names: readonly string[],
  underWay: number,
  call: (name: string) => Promise<boolean>,
): Promise<Seen> {
  const latencies = new Map<string, number[]>();
  let failed = 0;
  const left = [...names].reverse();
  const start = performance.now();
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const begun = performance.now();
      const done = await call(name);
      const taken = performance.now() - begun;
      if (!done) {
        failed += 1;
        continue;
      }
      const sort = sortOf(name);
      latencies.set(sort, [...(latencies.get(sort) ?? []), taken]);
    }
  };
  await Promise.all(Array.from({ length: underWay }, worker));
  const seconds = (performance.now() - start) / 1000;
  return { latencies, requests: names.length - failed, failed, seconds };
}

/** What stands before the first dash of a name. */
export function sortOf(name: string): string {
  return name.slice(0, name.indexOf("-"));
}

/** The value below which this share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
