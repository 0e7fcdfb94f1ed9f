import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

/** Logs for a while as a replica does, and exits. */
const PROGRAM = `
  import { createLog } from ${JSON.stringify(pathToFileURL("src/observe/log.ts").href)};
  const log = createLog("info");
  for (let line = 0; line < 8; line += 1) {
    log.info({ line }, "x".repeat(1_000));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  log.info("the last");
  process.stdout.write("still here");
  process.exit(0);
`;

async function run(standardError: number | "pipe") {
  const args = ["--input-type=module", "-e", PROGRAM];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", standardError] });
  const [said, logged, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : "",
    child.stderr ? text(child.stderr) : "",
    once(child, "exit"),
  ]);
  return { said, logged, code: code as number };
}

describe("the log", () => {
  it("is written to standard error, to the last line", async () => {
    const { logged, code } = await run("pipe");
    expect(code).toBe(0);
    expect(logged.trim().split("\n")).toHaveLength(9);
    expect(logged).toContain("the last");
  });

  it("ends nothing when the disk is full, and lets the process exit", async () => {
    const full = openSync("/dev/full", "w");
    const { said, code } = await run(full);
    closeSync(full);
    expect([said, code]).toEqual(["still here", 0]);
  });
});
