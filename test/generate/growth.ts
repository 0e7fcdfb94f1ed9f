import { isObject, type Json, type JsonObject } from "../../src/api/json.ts";

/** One way to make an object larger without end: in one place, by one pattern. */
export interface Growth {
  /** Place and pattern, for people. */
  name: string;
  /** The object with about so many characters in that place. */
  grown: (characters: number) => JsonObject;
}

type Place = readonly (string | number)[];

/** Texts that parsers have trouble with, each as a piece that is repeated between a head and a tail. */
const PATTERNS: readonly (readonly [head: string, piece: string, tail: string])[] = [
  ["", "x", ""],
  ["", "1", "x"],
  ["/", "/", "x"],
  ["", "a/", ""],
  ["", "0,", ""],
  ["", " ", "x"],
  ["", "\n", "x"],
  ["", "-", "!"],
  ["--", "key-", "!"],
  ["", "KEY", "!"],
  ["", "KEY_A=b ", ""],
  ["", "--api-key=abcdefgh ", ""],
  ["'", "token", ":"],
  ["", "a.", ""],
  ["", "[", ""],
  ["", "[a=b]", ""],
  ['["', "\\", '"]'],
  ["", "(", ""],
  ["(a", "|a", ")*b"],
  ["", "a{0,", ""],
  ["", "${", ""],
  ["", "$(", ""],
  ["", "$(A)", ""],
  ["", "$A ", ""],
  ["", "`", ""],
  ["", "'", ""],
  ["", '"', ""],
  ["", "\\", ""],
  ["", "\ue000", ""],
  ["", "\ue001", ""],
  ["", "{a,", ""],
  ["source ", "Ascend", ""],
  ["", "a=b; ", ""],
  ["A=x; ", "A=$A; ", "vllm serve $A"],
  ["", "A=1 ", "vllm serve m"],
  ["", "if a; then ", ""],
  ["", "case a in ", ""],
  ["", "f() { ", ""],
  ["", "a && ", "a"],
  ["", "a | ", "a"],
  ["", "a & ", ""],
  ["", "cat <<E\n", ""],
  ["", "cat <<E\nE\n", ""],
  ["", "$(cat <<E\n", ""],
  ["vllm serve m ", "<<E ", "\n"],
  ["vllm serve m ", "--tp 1 ", ""],
  ["vllm serve m ", "-tp=1 ", ""],
  ["vllm serve m ", "--kv-transfer-config.a.b 1 ", ""],
  ["bash -c ", "bash -c ", "vllm"],
  ["--kv-transfer-config.a", ".a", "=1"],
  ['{"kv_connector":"$(X)","b":', '{"a":', "1"],
  ["", "[[", "]]"],
  [
    '{"kv_connector":"MultiConnector","kv_connector_extra_config":{"connectors":[',
    '{"kv_connector":"A"},',
    "{}]}}",
  ],
  ["https://u:p@h/", "u:p@", ""],
  ["", "https://u:p@h ", ""],
  ['{"v":1,"units":{"server":{"lean":"x","added":{"', "a.", '":"x"}}},"object":{}}'],
  ['{"v":1,"units":{},"object":{"', "[", '":"x"}}'],
  ['{"v":1,"base":', '{"a":', "1"],
].map(([head = "", piece = "", tail = ""]) => [head, piece, tail] as const);

/** Pieces with a number of their own, so that no two are the same. */
const NUMBERED: readonly (readonly [
  name: string,
  head: string,
  piece: (index: number) => string,
  tail: string,
])[] = [
  ["record paths", '{"v":1,"object":{"a":"b"', (index) => `,"spec.p${index}.q":"x"`, '},"units":{}}'],
  [
    "unit's record paths",
    '{"v":1,"object":{},"units":{"server":{"lean":"x","added":{"a":"b"',
    (index) => `,"entryTemplate.spec.containers[name=vllm].env[name=A${index}]":"x"`,
    "}}}}",
  ],
  [
    "recorded flags",
    '{"v":1,"object":{},"units":{"server":{"lean":"x","added":{"a":"b"',
    (index) => `,"entryTemplate.spec.containers[name=vllm].args[flag=--f${index}]":"x"`,
    "}}}}",
  ],
  [
    "recorded units",
    '{"v":1,"object":{},"units":{"a":{}',
    (index) => `,"u${index}":{"lean":"x","added":{}}`,
    "}}",
  ],
  ["pinned units", '{"v":1,"base":{},"units":{"a":{}', (index) => `,"u${index}":{"x":1}`, "}}"],
  ["flags", "vllm serve m ", (index) => `--flag-${index} v${index} `, ""],
  ["assignments", "", (index) => `A${index}=v${index}; `, "vllm serve m"],
  ["exports", "", (index) => `export A${index}=v${index}\n`, "vllm serve m"],
  ["functions", "", (index) => `f${index}() { :; }\n`, "vllm serve m"],
  ["here-documents", "", (index) => `cat <<E${index}\nE${index}\n`, "vllm serve m"],
  ["shells", "", (index) => `bash -c "A=${index}"\n`, "vllm serve m"],
];

const OWN_KEY = (index: number): string => `key-${index}`;

