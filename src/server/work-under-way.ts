/** Why something was given up so that the rest goes on; a label of the metric. */
export const SHEDS = ["body", "review", "answer", "connection"] as const;

export type Shed = (typeof SHEDS)[number];

/** What one request holds in memory. */
export interface Work {
  /**
   * Says how many bytes it holds from now on. Where all requests together would hold too many, the one that holds most
   * and waits for its client gives way. False: this one must.
   */
  hold(bytes: number): boolean;
  /** It has arrived whole and is being decided: it does not wait for its client, and is not cut. */
  decided(): void;
  /** Its answer has been handed over, and waits for the client to take it. `cut` ends that. */
  answered(cut: () => void): void;
  /** It holds nothing any more. */
  end(): void;
}

interface Entry {
  /** The higher, the later it began. */
  number: number;
  /** Where it stands in the list. */
  index: number;
  bytes: number;
  /** review: it is being decided, and ends by itself. body, answer: the client is waited for. */
  waits: "body" | "review" | "answer";
  /** Monotonic. */
  since: number;
  cut: () => void;
}

/**
 * Bounds by bytes what requests hold: bodies that arrive, what is being decided, answers that nobody reads. Who sends
 * slowly, or much, or does not read, is cut before anybody else.
 */
export class WorkUnderWay {
  readonly #most: number;
  readonly #onShed: (what: Shed) => void;
  /**
   * In no order. Not a Set: the tables that it leaves behind as it changes hold on to each other, and with them to
   * requests, until the next full garbage collection.
   */
  readonly #entries: Entry[] = [];
  #begun = 0;
  #bytes = 0;

  constructor(mostBytes: number, onShed: (what: Shed) => void) {
    this.#most = mostBytes;
    this.#onShed = onShed;
  }

  /** What all of them hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins one whose body arrives. `cut` ends that; it is not called where `hold` says false. */
  begin(cut: () => void): Work {
    const place = { number: this.#begun++, index: this.#entries.length };
    const entry: Entry = { ...place, bytes: 0, waits: "body", since: performance.now(), cut };
    this.#entries.push(entry);
    return {
      hold: (bytes) => this.#hold(entry, bytes),
      decided: () => {
        entry.waits = "review";
      },
      answered: (cut) => void Object.assign(entry, { waits: "answer", since: performance.now(), cut }),
      end: () => this.#end(entry),
    };
  }

  /** Cuts those whose answer nobody has taken for so long. */
  cutUnread(ms: number): void {
    const before = performance.now() - ms;
    const late = this.#entries.filter(({ waits, since }) => waits === "answer" && since < before);
    for (const entry of late) if (this.#has(entry)) this.#cut(entry);
  }

  #hold(entry: Entry, bytes: number): boolean {
    if (!this.#has(entry)) return false;
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    while (this.#bytes > this.#most) {
      const victim = this.#largest();
      if (victim !== undefined && victim !== entry) {
        this.#cut(victim);
        continue;
      }
      this.#onShed(entry.waits);
      this.#end(entry);
      return false;
    }
    return true;
  }

  /** The oldest of the largest that wait for their clients. */
  #largest(): Entry | undefined {
    let largest: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.waits === "review" || entry.bytes === 0) continue;
      const more = entry.bytes - (largest?.bytes ?? 0);
      if (more > 0 || (more === 0 && largest && entry.number < largest.number)) largest = entry;
    }
    return largest;
  }

  #cut(entry: Entry): void {
    this.#onShed(entry.waits);
    this.#end(entry);
    entry.cut();
  }

  #end(entry: Entry): void {
    if (!this.#has(entry)) return;
    this.#bytes -= entry.bytes;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    last.index = entry.index;
    this.#entries[entry.index] = last;
  }

  #has(entry: Entry): boolean {
    return this.#entries[entry.index] === entry;
  }
}
