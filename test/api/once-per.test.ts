import { expect, it } from "vitest";
import { oncePer } from "../../src/api/once-per.ts";

it("computes once for each object, also where the result is undefined", () => {
  const asked: string[] = [];
  const ask = oncePer(({ name }: { name: string }) => {
    asked.push(name);
    return name === "nothing" ? undefined : name.length;
  });
  const one = { name: "one" };
  const nothing = { name: "nothing" };
  expect([ask(one), ask(nothing), ask(one), ask(nothing), ask({ name: "one" })]).toEqual([
    3,
    undefined,
    3,
    undefined,
    3,
  ]);
  expect(asked).toEqual(["one", "nothing", "one"]);
});
