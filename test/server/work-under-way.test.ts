import { expect, it } from "vitest";
import { WorkUnderWay } from "../../src/server/work-under-way.ts";

/** One whose body arrives and holds so many bytes. */
function begun(under: WorkUnderWay, name: string, bytes: number, cut: string[]) {
  const work = under.begin(() => cut.push(name));
  expect(work.hold(bytes)).toBe(true);
  return work;
}

it("cuts the oldest of those that hold most, in whatever order others have ended", () => {
  const cut: string[] = [];
  const under = new WorkUnderWay(100, () => {});
  const first = begun(under, "first", 10, cut);
  begun(under, "oldest", 30, cut);
  begun(under, "younger", 30, cut);
  // The last takes the place of the first.
  first.end();
  first.end();
  begun(under, "small", 20, cut);
  expect(under.bytes).toBe(80);
  begun(under, "late", 25, cut);
  expect(cut).toEqual(["oldest"]);
  begun(under, "later", 29, cut);
  expect(cut).toEqual(["oldest", "younger"]);
  expect(under.bytes).toBe(74);
});

it("gives one that has ended no room, and counts it no more", () => {
  const under = new WorkUnderWay(100, () => {});
  const work = under.begin(() => {});
  work.hold(60);
  work.end();
  expect(work.hold(10)).toBe(false);
  expect(under.bytes).toBe(0);
});

it("cuts all that wait for longer than they may to be read", () => {
  const cut: string[] = [];
  const under = new WorkUnderWay(100, () => {});
  for (const name of ["a", "b", "c"]) {
    const work = begun(under, name, 10, []);
    work.decided();
    work.answered(() => cut.push(name));
  }
  begun(under, "arriving", 10, cut);
  under.cutUnread(-1);
  expect(cut.sort()).toEqual(["a", "b", "c"]);
  expect(under.bytes).toBe(10);
});
