import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

async function packageJson(): Promise<{ dependencies: Record<string, string>; bin: Record<string, string> }> {
  return JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
}

/** The packages that the sources import, without types: those are gone in the built program. */
async function importedPackages(): Promise<string[]> {
  const found = new Set<string>();
  for await (const file of glob("src/**/*.ts", { cwd: ROOT })) {
    const source = await readFile(join(ROOT, file), "utf8");
    for (const [, types, specifier = ""] of source.matchAll(
      /^(?:import|export) (type )?[^"`;]* from "([^"]+)";$/gm,
    )) {
      if (types !== undefined || specifier.startsWith(".") || specifier.startsWith("node:")) continue;
      const [scope = "", name = ""] = specifier.split("/");
      found.add(scope.startsWith("@") ? `${scope}/${name}` : scope);
    }
  }
  return [...found].sort();
}

test("everything that the program imports is installed without development dependencies", async () => {
  const { dependencies } = await packageJson();
  const imported = await importedPackages();
  expect(imported).toContain("fastify");
  expect(imported.filter((name) => !(name in dependencies))).toEqual([]);
});

test("the image starts what the package has as its command, and copies what the build reads", async () => {
  const { bin } = await packageJson();
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`ENTRYPOINT ["node", "/app/${bin["kthena-ascend"]}"]`);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) =>
    names.split(" "),
  );
  const ignored = (await readFile(join(ROOT, ".dockerignore"), "utf8")).trim().split("\n");
  expect(ignored[0]).toBe("*");
  expect(new Set(copied)).toEqual(new Set(ignored.slice(1).map((line) => line.replace("!", ""))));
});

test("the image runs on the version of Node that the project is tested with", async () => {
  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const { version } = lock.packages["node_modules/node"];
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`\nARG NODE_IMAGE=node:${version}-bookworm-slim\n`);
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(new Set(bases)).toEqual(new Set([`\${NODE_IMAGE}`]));
});

test("the image and the package have the schemas and the scripts for certificates", async () => {
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const image = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  const { files } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  for (const folder of ["certs-scripts", "schemas"]) {
    expect(image).toContain(`\nCOPY ${folder} ${folder}\n`);
    expect(files).toContain(folder);
  }
});
