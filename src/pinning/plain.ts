import { type JsonObject, objectOf } from "../api/json.ts";
import { INJECTED } from "../api/names.ts";
import type { Addition } from "./addition.ts";
import { annotationsOf, withoutAnnotations } from "./annotations.ts";
import { completeObject } from "./object.ts";
import { parseRecord, recordText } from "./record.ts";
import { put } from "./tree.ts";

/** An object that is completed as a whole: on CREATE; later what was added is kept, and nothing more is. */
export function completePlain(
  object: JsonObject,
  oldObject: JsonObject | undefined,
  inject: (lean: JsonObject) => Addition[],
): { object: JsonObject; additions: Addition[] } {
  const before = annotationsOf(oldObject ?? object)[INJECTED];
  const whole = completeObject({
    object,
    oldObject,
    record: parseRecord(before)?.object,
    injected: true,
    renew: oldObject === undefined,
    inject,
  });
  const some = Object.keys(whole.record).length > 0;
  const text = some ? recordText({ v: 1, object: whole.record, units: {} }) : undefined;
  return { object: annotated(whole.object, text), additions: whole.additions };
}

/** The annotation is ours alone: nobody else's stays. */
function annotated(object: JsonObject, text: string | undefined): JsonObject {
  const path = ["metadata", "annotations", INJECTED];
  if (annotationsOf(object)[INJECTED] === text) return object;
  return text === undefined ? withoutAnnotations(object, [INJECTED]) : objectOf(put(object, path, text));
}
