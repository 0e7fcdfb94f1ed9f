import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import { undecided } from "../../src/admission/response.ts";
import type { JsonObject } from "../../src/api/json.ts";
import { ASK } from "../../src/api/names.ts";
import { reviewDeclared, reviewOptions } from "../../src/commands/review/command.ts";
import { review } from "../../src/commands/review/review.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { loadAccess } from "../../src/kube/config.ts";
import { RULES } from "../../src/rules/index.ts";
import { recordingConsole } from "../commands/recording-console.ts";
import { readPage } from "./console-blocks.ts";

/** deploy/troubleshooting.md quotes what is really printed, and names what is really there. */

const ROOT = join(import.meta.dirname, "../..");
const page = await readPage("deploy/troubleshooting.md");

function rowsUnder(heading: string): string[] {
  const rest = page.slice(page.indexOf(`\n## ${heading}\n`) + 1);
  const end = rest.indexOf("\n## ");
  const lines = (end < 0 ? rest : rest.slice(0, end)).split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(1);
}

const quotesIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, quote = ""]) => quote);

const example = (name: string): Promise<string> => readFile(join(ROOT, "examples", name), "utf8");

async function reviewed(text: string): Promise<string> {
  const console = recordingConsole(text);
  const command = reviewDeclared().parse(["-f", "-", "-o", "findings"], { from: "user" });
  await review(reviewOptions([], command.opts(), "test"), console);
  return console.output;
}

afterEach(() => vi.unstubAllEnvs());

describe("messages of kthena-ascend", () => {
  /** By the rule in parentheses, or the first words. */
  const printed: Record<string, () => Promise<string>> = {
    "injection/not-asked": async () =>
      reviewed((await example("modelserving/single-node.yaml")).replace(/ +kthena-ascend.*\n/, "")),
    "npu/unknown-count": async () => reviewed(await example("refused/unreadable-arguments.yaml")),
    "npu/parallel-size": async () => reviewed(await example("refused/too-few-npus.yaml")),
    "annotations/name": async () =>
      reviewed((await example("modelserving/single-node.yaml")).replace("io/inject", "io/injct")),
    "injection/incomplete": async () => {
      const { validate } = createReviewers({ defaultsFor: () => resolveDefaults([]) });
      const lean = parse(await example("modelserving/single-node.yaml")) as JsonObject;
      const { response } = await validate(requestFor(lean, "models"));
      return `${response.status?.message} (${response.auditAnnotations?.denied})`;
    },
    "kthena-ascend cannot decide now": async () => {
      const request = requestFor({ apiVersion: "a/v1", kind: "ModelServing", metadata: { name: "m" } }, "n");
      return String(undecided(request, "the Namespace cannot be read").response.status?.message);
    },
    "there is no kubeconfig": async () => {
      vi.stubEnv("KUBECONFIG", "/nowhere");
      return JSON.stringify(loadAccess({ from: "default" }));
    },
  };

  it.each(rowsUnder("Messages of kthena-ascend"))("%s", async (row) => {
    const [cell = ""] = row.replace(/^\| /, "").split(" | ");
    const [quote = ""] = quotesIn(cell);
    const [, rule] = /\(([a-z]+\/[a-z-]+)\)/.exec(cell) ?? [];
    const print = printed[rule ?? quote];
    expect(print, "nothing provokes it").toBeDefined();
    const text = await print?.();
    expect(text).toContain(quote);
    if (rule !== undefined) expect(text).toContain(`(${rule})`);
  });
});

it("webhooks, rules and annotations that the page names are there", async () => {
  const install = await readFile(join(ROOT, "deploy/install.yaml"), "utf8");
  const ids = RULES.map(({ id }) => id);
  for (const quote of quotesIn(page)) {
    const [, webhook] = /webhook "([\w.-]+)"/.exec(quote) ?? [];
    if (webhook !== undefined) expect(install).toContain(`name: ${webhook}`);
    const [annotation] = /^kthena-ascend\.io\/[\w-]+/.exec(quote) ?? [];
    if (annotation !== undefined) expect(Object.values(ASK)).toContain(annotation);
    if (/^[a-z]+\/[a-z-]+$/.test(quote)) expect(ids).toContain(quote);
  }
});

it("settings that the page names can stand in a defaults document", async () => {
  const all = quotesIn(page).filter((quote) => /^(?:npu|hccl|driverMounts)\.\w+$/.test(quote));
  expect(all.length).toBeGreaterThan(2);
  const schema = JSON.parse(await readFile(join(ROOT, "schemas/defaults.json"), "utf8"));
  for (const path of all)
    expect(schema).toHaveProperty(path.split(".").flatMap((key) => ["properties", key]));
});
