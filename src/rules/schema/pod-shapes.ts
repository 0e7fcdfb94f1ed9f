import type { Json } from "../../api/json.ts";
import { POD_TABLE } from "./pod-table.ts";
import {
  BOOLEAN,
  type Field,
  INT_OR_STRING,
  INT32,
  INT64,
  type ObjectShape,
  objectOfFields,
  QUANTITY,
  type Shape,
  STRING,
} from "./shape.ts";

const SCALARS: Readonly<Record<string, Shape>> = {
  s: STRING,
  b: BOOLEAN,
  i: INT32,
  l: INT64,
  x: INT_OR_STRING,
  q: QUANTITY,
};

const TABLE = readTable(POD_TABLE);

/** The objects of a pod template by the names that the table gives them. Throws for a name that is not in it. */
export function podShape(name: string): ObjectShape {
  const shape = TABLE.get(name);
  if (!shape) throw new Error(`the table of pod templates has no ${name}`);
  return shape;
}

/** Every line names only what stands above it. */
function readTable(text: string): ReadonlyMap<string, ObjectShape> {
  const table = new Map<string, ObjectShape>();
  for (const line of text.trim().split("\n")) {
    const [name = "", ...fields] = line.trim().split(" ");
    table.set(name, objectOfFields(new Map(fields.map((field) => fieldIn(field, table)))));
  }
  return table;
}

function fieldIn(text: string, table: ReadonlyMap<string, ObjectShape>): [string, Field] {
  const [, name = "", mark, type = "", standard] = /^([^!:]+)(!?):([^=]+)(?:=(.*))?$/.exec(text) ?? [];
  const field: Field = { shape: shapeIn(type, table), required: mark === "!" };
  return [name, standard === undefined ? field : { ...field, default: JSON.parse(standard) as Json }];
}

function shapeIn(type: string, table: ReadonlyMap<string, ObjectShape>): Shape {
  if (type.startsWith("{")) return { type: "map", values: shapeIn(type.slice(1, -1), table) };
  const [, item, set, keys] = /^\[([^()]+)\](\*?)(?:\(([^()]+)\))?$/.exec(type) ?? [];
  if (item !== undefined) {
    const items = shapeIn(item, table);
    return {
      type: "list",
      items,
      ...(set === "*" ? { set: true } : {}),
      ...(keys === undefined ? {} : { keys: keys.split(",") }),
    };
  }
  const shape = SCALARS[type] ?? table.get(type);
  if (!shape) throw new Error(`the table of pod templates has no ${type}`);
  return shape;
}
