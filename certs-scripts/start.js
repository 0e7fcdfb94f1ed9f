import { existsSync, readFileSync } from "node:fs";

/**
 * Runs `kthena-ascend certs NAME` with the arguments of this process: of the sources in a checkout, of the built program
 * in the package and the image. Plain JavaScript: a Node that is too old must be able to read what says so.
 * @param {"bootstrap" | "inspect" | "rotate"} name
 */
export async function start(name) {
  const sources = existsSync(new URL("../src/main.ts", import.meta.url));
  const folder = sources ? "../src/" : "../dist/";
  const { unsupportedNode } = await import(`${folder}commands/supported-node.js`);
  const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const problem = unsupportedNode(process.versions.node, engines.node);
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 2;
    return;
  }
  process.argv.splice(2, 0, "certs", name);
  await import(`${folder}main.${sources ? "ts" : "js"}`);
}
