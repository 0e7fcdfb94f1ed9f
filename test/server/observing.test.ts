import { afterEach, describe, expect, it } from "vitest";
import type { Reviewer } from "../../src/admission/verdict.ts";
import type { Observation } from "../../src/server/server.ts";
import { admit, type Running, review, start } from "./client.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A server that notes what it tells its observer. */
async function observed(reviewer: Reviewer): Promise<{ server: Running; seen: Observation[] }> {
  const seen: Observation[] = [];
  running = await start({ "/mutate": reviewer }, { onReview: (observation) => seen.push(observation) });
  return { server: running, seen };
}

describe("the observer", () => {
  it("is told of a review, its verdict and its time", async () => {
    const { server, seen } = await observed(admit);
    await server.send("/mutate", review({ uid: "u-3" }));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ path: "/mutate", outcome: "unchanged", status: 200 });
    expect(seen[0]?.request?.uid).toBe("u-3");
    expect(seen[0]?.verdict?.response.allowed).toBe(true);
    expect(seen[0]?.seconds).toBeGreaterThan(0);
    expect(seen[0]?.seconds).toBeLessThan(1);
  });

  it("is told of a reviewer that rejects", async () => {
    const { server, seen } = await observed(async () => {
      throw new Error("secret detail");
    });
    const { status, text } = await server.send("/mutate", review({ uid: "u-4" }));
    expect(status).toBe(200);
    expect(JSON.parse(text).response).toMatchObject({ uid: "u-4", allowed: false, status: { code: 500 } });
    expect(seen[0]).toMatchObject({ outcome: "failed", verdict: undefined });
  });

  it.each([
    [400, "{", "application/json"],
    [415, review(), "text/plain"],
    [413, review({ object: { filler: "x".repeat(8_000_000) } }), "application/json"],
  ])("is told of what was no review and got %i", async (status, body, type) => {
    const { server, seen } = await observed(admit);
    const answer = await server.send("/mutate", body, { headers: { "content-type": type } });
    expect(answer.status).toBe(status);
    expect(seen[0]).toMatchObject({ path: "/mutate", request: undefined, outcome: "unreadable", status });
    expect(seen[0]?.problem).toBeTruthy();
    expect(JSON.parse(server.lines[0] ?? "")).toMatchObject({ path: "/mutate", status, level: 40 });
  });

  it("that throws changes no answer and is logged", async () => {
    running = await start(
      { "/mutate": admit },
      {
        onReview: () => {
          throw new Error("metrics broke");
        },
      },
    );
    for (let turn = 0; turn < 2; turn++) {
      expect((await running.send("/mutate", review())).status).toBe(200);
    }
    expect(running.lines.join()).toContain("metrics broke");
  });
});

describe("an answer", () => {
  it("carries the uid of its request even where the reviewer gives another", async () => {
    running = await start({ "/mutate": (request) => admit({ ...request, uid: "other" }) });
    const { text } = await running.send("/mutate", review({ uid: "u-5" }));
    expect(JSON.parse(text).response.uid).toBe("u-5");
  });

  it("that cannot be written as JSON is a bug like a throw", async () => {
    running = await start({
      "/mutate": (request) => {
        const verdict = admit(request);
        return { ...verdict, response: { ...verdict.response, warnings: [1n as unknown as string] } };
      },
    });
    const { status, text } = await running.send("/mutate", review({ uid: "u-6" }));
    expect(status).toBe(200);
    expect(JSON.parse(text).response).toMatchObject({ uid: "u-6", allowed: false, status: { code: 500 } });
  });

  it("that is an error is text, which the API server shows to the user", async () => {
    running = await start({ "/mutate": admit });
    const { headers, text } = await running.send(
      "/mutate",
      review({ uid: "u-7" }, "admission.k8s.io/v1beta1"),
    );
    expect(headers["content-type"]).toContain("text/plain");
    expect(text).toContain("u-7");
  });

  it("does not quote a body that is no JSON", async () => {
    running = await start({ "/mutate": admit });
    const { text } = await running.send("/mutate", '{"password": hunter2}');
    expect(text).not.toContain("hunter2");
    expect(running.lines.join()).not.toContain("hunter2");
  });

  it("comes from further paths as well", async () => {
    running = await start({ "/mutate": admit, "/mutate-status": admit });
    expect((await running.send("/mutate-status", review())).status).toBe(200);
  });
});

describe("the log line", () => {
  it("names rules once and the reason of a skip", async () => {
    const finding = {
      severity: "warn",
      path: "spec",
      cause: "FieldValueInvalid",
      message: "m",
      fix: "f",
    } as const;
    running = await start({
      "/mutate": (request) => ({
        ...admit(request),
        outcome: "skipped",
        skipReason: "opted-out",
        findings: [
          { ...finding, rule: "npu/a" },
          { ...finding, rule: "npu/a", value: "hunter2" },
        ],
      }),
    });
    const object = { metadata: { generateName: "base-" } };
    await running.send("/mutate", review({ name: undefined, object }));
    const line = JSON.parse(running.lines[0] ?? "");
    expect(line).toMatchObject({
      verdict: "skipped",
      skipped: "opted-out",
      rules: ["npu/a"],
      object: "n/base-",
    });
    expect(running.lines.join()).not.toContain("hunter2");
  });
});
