import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { admit, type Running, review, start } from "./client.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function admitting(): Promise<Running> {
  running = await start({ "/mutate": admit });
  return running;
}

describe("a review over a real socket", () => {
  it("is answered with an AdmissionReview that carries its uid", async () => {
    const { send } = await admitting();
    const { status, text, headers } = await send("/mutate", review({ uid: "abc-1" }));
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain("application/json");
    expect(JSON.parse(text)).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "abc-1", allowed: true },
    });
  });

  it("may be up to 7 MiB large", async () => {
    const { send } = await admitting();
    const object = { filler: "x".repeat(6.5 * 1024 * 1024) };
    expect((await send("/mutate", review({ object }))).status).toBe(200);
  });

  it("gets 413 above 7 MiB", async () => {
    const { send } = await admitting();
    const object = { filler: "x".repeat(7.1 * 1024 * 1024) };
    const answer = await send("/mutate", review({ object }));
    expect(answer.status).toBe(413);
    expect(answer.text).toContain("7 MiB");
  });

  it("gets 415 for another content type, and is taken with a charset", async () => {
    const { send } = await admitting();
    const yaml = await send("/mutate", review(), { headers: { "content-type": "application/yaml" } });
    expect(yaml.status).toBe(415);
    expect(yaml.text).toContain("application/json");
    const charset = { headers: { "content-type": "application/json; charset=utf-8" } };
    expect((await send("/mutate", review(), charset)).status).toBe(200);
  });

  it.each([
    ["{", "no JSON"],
    ["", "empty"],
    ["[]", "no AdmissionReview"],
    ["{}", "apiVersion"],
    [JSON.stringify({ ...JSON.parse(review()), request: { uid: "u" } }), "request.kind"],
    [review({ uid: "" }), "request.uid"],
    [review({ object: 3 as never }), "request.object"],
  ])("gets 400 that names what is wrong in %s", async (body, part) => {
    const { send } = await admitting();
    const answer = await send("/mutate", body);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(part);
  });

  it("of another version gets 400 that says which version is served", async () => {
    const { send } = await admitting();
    const answer = await send("/mutate", review({}, "admission.k8s.io/v1beta1"));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("v1beta1 is not served");
    expect(answer.text).toContain("served: admission.k8s.io/v1");
  });

  it("on which a reviewer throws is refused with code 500, its uid and no stack", async () => {
    running = await start({
      "/mutate": () => {
        throw new Error("secret detail");
      },
    });
    const { status, text } = await running.send("/mutate", review({ uid: "u-9" }));
    expect(status).toBe(200);
    const { response } = JSON.parse(text);
    expect(response).toMatchObject({ uid: "u-9", allowed: false, status: { code: 500 } });
    expect(text).not.toContain("secret detail");
    expect(text).toContain("u-9");
    expect(running.lines.join()).toContain("secret detail");
  });

  it("keeps a key named __proto__ as data", async () => {
    let seen: unknown;
    running = await start({
      "/mutate": (request) => {
        seen = Object.keys(request.object ?? {});
        return admit(request);
      },
    });
    const body = review().replace('"object":{}', '"object":{"__proto__":{"polluted":true}}');
    expect((await running.send("/mutate", body)).status).toBe(200);
    expect(seen).toEqual(["__proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("leaves one line in the log, and nothing of the object in it", async () => {
    const { send, lines } = await admitting();
    await send("/mutate", review({ uid: "u-2", dryRun: true, object: { env: "hunter2" } as never }));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      path: "/mutate",
      uid: "u-2",
      kind: "ModelServing",
      object: "n/m",
      operation: "CREATE",
      dryRun: true,
      verdict: "unchanged",
      operations: 0,
    });
    expect(lines.join()).not.toContain("hunter2");
  });
});

describe("other requests", () => {
  it("get 404 with what was asked for", async () => {
    const { send } = await admitting();
    const answer = await send("/other", review());
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("POST /other");
  });

  it("see health at once and readiness with its reasons", async () => {
    const { send, ready } = await admitting();
    expect((await send("/healthz", undefined)).text).toBe("ok\n");
    expect((await send("/readyz", undefined)).status).toBe(200);
    ready.ready = false;
    ready.reasons = ["no defaults yet", "certificate not trusted"];
    const answer = await send("/readyz", undefined);
    expect(answer.status).toBe(503);
    expect(answer.text).toBe("no defaults yet\ncertificate not trusted\n");
  });

  it("need TLS 1.2 at least", async () => {
    const { port, pair } = await admitting();
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({
        port,
        host: "localhost",
        ca: pair.ca,
        maxVersion: "TLSv1.1",
        minVersion: "TLSv1",
      });
      socket.on("secureConnect", () => resolve("connected"));
      socket.on("error", () => resolve("refused"));
    });
    expect(outcome).toBe("refused");
  });
});
