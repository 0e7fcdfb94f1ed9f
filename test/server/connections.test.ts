import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { admit, keepAlive, post, type Running, review, start } from "./client.ts";

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A connection on which a test writes what it likes. */
async function dial({ port, pair }: Running): Promise<TLSSocket> {
  const socket = connect({ port, host: "localhost", ca: pair.ca });
  // The server may cut it; the tests look at what arrived until then.
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

/** All that arrives until the server ends the connection. */
async function untilEnd(socket: TLSSocket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "close");
  return Buffer.concat(parts).toString();
}

const head = (length: number): string =>
  `POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

describe("a client that is slow or greedy", () => {
  it("is cut when it does not finish its headers", async () => {
    running = await start({ "/mutate": admit }, { limits: { headers: 200, request: 400, check: 50 } });
    const socket = await dial(running);
    socket.write("POST /mutate HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    expect(await untilEnd(socket)).toContain("408 Request Timeout");
  });

  it("is cut when it does not finish its body", async () => {
    running = await start({ "/mutate": admit }, { limits: { headers: 200, request: 400, check: 50 } });
    const socket = await dial(running);
    socket.write(`${head(100)}{`);
    expect(await untilEnd(socket)).toContain("408 Request Timeout");
  });

  it("is cut when it connects and says nothing", async () => {
    running = await start({ "/mutate": admit }, { limits: { headers: 200, request: 400, check: 50 } });
    const socket = await dial(running);
    expect(await untilEnd(socket)).toContain("408 Request Timeout");
  });

  it("gets 431 for headers above 16 KiB", async () => {
    running = await start({ "/mutate": admit });
    const socket = await dial(running);
    socket.write(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-large: ${"x".repeat(17_000)}\r\n\r\n`);
    expect(await untilEnd(socket)).toContain("431 ");
  });

  it("gets 400 for what is no HTTP", async () => {
    running = await start({ "/mutate": admit });
    const socket = await dial(running);
    socket.write("nonsense\r\n\r\n");
    expect(await untilEnd(socket)).toContain("400 Bad Request");
  });
});

describe("a kept connection", () => {
  it("outlives the time limit of the headers while it is idle", async () => {
    running = await start({ "/mutate": admit }, { limits: { headers: 100, request: 100, check: 20 } });
    const agent = keepAlive(running.pair.ca);
    const send = () => post(running?.port ?? 0, "", "/mutate", review(), { agent });
    expect((await send()).status).toBe(200);
    const [socket] = Object.values(agent.freeSockets).flat();
    await pause(400);
    expect((await send()).status).toBe(200);
    expect(Object.values(agent.freeSockets).flat()).toEqual([socket]);
    agent.destroy();
  });

  it("is promised for longer than the 90 s that the API server keeps it", async () => {
    running = await start({ "/mutate": admit });
    const agent = keepAlive(running.pair.ca);
    const { headers } = await post(running.port, running.pair.ca, "/mutate", review(), { agent });
    expect(headers["keep-alive"]).toBe("timeout=95");
    agent.destroy();
  });

  it("is closed when it was idle for too long", async () => {
    running = await start({ "/mutate": admit }, { limits: { keepAlive: 100 } });
    const socket = await dial(running);
    socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    expect(await untilEnd(socket)).toContain("200 OK");
  });

  it("goes on after a body that was too large", async () => {
    running = await start({ "/mutate": admit }, { limits: { bodyBytes: 100_000 } });
    const agent = keepAlive(running.pair.ca);
    const send = (size: number) =>
      post(running?.port ?? 0, "", "/mutate", review({ object: { filler: "x".repeat(size) } }), { agent });
    for (let turn = 0; turn < 5; turn++) {
      expect((await send(5_000_000)).status).toBe(413);
      expect((await send(50_000)).status).toBe(200);
    }
    agent.destroy();
  });
});

describe("the body limit", () => {
  it("holds for a body that does not tell its length", async () => {
    running = await start({ "/mutate": admit }, { limits: { bodyBytes: 1000 } });
    const socket = await dial(running);
    const answer = once(socket, "data");
    const chunk = "x".repeat(600);
    socket.write(head(0).replace("content-length: 0", "transfer-encoding: chunked"));
    for (let part = 0; part < 3; part++) socket.write(`258\r\n${chunk}\r\n`);
    expect(String(await answer)).toContain("413 ");
    socket.destroy();
  });

  it("is 7 MiB to the byte", async () => {
    running = await start({ "/mutate": admit });
    const body = (bytes: number): string => {
      const empty = review({ object: { filler: "" } });
      return empty.replace('"filler":""', `"filler":"${"x".repeat(bytes - empty.length)}"`);
    };
    const limit = 7 * 1024 * 1024;
    expect((await running.send("/mutate", body(limit))).status).toBe(200);
    expect((await running.send("/mutate", body(limit + 1))).status).toBe(413);
  });
});
