import { describe, expect, it } from "vitest";
import { oncePer } from "../../src/api/once-per.ts";
import { bounded } from "../../src/interrupt/bounded.ts";

const soon = { milliseconds: 50, unwatchedLength: 0 };
const endless = (): never => {
  for (;;);
};

describe("bounded work", () => {
  it("gives what the work gives", () => {
    expect(bounded(1, () => "short")).toEqual({ ok: true, value: "short" });
    expect(bounded(1e6, () => "long")).toEqual({ ok: true, value: "long" });
  });

  it("is ended when its time is over, whatever it is in the middle of", () => {
    const backtracking = (): boolean => /^(a+)+$/.test(`${"a".repeat(60)}b`);
    for (const work of [endless, backtracking]) {
      expect(bounded(1, work, soon)).toEqual({ ok: false, problem: "reading it takes longer than 0.05 s" });
    }
  });

  it("is ended inside of other bounded work, which goes on", () => {
    const outer = bounded(1, () => [bounded(1, endless, soon).ok, "goes on"], {
      ...soon,
      milliseconds: 1000,
    });
    expect(outer).toEqual({ ok: true, value: [false, "goes on"] });
  });

  it.each([1, 1e6])("is given up where it nests too deep (length %i)", (length) => {
    const deep = (): number => deep() + 1;
    expect(bounded(length, deep)).toEqual({ ok: false, problem: "it nests too deep to be read" });
  });

  it.each([1, 1e6])("throws what the work throws (length %i)", (length) => {
    const broken = (): never => {
      throw new TypeError("a bug");
    };
    expect(() => bounded(length, broken)).toThrow(new TypeError("a bug"));
  });

  it("leaves nothing in a cache that was being filled when it was ended", () => {
    let slow = true;
    const once = oncePer((key: { name: string }) => (slow ? endless() : key.name));
    const key = { name: "a" };
    expect(bounded(1, () => once(key), soon).ok).toBe(false);
    slow = false;
    expect(bounded(1, () => once(key), soon)).toEqual({ ok: true, value: "a" });
  });
});
