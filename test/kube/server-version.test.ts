import { describe, expect, it } from "vitest";
import { ServerVersion } from "../../src/cluster/server-version.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";

type Answer = Awaited<ReturnType<KubeClient["serverVersion"]>>;

const failed = (code?: number): Answer => ({
  ok: false,
  failure: { reason: "Test", message: "no", ...(code === undefined ? {} : { code }) } as Extract<
    Answer,
    { ok: false }
  >["failure"],
});

/** Asks a server that answers so one after another, without pauses; gives how often it was asked. */
async function ask(answers: Answer[]) {
  let asked = 0;
  const client = { serverVersion: async () => answers[asked++] ?? failed() };
  const clock = { ...systemClock, sleep: async () => {} };
  const version = new ServerVersion(client, { clock, random: () => 0, log: silentLog });
  const before = version.known;
  await new Promise<void>((resolve) => version.start(resolve));
  await version.stop();
  return { before, known: version.known, value: version.value, asked };
}

describe("the API server's version", () => {
  it("is asked for until there is an answer", async () => {
    const answers = [failed(), failed(503), failed(429), { ok: true as const, value: "v1.36.3" }];
    expect(await ask(answers)).toEqual({ before: false, known: true, value: "v1.36.3", asked: 4 });
  });

  it("is left open where the server does not tell it", async () => {
    expect(await ask([failed(403)])).toEqual({ before: false, known: true, value: undefined, asked: 1 });
  });
});
