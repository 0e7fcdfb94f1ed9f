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

it("leaves what is kept out of JSON and of copies, which have results of their own", () => {
  const ask = oncePer(({ name }: { name: string }) => name.length);
  const one = { name: "one" };
  ask(one);
  const copy = { ...one, name: "another" };
  expect([ask(copy), ask(structuredClone(copy)), ask(Object.assign({}, one)), ask(one)]).toEqual([
    7, 7, 3, 3,
  ]);
  expect(JSON.stringify(one)).toBe('{"name":"one"}');
  expect(Object.keys(one)).toEqual(["name"]);
});
