// Starts the webhook over HTTPS, sends it the reviews that an API server would send for manifests, and shows the
// answers. Run by `npm run demo [-- FILE...]`.
import { existsSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { dirname, join } from "node:path";
import jsonPatch from "fast-json-patch";
import { createReviewers } from "../../src/admission/index.ts";
import { requestFor } from "../../src/admission/manifest.ts";
import type { AdmissionResponse, Operation } from "../../src/api/admission-review.ts";
import { selfMadePair } from "../../src/certs/self-made.ts";
import { loadDefaults } from "../../src/commands/defaults/load.ts";
import { coloredDiff } from "../../src/commands/manifests/diff.ts";
import { patchedText } from "../../src/commands/manifests/edit.ts";
import {
  findFiles,
  type ManifestObject,
  nameOf,
  objectsOf,
  readManifests,
} from "../../src/commands/manifests/read.ts";
import { terminalConsole } from "../../src/commands/terminal.ts";
import { resolveDefaults } from "../../src/defaults/resolve.ts";
import { createLog } from "../../src/observe/log.ts";
import { createAdmissionServer } from "../../src/server/server.ts";

const console = terminalConsole(process, process.env);
const color = console.paint("auto");
const print = (text: string): void => console.print(text.split("\n"));

const paths = process.argv.slice(2);
/** One model, one pair, one refusal. */
const FIRST = [
  "examples/modelserving/single-node.yaml",
  "examples/modelserving/prefill-decode.yaml",
  "examples/refused/too-few-npus.yaml",
];
/** Of what is added to the pair only what concerns the hand-over is shown: the rest is as for the one model. */
const PAIR_ONLY = /^.*[+-] .*(?:kv-transfer-config|kthena-ascend\.io|ROCE|hccn)/;

process.exitCode = await demo(paths.length > 0 ? paths : FIRST);
if (paths.length === 0)
  print(
    [
      "The rest: npm run demo -- examples    With reasons: npx node src/main.ts review --explain -f FILE",
      "A manifest of yours: npx node src/main.ts new --model Qwen/Qwen3-32B --npus 8",
    ].join("\n"),
  );

async function demo(where: string[]): Promise<number> {
  const pair = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
  let defaults = resolveDefaults([]);
  const { mutate, validate } = createReviewers({ defaultsFor: () => defaults });
  const server = createAdmissionServer({
    routes: { "/mutate": mutate, "/validate": validate },
    tls: pair,
    log: createLog("warn"),
    readiness: () => ({ ready: true, reasons: [] }),
  });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  print(
    color.dim(
      `admission webhook at https://localhost:${port}/mutate, with a certificate made for this run\n`,
    ),
  );
  const { files, unreadable } = await findFiles(where);
  for (const { file, problem } of unreadable) print(color.red(`${file}: ${problem}`));
  let failed = unreadable.length > 0;
  for (const file of files.filter((name) => !/\.complete\.|(^|\/)defaults\.yaml$/.test(name))) {
    // One request follows the other, so each finds the defaults that lie beside its file.
    const beside = join(dirname(file), "defaults.yaml");
    defaults = resolveDefaults(existsSync(beside) ? await loadDefaults([beside]) : []);
    const read = await readManifests(file, async () => "");
    for (const { line, problem } of read.unreadable) print(color.red(`${file}:${line ?? 1}: ${problem}`));
    failed ||= read.unreadable.length > 0;
    for (const item of read.manifests.flatMap(objectsOf)) await show(item, port, pair.ca);
  }
  await server.drain({ graceMs: 0, limitMs: 1000 });
  return failed ? 2 : 0;
}

/** Sends one object and prints the answer. */
async function show(item: ManifestObject, port: number, ca: string): Promise<void> {
  const request = requestFor(item.object, "default");
  const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
  const { ms, response } = await post(JSON.stringify(review), port, ca);
  const head = `${color.bold(`${request.kind.kind} ${nameOf(item.object)}`)} ${color.dim(`(${item.manifest.file}, ${ms.toFixed(1)} ms)`)}`;
  for (const warning of response.warnings ?? []) print(color.yellow(`  Warning: ${warning}`));
  if (!response.allowed) {
    print(`${head}: ${color.red("refused")}`);
    for (const { field, message } of response.status?.details?.causes ?? [])
      print(`  * ${field}: ${message}`);
    print("");
    return;
  }
  const skipped = response.auditAnnotations?.skipped;
  const operations = response.patch
    ? (JSON.parse(Buffer.from(response.patch, "base64").toString()) as Operation[])
    : [];
  if (operations.length === 0) {
    print(`${head}: ${color.green("admitted")} as it is${skipped === undefined ? "" : ` (${skipped})`}\n`);
    return;
  }
  print(`${head}: ${color.green("admitted")} with ${operations.length} operations`);
  const { manifest, at } = item;
  const result = jsonPatch.applyPatch(structuredClone(item.object), structuredClone(operations)).newDocument;
  const after = patchedText(manifest, [{ at, operations, result }]);
  const lines = coloredDiff(manifest.text, after, manifest.line, { color });
  const short = paths.length === 0 && manifest.file === FIRST[1];
  print(`${(short ? lines.filter((line) => PAIR_ONLY.test(line)) : lines).join("\n")}\n`);
}

function post(body: string, port: number, ca: string): Promise<{ ms: number; response: AdmissionResponse }> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: "localhost",
        port,
        ca,
        path: "/mutate",
        method: "POST",
        headers: { "content-type": "application/json" },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => {
          const { response } = JSON.parse(Buffer.concat(parts).toString()) as { response: AdmissionResponse };
          resolve({ ms: performance.now() - start, response });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