/** Every way to make an object larger: each string, key, list and depth of it. */
export function growthsOf(object: JsonObject): Growth[] {
  return placesIn(object, []).flatMap((place) => {
    const value = valueAt(object, place);
    const name = place.join(".");
    const put = (next: Json): JsonObject => changed(object, place, () => next) as JsonObject;
    if (typeof value === "string") return stringGrowths(name, put);
    if (Array.isArray(value)) return [...listGrowths(name, value, put), ...depthGrowths(name, put)];
    if (isObject(value)) return [...keyGrowths(name, value, put), ...depthGrowths(name, put)];
    return [];
  });
}

function stringGrowths(place: string, put: (value: Json) => JsonObject): Growth[] {
  const same = PATTERNS.map(
    ([head, piece, tail]): Growth => ({
      name: `${place} = ${JSON.stringify(`${head}${piece}…${tail}`).slice(0, 60)}`,
      grown: (characters) => put(head + piece.repeat(Math.ceil(characters / piece.length)) + tail),
    }),
  );
  const numbered = NUMBERED.map(
    ([name, head, piece, tail]): Growth => ({
      name: `${place} = ${name}`,
      grown: (characters) => put(head + numberedTo(characters, piece).join("") + tail),
    }),
  );
  return [...same, ...numbered];
}

function numberedTo(characters: number, piece: (index: number) => string): string[] {
  const pieces: string[] = [];
  let length = 0;
  while (length < characters) {
    const next = piece(pieces.length);
    length += next.length;
    pieces.push(next);
  }
  return pieces;
}

function listGrowths(place: string, list: readonly Json[], put: (value: Json) => JsonObject): Growth[] {
  const growths: Growth[] = [];
  for (const [turn, item] of list.slice(0, 2).entries()) {
    const size = JSON.stringify(item).length + 4;
    const count = (characters: number): number => Math.ceil(characters / size);
    growths.push({
      name: `${place} + item ${turn}`,
      grown: (characters) =>
        put([...list, ...Array.from({ length: count(characters) }, (_, index) => renamed(item, index))]),
    });
    growths.push({
      name: `${place} + item ${turn} again`,
      grown: (characters) => put([...list, ...Array.from({ length: count(characters) }, () => item)]),
    });
  }
  return growths;
}

/** An item like another, with a name of its own. */
function renamed(item: Json, index: number): Json {
  if (typeof item === "string") return `${item}${index}`;
  if (!isObject(item)) return item;
  const keys = ["name", "type", "mountPath", "key", "hostPath"].filter(
    (key) => typeof item[key] === "string",
  );
  return { ...item, ...Object.fromEntries(keys.map((key) => [key, `${String(item[key])}-${index}`])) };
}

function keyGrowths(place: string, object: JsonObject, put: (value: Json) => JsonObject): Growth[] {
  const [first] = Object.values(object);
  const value = typeof first === "string" || typeof first === "number" ? first : "x";
  const more =
    (key: (index: number) => string) =>
    (characters: number): JsonObject =>
      put({
        ...object,
        ...Object.fromEntries(
          numberedTo(characters, (index) => `"${key(index)}":"${String(value)}",`).map((_, index) => [
            key(index),
            value,
          ]),
        ),
      });
  return [
    { name: `${place} + keys`, grown: more(OWN_KEY) },
    { name: `${place} + keys of ours`, grown: more((index) => `kthena-ascend.io/key-${index}`) },
    { name: `${place} + NPU resources`, grown: more((index) => `huawei.com/Ascend${index}`) },
    ...["x", "KEY", "/", "a.", "_"].map(
      (piece): Growth => ({
        name: `${place} + key ${piece}…`,
        grown: (characters) =>
          put({ ...object, [piece.repeat(Math.ceil(characters / piece.length))]: value }),
      }),
    ),
  ];
}

function depthGrowths(place: string, put: (value: Json) => JsonObject): Growth[] {
  const nested =
    (wrap: (value: Json) => Json) =>
    (characters: number): JsonObject => {
      let value: Json = "x";
      for (let level = characters / 6; level > 0; level--) value = wrap(value);
      return put(value);
    };
  return [
    { name: `${place} deep in lists`, grown: nested((value) => [value]) },
    { name: `${place} deep in objects`, grown: nested((value) => ({ a: value })) },
  ];
}

function placesIn(value: Json, place: Place): Place[] {
  const children: [string | number, Json | undefined][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  return [place, ...children.flatMap(([key, child]) => placesIn(child ?? null, [...place, key]))].filter(
    (found) => found.length > 0,
  );
}

function valueAt(value: Json, place: Place): Json | undefined {
  let current: Json | undefined = value;
  for (const key of place) {
    if (Array.isArray(current)) current = current[Number(key)];
    else current = isObject(current) ? current[key] : undefined;
  }
  return current;
}

function changed(value: Json, place: Place, change: (value: Json) => Json): Json {
  const [key, ...rest] = place;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.with(Number(key), changed(value[Number(key)] ?? null, rest, change));
  if (!isObject(value)) return value;
  return { ...value, [key]: changed(value[key] ?? null, rest, change) };
}
