import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

async function pages(): Promise<string[]> {
  const { stdout } = await promisify(execFile)("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
    cwd: ROOT,
  });
  return stdout.split("\n").filter((name) => name !== "");
}

/** The anchors that a page has, as code hosts make them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = withoutCode(text).matchAll(/^#{1,6} (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "");
}

/** What is wrong with the links of one page. */
async function brokenLinks(page: string): Promise<string[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const own = links.filter((target) => !/^[a-z]+:/.test(target));
  const broken = await Promise.all(
    own.map(async (target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      const there = await access(file).then(
        () => true,
        () => false,
      );
      if (!there) return [`${page}: ${target}: no such file`];
      if (anchor === undefined) return [];
      return anchorsOf(await readFile(file, "utf8")).has(anchor)
        ? []
        : [`${page}: ${target}: no such heading`];
    }),
  );
  return broken.flat();
}

test("every link of every page leads to a file, and to a heading that is there", async () => {
  const names = await pages();
  expect(names).toContain("README.md");
  expect((await Promise.all(names.map(brokenLinks))).flat()).toEqual([]);
});

test("every heading that a message of the program names is there", async () => {
  const { stdout } = await promisify(execFile)(
    "git",
    ["grep", "-hoE", '"[a-zA-Z/]+\\.md#[a-z-]+"', "--", "src/*.ts"],
    {
      cwd: ROOT,
    },
  );
  const places = [...new Set(stdout.trim().split("\n"))].map((text) => text.slice(1, -1).split("#"));
  expect(places.length).toBeGreaterThan(5);
  for (const [page = "", anchor = ""] of places)
    expect(anchorsOf(await readFile(join(ROOT, page), "utf8")).has(anchor), `${page}#${anchor}`).toBe(true);
});
