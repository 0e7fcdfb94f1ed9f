import { expect, test } from "vitest";
import { objectOf } from "../../src/api/json.ts";
import { EventRecorder, type Happening } from "../../src/kube/events.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";
import { type Call, fakeApiServer, status, until } from "./fake-api-server.ts";

const HAPPENING: Happening = {
  regarding: { apiVersion: "v1", kind: "ConfigMap", namespace: "ns", name: "defaults", uid: "u1" },
  type: "Warning",
  reason: "DefaultsInvalid",
  action: "Load",
  note: "hccl.socketIfname: must be a string",
};

async function recorder(answer: (call: Call) => unknown = () => ({ metadata: {} }), seriesMs = 50) {
  const server = await fakeApiServer(answer);
  const options = { controller: "kthena-ascend.io/webhook", instance: "pod-1", seriesMs, burstPerObject: 3 };
  const events = new EventRecorder(server.client, options, {
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  return {
    server,
    events,
    async [Symbol.asyncDispose]() {
      await events.stop(100);
      await server[Symbol.asyncDispose]();
    },
  };
}

test("the same thing again and again is one event with a count", async () => {
  await using r = await recorder();
  for (let time = 0; time < 50; time += 1) r.events.record(HAPPENING);
  await until(() => r.server.calls.length === 1, "created");
  expect(r.server.calls[0]?.body).toMatchObject({
    ...HAPPENING,
    reportingController: "kthena-ascend.io/webhook",
    reportingInstance: "pod-1",
  });
  for (let time = 0; time < 50; time += 1) r.events.record(HAPPENING);
  await until(() => r.server.calls.length >= 2, "updated");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(r.server.calls.length).toBeLessThanOrEqual(3);
  const last = r.server.calls.at(-1);
  expect(last?.method).toBe("PATCH");
  expect(last?.body).toMatchObject({ series: { count: 100 } });
});

test("an object gets no more than its share of different events", async () => {
  await using r = await recorder();
  for (let index = 0; index < 10; index += 1) r.events.record({ ...HAPPENING, note: `note ${index}` });
  r.events.record({ ...HAPPENING, regarding: { ...HAPPENING.regarding, name: "other" } });
  await until(() => r.server.calls.length === 4, "three and one");
  expect(r.events.dropped).toBe(7);
});

test("an event that the server has deleted begins again", async () => {
  await using r = await recorder(({ method }) =>
    method === "PATCH" ? status(404, "NotFound") : { metadata: {} },
  );
  r.events.record(HAPPENING);
  await until(() => r.server.calls.length === 1, "created");
  r.events.record(HAPPENING);
  await until(() => r.server.calls.filter(({ method }) => method === "POST").length === 2, "created again");
});

test("a server that is away is tried again, one that refuses is not, and nobody is thrown at", async () => {
  let answers = 0;
  await using away = await recorder(() => (++answers < 3 ? status(500, "InternalError") : { metadata: {} }));
  away.events.record(HAPPENING);
  await until(() => answers === 3, "tried again");
  await using refusing = await recorder(() => status(403, "Forbidden"));
  refusing.events.record(HAPPENING);
  await until(() => refusing.events.dropped === 1, "given up");
  expect(refusing.server.calls).toHaveLength(1);
});

test("what comes while another write is under way is written too before the end", async () => {
  await using r = await recorder(undefined, 0);
  for (let time = 0; time < 5; time += 1) r.events.record(HAPPENING);
  await r.events.stop();
  expect(r.server.calls.at(-1)?.body).toMatchObject({ series: { count: 5 } });
});

test("what is open is written at the end, and long notes are cut between letters", async () => {
  await using r = await recorder(undefined, 60_000);
  r.events.record({ ...HAPPENING, note: "ü".repeat(2_000) });
  await until(() => r.server.calls.length === 1, "created");
  r.events.record({ ...HAPPENING, note: "ü".repeat(2_000) });
  await r.events.stop();
  expect(r.server.calls.map(({ method }) => method)).toEqual(["POST", "PATCH"]);
  const note = String(objectOf(r.server.calls[0]?.body).note);
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(note).toMatch(/^ü+…$/);
});

test("a note has no control but line breaks, and is short before it is kept", async () => {
  await using r = await recorder();
  r.events.record({ ...HAPPENING, note: `a\u001b[2J\u009b\nb${"c".repeat(3_000_000)}` });
  await until(() => r.server.calls.length === 1, "created");
  const { note } = objectOf(r.server.calls[0]?.body);
  expect(note).toMatch(/^a\\u001b\[2J\\u009b\nbc+…$/);
  expect(Buffer.byteLength(String(note))).toBeLessThanOrEqual(1024);
});
