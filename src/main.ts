#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { unsupportedNode } from "./commands/supported-node.js";

// Nothing else is imported before the version of Node is known: what is too old could not even read it.
const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const problem = unsupportedNode(process.versions.node, engines.node);
// A bug ends with its stack, and not with the code of a refusal.
process.exitCode = 2;
if (problem !== undefined) process.stderr.write(`${problem}\n`);
else {
  const { runProcess } = await import("./commands/process.ts");
  process.exitCode = await runProcess(process);
}
