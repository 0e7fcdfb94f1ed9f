import type { Json, JsonObject } from "../../../src/api/json.ts";

type Keys = (string | number)[];

function keysOf(path: string): Keys {
  return Array.from(path.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g), ([, index, key, plain]) =>
    index === undefined ? (key ?? plain ?? "") : Number(index),
  );
}

function parentOf(object: JsonObject, keys: Keys): [Record<string | number, Json>, string | number] {
  let at: Json = object;
  for (const [place, key] of keys.slice(0, -1).entries()) {
    const holder = at as Record<string | number, Json>;
    holder[key] ??= typeof keys[place + 1] === "number" ? [] : {};
    at = holder[key] as Json;
  }
  return [at as Record<string | number, Json>, keys.at(-1) ?? ""];
}

/** Gives a field a value; what leads to it is made. */
export function set(object: JsonObject, path: string, value: Json): void {
  const [holder, key] = parentOf(object, keysOf(path));
  holder[key] = value;
}

/** The value of a field. */
export function valueAt(object: JsonObject, path: string): Json | undefined {
  const [holder, key] = parentOf(object, keysOf(path));
  return holder[key];
}

/** Takes a field or an item of a list out. */
export function remove(object: JsonObject, path: string): void {
  const [holder, key] = parentOf(object, keysOf(path));
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}
