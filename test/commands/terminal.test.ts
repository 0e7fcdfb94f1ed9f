import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { escaped } from "../../src/api/escaped.ts";
import { xml, xmlLines } from "../../src/commands/review/ci-reports.ts";
import { isColored, jsonText, terminalConsole, yamlText } from "../../src/commands/terminal.ts";

it("a name cannot begin a line, move the cursor or turn what follows", () => {
  expect(escaped("a\nModelServing x: admitted\r\u001b[2J\u009b\u202e")).toBe(
    "a\\nModelServing x: admitted\\r\\u001b[2J\\u009b\\u202e",
  );
});

it("JSON has no control character as it is, and says the same", () => {
  const value = { a: "\u009b\u202e\u007f\n" };
  const shown = jsonText(value);
  expect(shown).toContain("\\u009b\\u202e\\u007f\\n");
  expect(JSON.parse(shown)).toEqual(value);
});

it("colours are the writer's alone: what looks like one in a text is shown escaped", async () => {
  const stdout = new PassThrough();
  const console = terminalConsole({ stdin: new PassThrough(), stdout, stderr: new PassThrough() }, {});
  const { red } = console.paint("always");
  console.print([`${red("bad")} \u001b[32mgood`]);
  stdout.end();
  expect(await text(stdout)).toBe("\u001b[31mbad\u001b[39m \\u001b[32mgood\n");
});

it.each([
  ["auto", true, {}, true],
  ["auto", false, {}, false],
  ["auto", true, { NO_COLOR: "1" }, false],
  ["auto", true, { NO_COLOR: "" }, true],
  ["auto", false, { FORCE_COLOR: "1" }, true],
  ["auto", true, { FORCE_COLOR: "0" }, false],
  ["auto", true, { TERM: "dumb" }, false],
  ["always", false, { NO_COLOR: "1" }, true],
  ["never", true, { FORCE_COLOR: "1" }, false],
] as const)("--color %s on a terminal %s with %o: %s", (when, terminal, variables, colored) => {
  expect(isColored(when, terminal, variables)).toBe(colored);
});

it("progress is a line in place of the last on a terminal, and nothing elsewhere", async () => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 20 });
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr };
  const { progress } = terminalConsole(streams, {});
  progress?.("modelservings: 200 of 5000");
  progress?.("");
  stderr.end();
  expect(await text(stderr)).toBe("\r\u001b[2Kmodelservings: 200 \r\u001b[2K");
  expect(terminalConsole({ ...streams, stderr: new PassThrough() }, {}).progress).toBeUndefined();
  expect(terminalConsole(streams, { TERM: "dumb" }).progress).toBeUndefined();
});

it("YAML has no control character as it is, and says the same", () => {
  const value = { "k\u009b": ["\u202e\u007f\n\nx\u001b", "a\nb", "plain"], n: 1 };
  const shown = yamlText(value);
  expect(shown).toMatch(/^[\n -~]*$/);
  expect(shown).toContain("- plain\n");
  expect(parse(shown)).toEqual(value);
});

it("no name begins a line of a report for pipelines", () => {
  const name = "a\nrefused <b>\r\u001b\u0007\u202e\uffff";
  const shown = "a\\nrefused &lt;b&gt;\\r\\u001b\\u0007\\u202e\ufffd";
  expect(xml(name)).toBe(shown);
  expect(xmlLines([name, "c"])).toBe(`${shown}\nc`);
});

it("lines are as wide as the terminal that they are printed on", () => {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 72 });
  const streams = { stdin: new PassThrough(), stdout, stderr: new PassThrough() };
  expect(terminalConsole(streams, {}).width).toBe(72);
  expect(terminalConsole({ ...streams, stdout: new PassThrough() }, {}).width).toBeUndefined();
});
