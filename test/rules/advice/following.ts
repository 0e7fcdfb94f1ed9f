import type { Finding } from "../../../src/api/finding.ts";
import { type Json, type JsonObject, objectOf } from "../../../src/api/json.ts";
import { remove, set, valueAt } from "./editing.ts";

/** Does what a finding's fix says, as a person would who reads it. */
export type Follow = (object: JsonObject, finding: Finding) => void;

/** The first number of a text. */
export const numberIn = (text: string): number => Number(/\d+/.exec(text)?.[0]);

export const removed: Follow = (object, { path }) => remove(object, path);
export const written =
  (value: Json): Follow =>
  (object, { path }) =>
    set(object, path, value);
/** `write 0 or more`, `write 1000000 or less`, `write a number of at most 5`: the number that it names. */
export const numberWritten: Follow = (object, { path, fix }) => set(object, path, numberIn(fix));
/** `… such as 25%`: the example. */
export const exampleWritten: Follow = (object, { path, fix }) => {
  const text = /such as ([^\s,]+)/.exec(fix)?.[1] ?? "";
  set(object, path, /^\d+$/.test(text) ? Number(text) : text);
};
export const annotated =
  (name: string, value: string): Follow =>
  (object) =>
    set(object, `metadata.annotations[kthena-ascend.io/${name}]`, value);
/** Makes another text of the one that stands there. */
export const edited =
  (edit: (text: string, finding: Finding) => string): Follow =>
  (object, finding) =>
    set(object, finding.path, edit(String(valueAt(object, finding.path)), finding));

/** NPUs on both sides of the resources that a path leads to or into. */
export function npusWritten(count: (finding: Finding) => number): Follow {
  return (object, finding) => {
    const resources = finding.path.replace(/\.resources.*$/, ".resources");
    const written = objectOf(valueAt(object, resources));
    for (const side of ["limits", "requests"])
      for (const name of Object.keys(objectOf(written[side])))
        set(object, `${resources}.${side}[${name}]`, String(count(finding)));
  };
}
