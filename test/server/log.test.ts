import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { createLog } from "../../src/observe/log.ts";

const logModule = new URL("../../src/observe/log.ts", import.meta.url).href;

/** Runs a program that logs to standard error; gives what arrived there. */
async function standardErrorOf(program: string): Promise<string> {
  const code = `import { createLog } from ${JSON.stringify(logModule)}; const log = createLog("info"); ${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const parts: Buffer[] = [];
  child.stderr.on("data", (part: Buffer) => parts.push(part));
  await once(child, "close");
  return Buffer.concat(parts).toString();
}

describe("the log", () => {
  it("writes one JSON line an entry, with level and time in words", () => {
    const lines: string[] = [];
    createLog("info", { write: (line) => lines.push(line) }).info({ port: 8443 }, "serving");
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? "");
    expect(line).toMatchObject({ level: "info", port: 8443, msg: "serving" });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it("leaves out what is below its level", () => {
    const lines: string[] = [];
    createLog("warn", { write: (line) => lines.push(line) }).info("hello");
    expect(lines).toEqual([]);
  });

  it("takes out fields that hold secrets, also of errors", () => {
    const lines: string[] = [];
    const log = createLog("info", { write: (line) => lines.push(line) });
    const err = Object.assign(new Error("HTTP 403"), {
      headers: { authorization: "hunter2" },
      body: "hunter2",
    });
    log.error({ err, key: "hunter2", env: [{ name: "TOKEN", value: "hunter2" }] }, "failed");
    expect(lines.join()).not.toContain("hunter2");
    expect(lines.join()).toContain("HTTP 403");
  });

  it.each([
    ["exits", "process.exit(0);"],
    ["is done", ""],
    ["crashes", "throw new Error('crash');"],
  ])("is complete when the process %s", async (_how, end) => {
    const text = await standardErrorOf(`for (let n = 0; n < 500; n++) log.info({ n }, "line"); ${end}`);
    expect(text.split("\n").filter((line) => line.startsWith("{"))).toHaveLength(500);
  });

  it("is written soon where nothing follows", async () => {
    const text = await standardErrorOf(
      `log.info("one"); setTimeout(() => process.kill(process.pid, "SIGKILL"), 1000);`,
    );
    expect(text).toContain('"msg":"one"');
  });
});
