import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { generate } from "selfsigned";
import { afterEach, describe, expect, it } from "vitest";
import { issueCa, selfMadePair } from "../../src/certs/self-made.ts";
import { readClientCa, watchClientCa } from "../../src/server/client-ca.ts";
import type { Shed } from "../../src/server/server.ts";
import { until } from "../kube/fake-api-server.ts";
import { admit, keepAlive, post, type Running, review, start } from "./client.ts";

let running: Running | undefined;
const sockets: TLSSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await running?.stop();
  running = undefined;
});

async function dial({ port, pair }: Running, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: "localhost", ca: pair.ca, ...options });
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

const head = (length: number): string =>
  `POST /mutate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

/** All that arrived so far. */
function received(socket: TLSSocket): () => string {
  let text = "";
  socket.on("data", (part: Buffer) => {
    text += part.toString("latin1");
  });
  return () => text;
}

describe("bodies that are held back", () => {
  it("give way, the largest first, to those that arrive; what is shed is told with 429 and a time", async () => {
    const shed: Shed[] = [];
    const limits = { underWayBytes: 300_000 };
    running = await start({ "/mutate": admit }, { limits, onShed: (what) => shed.push(what) });
    const slow = await Promise.all([1, 2, 3, 4, 5].map(() => dial(running as Running)));
    const answers = slow.map(received);
    for (const socket of slow) socket.write(`${head(100_000)}${"x".repeat(99_999)}`);
    await until(() => shed.length >= 2, "shed");
    expect(running.server.bytesUnderWay()).toBeLessThanOrEqual(300_000);
    // Ordinary reviews are answered all the while.
    expect((await running.send("/mutate", review())).status).toBe(200);
    const told = answers.map((answer) => answer()).filter((text) => text.startsWith("HTTP/1.1 429"));
    expect(told.length).toBe(shed.length);
    expect(told[0]).toContain("retry-after: 1");
    expect(told[0]).toContain("ask again in a moment");
    expect(new Set(shed)).toEqual(new Set(["body"]));
  });

  it("take what has come of them, not what they announce", async () => {
    running = await start({ "/mutate": admit }, { limits: { underWayBytes: 2_000_000 } });
    const idle = await Promise.all(Array.from({ length: 8 }, () => dial(running as Running)));
    for (const socket of idle) socket.write(`${head(7_000_000)}{`);
    await until(() => (running?.server.bytesUnderWay() ?? 0) > 0, "some");
    expect(running.server.bytesUnderWay()).toBeLessThanOrEqual(8 * 65_536);
    expect((await running.send("/mutate", review())).status).toBe(200);
  });

  it("are forgotten when their connection goes", async () => {
    running = await start({ "/mutate": admit });
    const socket = await dial(running);
    socket.write(`${head(100_000)}${"x".repeat(50_000)}`);
    await until(() => (running?.server.bytesUnderWay() ?? 0) > 0, "some");
    socket.destroy();
    await until(() => running?.server.bytesUnderWay() === 0, "none");
  });

  it("count until the review is decided", async () => {
    let decide = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const slow = async (request: Parameters<typeof admit>[0]) => {
      await waiting;
      return admit(request);
    };
    running = await start({ "/mutate": slow });
    const answer = running.send("/mutate", review());
    await until(() => (running?.server.bytesUnderWay() ?? 0) >= review().length, "held");
    decide();
    expect((await answer).status).toBe(200);
    await until(() => running?.server.bytesUnderWay() === 0, "none");
  });

  it("arrive whole however they are cut into pieces", async () => {
    const seen: unknown[] = [];
    const object = { text: "é€😀".repeat(40_000) } as never;
    running = await start({
      "/mutate": (request) => {
        seen.push(request.object);
        return admit(request);
      },
    });
    const body = Buffer.from(review({ object }));
    const socket = await dial(running);
    const answer = received(socket);
    socket.write(head(body.length));
    for (let from = 0; from < body.length; from += 1_013) {
      socket.write(body.subarray(from, from + 1_013));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => answer().includes("200 OK"), "answer");
    expect(seen).toEqual([object]);
  });
});

it("an answer that nobody reads is given up after a while, and what it held is free again", async () => {
  const shed: Shed[] = [];
  const patch = "x".repeat(12_000_000);
  const limits = { answer: 200, check: 50 };
  running = await start(
    { "/mutate": ({ uid }) => ({ ...admit({ uid } as never), response: { uid, allowed: true, patch } }) },
    { limits, onShed: (what) => shed.push(what) },
  );
  const socket = await dial(running);
  socket.pause();
  const body = review();
  socket.write(`${head(body.length)}${body}`);
  await until(() => shed.includes("answer"), "given up");
  await until(() => running?.server.bytesUnderWay() === 0, "free");
});

describe("connections beyond the bound", () => {
  it("take the place of those never used; one that is kept and used stays", async () => {
    const shed: Shed[] = [];
    running = await start(
      { "/mutate": admit },
      { limits: { connections: 10 }, onShed: (what) => shed.push(what) },
    );
    const agent = keepAlive(running.pair.ca);
    const ports = new Set<unknown>();
    const ask = async () => {
      const answer = await post(running?.port ?? 0, running?.pair.ca ?? "", "/mutate", review(), { agent });
      for (const list of Object.values(agent.freeSockets)) ports.add(list?.[0]?.localPort);
      return answer.status;
    };
    expect(await ask()).toBe(200);
    for (let dialled = 0; dialled < 40; dialled += 1) await dial(running);
    expect(await ask()).toBe(200);
    expect(ports.size).toBe(1);
    expect(shed.filter((what) => what === "connection").length).toBeGreaterThanOrEqual(31);
    await until(() => sockets.filter(({ closed, destroyed }) => !closed && !destroyed).length <= 9, "closed");
    agent.destroy();
  });
});

describe("with a client CA", () => {
  async function withCa() {
    const ca = await issueCa("clients", 1);
    const made = await generate([{ name: "commonName", value: "kube-apiserver" }], {
      algorithm: "sha256",
      keyType: "ec",
      ca,
      extensions: [{ name: "extKeyUsage", clientAuth: true }],
    });
    const client = { cert: made.cert, key: made.private };
    running = await start({ "/mutate": admit }, { clientCa: ca.cert });
    return { client, send: running.send, running };
  }

  it("a review is answered to who shows a certificate of it, over kept and new connections", async () => {
    const { client, send } = await withCa();
    expect((await send("/mutate", review(), client)).status).toBe(200);
    expect((await send("/mutate", review(), { ...client, maxVersion: "TLSv1.2" })).status).toBe(200);
  });

  it("nobody else is answered, and a body is not read", async () => {
    const { send } = await withCa();
    const foreign = await selfMadePair({ dnsNames: ["kube-apiserver"], days: 1 });
    for (const options of [{}, { cert: foreign.cert, key: foreign.key }]) {
      const answer = await send("/mutate", review(), options);
      expect(answer.status).toBe(401);
      expect(answer.text).toContain("client certificate");
    }
  });

  it("probes need none", async () => {
    const { send } = await withCa();
    expect((await send("/healthz", undefined)).status).toBe(200);
    expect((await send("/readyz", undefined)).status).toBe(200);
  });

  it("a renewed serving certificate goes on asking for them, and other CAs count for new connections", async () => {
    const { client, send, running: now } = await withCa();
    now.server.replaceCertificate(now.pair);
    expect((await send("/mutate", review())).status).toBe(401);
    expect((await send("/mutate", review(), client)).status).toBe(200);
    now.server.replaceClientCa((await issueCa("others", 1)).cert);
    expect((await send("/mutate", review(), { ...client, agent: false })).status).toBe(401);
  });

  it("its file is read again when it changes, and a broken one changes nothing", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "client-ca-")), "ca.crt");
    const [one, two] = [await issueCa("one", 1), await issueCa("two", 1)];
    await writeFile(file, `# a comment\n${one.cert}`);
    expect(await readClientCa(file)).toBe(one.cert.trim());
    const seen: string[] = [];
    const stop = watchClientCa(file, {
      onCa: (pem) => seen.push(pem),
      log: pino({ level: "silent" }),
      lookMs: 10,
    });
    await until(() => seen.length === 1, "first");
    await writeFile(file, "nothing");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await writeFile(file, `${one.cert}\n${two.cert}`);
    await until(() => seen.length === 2, "second");
    expect(seen[1]).toContain(two.cert.trim());
    stop();
    await expect(readClientCa("/does/not/exist")).rejects.toThrow("/does/not/exist: cannot be read");
  });
});

it("only suites with authenticated encryption are spoken", async () => {
  running = await start({ "/mutate": admit });
  const { port, pair } = running;
  const speaks = (ciphers: string) =>
    new Promise<string>((resolve) => {
      const options = { port, host: "localhost", ca: pair.ca, maxVersion: "TLSv1.2", ciphers } as const;
      const socket = connect(options, () => resolve(socket.getCipher().name));
      socket.on("error", () => resolve("refused"));
      sockets.push(socket);
    });
  expect(await speaks("ECDHE-ECDSA-AES128-GCM-SHA256")).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
  expect(await speaks("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA")).toBe("refused");
});
