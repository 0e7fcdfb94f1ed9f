import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { selfMadePair } from "../../src/certs/self-made.ts";
import { admit, keepAlive, post, type Running, review, start } from "./client.ts";

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

describe("a new certificate", () => {
  it("is served to new connections while open ones go on without a failure", async () => {
    const { server, port, pair } = await admitting();
    const agent = keepAlive(pair.ca);
    let answered = 0;
    let going = true;
    const load = (async () => {
      while (going) {
        expect((await post(port, pair.ca, "/mutate", review(), { agent })).status).toBe(200);
        answered++;
      }
    })();
    for (let turn = 0; turn < 5; turn++) {
      const next = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
      server.replaceCertificate(next);
      expect((await post(port, next.ca, "/mutate", review())).status).toBe(200);
      await expect(post(port, pair.ca, "/mutate", review())).rejects.toThrow();
    }
    going = false;
    await load;
    agent.destroy();
    expect(answered).toBeGreaterThan(5);
  });
});

describe("draining", () => {
  it("fails no request of clients that keep their connections, and says not ready at once", async () => {
    const { server, port, pair, send } = await admitting();
    const agents = Array.from({ length: 8 }, () => keepAlive(pair.ca));
    const results: number[] = [];
    // A client that is told to close dials anew, and by then the endpoint is withdrawn: it goes elsewhere.
    const loads = agents.map(async (agent) => {
      for (let told = false; !told; ) {
        const { status, headers } = await post(port, pair.ca, "/mutate", review(), { agent });
        results.push(status);
        told = headers.connection === "close";
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const drained = server.drain({ graceMs: 400, limitMs: 5000 });
    expect((await send("/readyz", undefined)).status).toBe(503);
    await Promise.all([drained, ...loads]);
    for (const agent of agents) agent.destroy();
    running = undefined;
    expect(new Set(results)).toEqual(new Set([200]));
    expect(results.length).toBeGreaterThan(50);
  });

  it("answers a request that is under way", async () => {
    running = await start({
      "/mutate": async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        return admit(request);
      },
    });
    const { send, server } = running;
    const answer = send("/mutate", review());
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.drain({ graceMs: 0, limitMs: 5000 });
    running = undefined;
    expect((await answer).status).toBe(200);
  });
});
