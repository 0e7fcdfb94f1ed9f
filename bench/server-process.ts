// A server in a process of its own: `floor` parses the body and answers with fixed bytes, `ours` is the webhook, and
// `shell` its server alone, with a reviewer that answers the same patch without a look.
import { createServer } from "node:https";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createReviewers } from "../src/admission/index.ts";
import type { Reviewer } from "../src/admission/verdict.ts";
import type { AdmissionReviewAnswer } from "../src/api/admission-review.ts";
import { tuneV8 } from "../src/commands/serve/long-running.ts";
import { resolveDefaults } from "../src/defaults/resolve.ts";
import { createLog } from "../src/observe/log.ts";
import { createAdmissionServer } from "../src/server/server.ts";

interface Start {
  which: "floor" | "ours" | "shell";
  cert: string;
  key: string;
  /** What the floor answers: as long as ours. */
  reply: string;
}

process.once("message", (message: Start) => {
  void (message.which === "floor" ? floor(message) : ours(message)).then((port) => process.send?.({ port }));
});
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on("message", (message: { usage?: boolean }) => {
  if (!message.usage) return;
  const { user, system } = process.cpuUsage();
  process.send?.({ rss: process.memoryUsage.rss(), cpu: user + system, blocked: delay.max / 1e6 });
  delay.reset();
});

function floor({ cert, key, reply }: Start): Promise<number> {
  const bytes = Buffer.from(reply);
  const server = createServer({ cert, key, keepAliveTimeout: 95_000 }, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      JSON.parse(Buffer.concat(parts).toString());
      response.setHeader("content-type", "application/json");
      response.setHeader("content-length", bytes.length);
      response.end(bytes);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function ours({ which, cert, key, reply }: Start): Promise<number> {
  tuneV8();
  const defaults = resolveDefaults([]);
  const { response } = JSON.parse(reply) as AdmissionReviewAnswer;
  const fixed: Reviewer = () => ({ response, outcome: "patched", findings: [], operations: 1 });
  const reviewers = createReviewers({ defaultsFor: () => defaults });
  const { mutate, validate } = which === "shell" ? { mutate: fixed, validate: fixed } : reviewers;
  const server = createAdmissionServer({
    routes: { "/mutate": mutate, "/validate": validate },
    tls: { cert, key },
    log: createLog("info"),
    readiness: () => ({ ready: true, reasons: [] }),
  });
  return server.listen({ host: "127.0.0.1", port: 0 });
}
