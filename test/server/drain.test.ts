import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import type { Reviewer } from "../../src/admission/verdict.ts";
import { admit, keepAlive, post, type Running, review, start } from "./client.ts";
import { startLoad } from "./load.ts";

const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

async function serve(reviewer: Reviewer = admit): Promise<Running> {
  const one = await start({ "/mutate": reviewer });
  running.push(one);
  return one;
}

/** Takes its time, as one that has to ask the API server does. */
function slow(milliseconds: number): Reviewer {
  return async (request) => {
    await pause(milliseconds);
    return admit(request);
  };
}

describe("draining under load", () => {
  it("fails no request while the next replica takes over", async () => {
    const first = await serve(slow(2));
    const second = await start({ "/mutate": slow(2) }, {}, first.pair);
    running.push(second);
    let target = first.port;
    const load = startLoad(16, first.pair.ca, () => target);
    await pause(200);
    const drained = first.server.drain({ graceMs: 1500, limitMs: 10_000 });
    // Before the endpoint is withdrawn, new connections still come here.
    const late = await post(first.port, first.pair.ca, "/mutate", review(), {
      agent: keepAlive(first.pair.ca),
    });
    expect(late.status).toBe(200);
    expect(late.headers.connection).toBe("keep-alive");
    target = second.port;
    await drained;
    await pause(100);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered()).toBeGreaterThan(200);
    expect(second.lines.length).toBeGreaterThan(0);
    await expect(post(first.port, first.pair.ca, "/mutate", review())).rejects.toThrow("ECONNREFUSED");
  });

  it("is over as soon as the clients that were sending have gone", async () => {
    const { server, pair, port } = await serve();
    const agent = keepAlive(pair.ca);
    await post(port, pair.ca, "/mutate", review(), { agent });
    const started = performance.now();
    const drained = server.drain({ graceMs: 50, lingerMs: 5000, limitMs: 8000 });
    await pause(150);
    const { headers } = await post(port, pair.ca, "/mutate", review(), { agent });
    expect(headers.connection).toBe("close");
    await drained;
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("draining", () => {
  it("says not ready at once and stays alive", async () => {
    const { server, send, ready } = await serve();
    expect((await send("/readyz", undefined)).status).toBe(200);
    const drained = server.drain({ graceMs: 200, limitMs: 2000 });
    const answer = await send("/readyz", undefined);
    expect([answer.status, answer.text]).toEqual([503, "shutting down\n"]);
    expect((await send("/healthz", undefined)).status).toBe(200);
    expect(ready.ready).toBe(true);
    await drained;
  });

  it("does not wait for a connection on which nobody has asked for anything yet, as Go's clients hold them", async () => {
    const { server, pair, port, lines } = await serve();
    const spare = connect({ host: "127.0.0.1", port, ca: pair.ca, servername: "localhost" });
    await once(spare, "secureConnect");
    const closed = once(spare, "close");
    await server.drain({ graceMs: 50, lingerMs: 100, limitMs: 20_000 });
    await closed;
    expect(lines.join()).not.toContain("cut connections");
  });

  it("answers a request that is under way, and closes its connection with it", async () => {
    const { send, server } = await serve(slow(300));
    const answer = send("/mutate", review());
    await pause(100);
    await server.drain({ graceMs: 0, limitMs: 5000 });
    const { status, headers } = await answer;
    expect([status, headers.connection]).toEqual([200, "close"]);
  });

  it("closes connections that are idle", async () => {
    const { server, pair, port } = await serve();
    const agent = keepAlive(pair.ca);
    await post(port, pair.ca, "/mutate", review(), { agent });
    const started = performance.now();
    await server.drain({ graceMs: 50, limitMs: 5000 });
    expect(performance.now() - started).toBeLessThan(2000);
    agent.destroy();
  });

  it("ends at its limit whatever is still under way, and says so", async () => {
    const { send, server, lines } = await serve(slow(60_000));
    const answer = send("/mutate", review());
    const cut = expect(answer).rejects.toThrow("socket hang up");
    await pause(100);
    const started = performance.now();
    await server.drain({ graceMs: 50, limitMs: 300 });
    expect(performance.now() - started).toBeLessThan(1500);
    await cut;
    expect(lines.join()).toContain("cut connections that did not end in time");
  });

  it("can be asked for twice and before anything listened", async () => {
    const { server } = await serve();
    await Promise.all([
      server.drain({ graceMs: 50, limitMs: 500 }),
      server.drain({ graceMs: 50, limitMs: 500 }),
    ]);
  });
});
