import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const src = join(import.meta.dirname, "../src");

/** From the top down: a folder imports from itself and from those behind it. */
const LAYERS = [
  "main.ts",
  "commands",
  "observe",
  "reconciler",
  "cluster",
  "server",
  "admission",
  "conditions",
  "rules",
  "injectors",
  "pinning",
  "readings",
  "certs",
  "kinds",
  "kube",
  "defaults",
  "engines",
  "interrupt",
  "api",
];
/** They take data and give data: no I/O, no server, no Kubernetes client. */
const PURE = [
  "admission",
  "conditions",
  "rules",
  "injectors",
  "pinning",
  "readings",
  "kinds",
  "defaults",
  "engines",
  "api",
];
const IMPURE = /^(node:(?!crypto$)|fastify|@kubernetes\/|pino|prom-client|selfsigned|commander)/;

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const layerOf = (file: string): string => file.split("/")[0] ?? "";

/** What a file imports: files of the project by their place in src, packages by name. */
function importsOf(file: string): { files: string[]; packages: string[] } {
  const text = readFileSync(join(src, file), "utf8");
  const named = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g)].map(([, name = ""]) => name);
  const own = named.filter((name) => name.startsWith("."));
  return {
    files: own.map((name) => relative(src, resolve(src, file, "..", name))),
    packages: named.filter((name) => !name.startsWith(".")),
  };
}

describe("the layers of src", () => {
  it("are the folders that there are", () => {
    expect([...new Set(files.map(layerOf))].sort()).toEqual([...LAYERS].sort());
  });

  it("are told by the page of architecture, in their order", () => {
    const page = readFileSync(join(src, "README.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([a-z.]+)` \| (yes)? ?\|/gm)];
    expect(rows.map(([, name]) => name)).toEqual(LAYERS);
    expect(rows.flatMap(([, name, pure]) => (pure ? [name] : [])).sort()).toEqual([...PURE].sort());
  });

  it("import downwards only", () => {
    const upwards = files.flatMap((file) =>
      importsOf(file)
        .files.filter((other) => LAYERS.indexOf(layerOf(other)) < LAYERS.indexOf(layerOf(file)))
        .map((other) => `${file} imports ${other}`),
    );
    expect(upwards).toEqual([]);
  });

  it("do no I/O where they are pure", () => {
    const impure = files
      .filter((file) => PURE.includes(layerOf(file)))
      .flatMap((file) =>
        importsOf(file)
          .packages.filter((name) => IMPURE.test(name))
          .map((name) => `${file} imports ${name}`),
      );
    expect(impure).toEqual([]);
  });
});
