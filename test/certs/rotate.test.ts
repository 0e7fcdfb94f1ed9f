import { expect, test } from "vitest";
import { nextStep } from "../../src/certs/rotate.ts";
import { issueCa, issueLeaf } from "../../src/certs/self-made.ts";
import { dnsNamesOf } from "../../src/certs/service-names.ts";
import { readSecret } from "../../src/certs/store.ts";
import { fingerprint, lifeOf } from "../../src/certs/x509.ts";
import { configuration, POLICY, World } from "./world.ts";

async function running(): Promise<World> {
  const world = new World();
  await world.settle();
  world.pass(1_000_000);
  await world.settle();
  world.forget();
  return world;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

test("a first start: CA and certificate at once, then the bundle", async () => {
  const world = new World();
  expect(await world.settle()).toEqual(["establish", "publish"]);
  const { ca, leaf, problems } = world.stored;
  expect(problems).toEqual([]);
  const years = ca ? (lifeOf(ca.certificate).to - world.now) / 365 / 86_400_000 : 0;
  expect(years).toBeCloseTo(10, 1);
  expect(leaf?.certificate.x509.subjectAltName).toBe(
    "DNS:hook.ka.svc, DNS:hook.ka, DNS:hook, DNS:hook.ka.svc.cluster.local",
  );
  expect(leaf?.certificate.x509.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  expect(world.trusted.map((cas) => cas.length)).toEqual([2, 2]);
  // Entries that lead to another service are not touched.
  expect(world.configurations[0]?.webhooks?.[1]?.clientConfig.caBundle).toBeUndefined();
});

test("the certificate is renewed at two thirds of its life, and the bundle is left alone", async () => {
  const world = await running();
  const before = JSON.stringify(world.configurations);
  world.days(59);
  expect(await world.settle()).toEqual([]);
  world.days(1.1);
  expect(await world.settle()).toEqual(["issue-leaf from ca"]);
  expect(JSON.stringify(world.configurations)).toBe(before);
  expect(world.clashes()).toBe(0);
});

const ROTATION = ["add-next-ca", "publish", "issue-leaf from next", "promote-next-ca", "publish"];

test("a new CA comes in its order, and at no time is something served that is not trusted", async () => {
  const world = await running();
  const old = world.stored.ca;
  world.ask("ca");
  let clashes = 0;
  let turns = 0;
  for (let wait = 0; wait < 60; wait += 1) {
    const step = await world.turn();
    clashes += world.clashes();
    if (step.do === "nothing") break;
    // Small steps of time, so that the laggards are looked at on the way.
    if (step.do === "wait") world.pass(Math.min(step.ms, 10_000));
    turns += 1;
  }
  expect(world.steps.slice(-5)).toEqual(ROTATION);
  expect(clashes).toBe(0);
  expect(turns).toBeGreaterThan(10);
  const { ca, next, request } = world.stored;
  expect([next, request]).toEqual([undefined, undefined]);
  expect(ca && old && fingerprint(ca.certificate) !== fingerprint(old.certificate)).toBe(true);
  expect(world.trusted.flat().every((one) => ca && fingerprint(one) === fingerprint(ca.certificate))).toBe(
    true,
  );
});

test("without the time to settle it would clash: the check above sees what it is there to see", async () => {
  const world = new World({ ...POLICY, settleMs: 0 });
  await world.settle();
  world.pass(1_000_000);
  world.forget();
  world.ask("ca");
  let clashes = 0;
  await world.settle(() => {
    clashes += world.clashes();
  });
  expect(clashes).toBeGreaterThan(0);
});

test("a crash after any step of a rotation: the next one goes on and finishes it, and nothing clashes", async () => {
  for (let crashAfter = 1; crashAfter <= ROTATION.length; crashAfter += 1) {
    const world = await running();
    world.ask("ca");
    let steps = 0;
    let clashes = 0;
    const done = await world.settle(() => {
      steps += 1;
      clashes += world.clashes();
      if (steps === crashAfter) world.crash();
    });
    expect(done).toEqual(ROTATION);
    expect(clashes).toBe(0);
  }
});

test("a crash before every single turn only makes it longer", async () => {
  const world = await running();
  world.ask("ca");
  // With a process that never lives long enough to see anything settle, nothing is switched.
  for (let turn = 0; turn < 20; turn += 1) {
    world.crash();
    await world.turn();
    world.pass(10_000);
    expect(world.clashes()).toBe(0);
  }
  expect(world.steps.slice(-2)).toEqual(["add-next-ca", "publish"]);
  expect((await world.settle()).at(-1)).toBe("publish");
});

test("a CA near its end is replaced, and one whose key is lost too", async () => {
  const world = await running();
  for (let month = 0; month < 8 * 12 + 1; month += 1) {
    world.days(30);
    await world.settle();
  }
  expect(world.steps).not.toContain("add-next-ca");
  world.days(60);
  expect(await world.settle()).toContain("promote-next-ca");

  const other = await running();
  other.crash();
  other.damage((data) => delete data["ca.key"]);
  expect(await other.settle()).toEqual(ROTATION);
  expect(other.clashes()).toBe(0);
});

test("damage is put right from memory: the same certificates, and the bundle untouched", async () => {
  const damages: ((data: Record<string, string>) => void)[] = [
    (data) => delete data["tls.crt"],
    (data) => delete data["ca.crt"],
    (data) => delete data["ca.key"],
    (data) => {
      data["tls.key"] = base64("garbage");
    },
    (data) => {
      data["tls.crt"] = base64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    },
    (data) => {
      data["ca.crt"] = "";
    },
  ];
  for (const damage of damages) {
    const world = await running();
    const whole = { ...world.secret?.data };
    world.damage(damage);
    expect(await world.settle()).toEqual(["restore"]);
    expect(world.secret?.data).toEqual(whole);
    expect(world.clashes()).toBe(0);
  }
});

test("a Secret that somebody deleted comes back, and is then replaced in good order", async () => {
  const world = await running();
  const before = world.stored.ca;
  world.secret = undefined;
  expect(await world.settle()).toEqual(["restore", ...ROTATION]);
  const { ca } = world.stored;
  expect(before && ca && fingerprint(before.certificate) !== fingerprint(ca.certificate)).toBe(true);
  expect(world.clashes()).toBe(0);
});

test("damage that nobody remembers the repair of leads to new certificates, with the old CA trusted for a while", async () => {
  const world = await running();
  world.crash();
  world.secret = undefined;
  expect((await world.turn()).do).toBe("establish");
  expect((await world.turn()).do).toBe("publish");
  expect(world.trusted.map((cas) => cas.length)).toEqual([4, 4]);
  expect(await world.settle()).toEqual(["publish"]);
  expect(world.trusted.map((cas) => cas.length)).toEqual([2, 2]);
  world.crash();
  world.damage((data) => delete data["tls.key"]);
  expect(await world.settle()).toEqual(["issue-leaf from ca"]);
  world.crash();
  world.damage((data) => {
    delete data["tls.key"];
    delete data["ca.key"];
  });
  expect((await world.settle()).slice(0, 2)).toEqual(["establish", "publish"]);
});

test("a bundle that was emptied, filled with rubbish or with a foreign CA is put right", async () => {
  const world = await running();
  const entry = () => world.configurations[1]?.webhooks?.[2]?.clientConfig ?? {};
  delete entry().caBundle;
  expect(await world.settle()).toEqual(["publish"]);
  entry().caBundle = base64("rubbish");
  expect(await world.settle()).toEqual(["publish"]);
  entry().caBundle = base64((await issueCa("foreign", 10, new Date(world.now))).cert);
  expect(await world.settle()).toEqual(["publish", "publish"]);
  expect(world.trusted.map((cas) => cas.length)).toEqual([2, 2]);
});

test("configurations that are not there keep nothing waiting; one that comes in the middle of a rotation is served", async () => {
  const world = new World();
  world.configurations = [];
  expect(await world.settle()).toEqual(["establish"]);
  world.ask("ca");
  expect((await world.turn()).do).toBe("add-next-ca");
  world.configurations = [configuration("validating")];
  expect((await world.turn()).do).toBe("publish");
  expect(await world.settle()).toEqual(["issue-leaf from next", "promote-next-ca", "publish"]);
});

test("a half-made rotation that was damaged: the next CA is dropped, or takes over", async () => {
  const world = await running();
  world.ask("ca");
  await world.turn();
  world.crash();
  world.damage((data) => {
    data["next-ca.key"] = base64("rubbish");
  });
  expect(await world.settle()).toEqual(["drop-next-ca"]);

  const other = await running();
  other.ask("ca");
  await other.turn();
  await other.turn();
  other.crash();
  other.damage((data) => delete data["ca.crt"]);
  expect((await other.settle()).slice(0, 2)).toEqual(["promote-next-ca", "issue-leaf from ca"]);
});

test("a certificate that is expired, foreign, or for another service is replaced", async () => {
  const world = await running();
  world.days(91);
  expect(await world.settle()).toEqual(["issue-leaf from ca"]);
  const foreign = await issueLeaf(
    await issueCa("x", 10),
    { dnsNames: POLICY.dnsNames, days: 10 },
    new Date(world.now),
  );
  world.crash();
  world.damage((data) => {
    data["tls.crt"] = base64(foreign.cert);
    data["tls.key"] = base64(foreign.key);
  });
  expect(await world.settle()).toEqual(["issue-leaf from ca"]);
  const renamed = new World({ ...POLICY, dnsNames: dnsNamesOf({ name: "new", namespace: "ka" }) });
  renamed.now = world.now;
  renamed.secret = world.secret;
  renamed.configurations = world.configurations;
  expect(await renamed.settle()).toEqual(["issue-leaf from ca"]);
});

test("asking for a new certificate gives one, once; an unknown wish is nothing", async () => {
  const world = await running();
  world.ask("leaf");
  expect(await world.settle()).toEqual(["issue-leaf from ca"]);
  expect(await world.settle()).toEqual([]);
  world.ask("everything");
  expect(await world.settle()).toEqual([]);
});

test("with nothing to do it looks again when the next thing is due, and daily at least", async () => {
  const world = await running();
  const step = nextStep(
    { stored: world.stored, entries: [], trustedForMs: 1e9, leafForMs: 1e9 },
    world.now,
    POLICY,
  );
  expect(step).toEqual({ do: "nothing", lookAgainMs: 86_400_000 });
});

test("what a Secret lacks is said in words", () => {
  expect(readSecret(undefined)).toMatchObject({
    empty: true,
    problems: ["ca.crt is missing", "tls.crt is missing"],
  });
  const data = { "ca.crt": base64("x"), "tls.crt": base64("y"), "next-ca.key": base64("z") };
  expect(readSecret({ metadata: { name: "s" }, data })).toMatchObject({
    empty: false,
    problems: [
      "ca.crt holds no CA certificate that can be read",
      "next-ca.key is there without next-ca.crt",
      "tls.crt holds no certificate that can be read",
    ],
  });
});
