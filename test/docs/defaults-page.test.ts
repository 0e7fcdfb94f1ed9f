import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseDefaults } from "../../src/defaults/parse.ts";
import { runCommand } from "../cluster/control-plane/command.ts";

const ROOT = join(import.meta.dirname, "..", "..");

async function sectionOf(heading: string): Promise<string> {
  const page = await readFile(join(ROOT, "src/defaults/README.md"), "utf8");
  const rest = page.slice(page.indexOf(`\n## ${heading}\n`) + 1);
  return rest.slice(0, rest.indexOf("\n## "));
}

test("the commands of one document of all run as they stand there", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-page-"));
  try {
    for (const name of ["src", "node_modules", "package.json"])
      await symlink(join(ROOT, name), join(folder, name));
    await writeFile(join(folder, "site.yaml"), "platform: mindcluster\n");
    await writeFile(join(folder, "team.yaml"), 'rules: {"*": warn}\n');
    const blocks = [...(await sectionOf("One document of all")).matchAll(/```console\n([\s\S]*?)```/g)];
    const lines = blocks.flatMap(([, block = ""]) => block.trimEnd().split("\n"));
    const script = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
    expect(script).toHaveLength(5);
    const { stdout } = await runCommand("bash", ["-euo", "pipefail", "-c", script.join("\n")], {
      cwd: folder,
      timeoutMs: 100_000,
    });
    expect(stdout).toContain("platform: mindcluster # whole.yaml\n");
    expect(stdout).toMatch(/^npu\/count-shape +warn .*"\*" in whole\.yaml$/m);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(lines.at(-1));
    expect(JSON.parse(await readFile(join(folder, "ascend-defaults.schema.json"), "utf8")).title).toBe(
      "AscendDefaults",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the document under Credentials is accepted", async () => {
  const [, text = ""] = /```yaml\n([\s\S]*?)```/.exec(await sectionOf("Credentials")) ?? [];
  expect(parse(text)).toHaveProperty("kvConnectors");
  expect(parseDefaults(text, "page")).toMatchObject({ ok: true });
});
