import { expect, test } from "vitest";
import { UsageError } from "../../src/commands/console.ts";
import { defaultsDeclared, defaultsOptions } from "../../src/commands/defaults/command.ts";
import { serveClusterOptions, serveDeclared, serveOptions } from "../../src/commands/serve/options.ts";

const facts = { hostName: "host", podName: undefined, podNamespace: "sys" };

function parsed(args: readonly string[]) {
  const command = serveDeclared()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  command.parse(args, { from: "user" });
  return {
    flags: command.opts(),
    given: (name: string) => command.getOptionValueSource(name as "port") === "cli",
  };
}

const cluster = (...args: string[]) =>
  serveClusterOptions(parsed(["--release=r", ...args]).flags, facts, "test");

function defaultsOf(...args: string[]) {
  const command = defaultsDeclared().parse(args, { from: "user" });
  const given = (name: string): boolean => command.getOptionValueSource(name as "output") === "cli";
  return defaultsOptions(command.opts(), given, "t");
}

test("a pod needs nothing but the release: the rest comes from its environment", () => {
  expect(
    serveClusterOptions(parsed(["--release=r"]).flags, { ...facts, podName: "r-1" }, "test"),
  ).toMatchObject({
    release: "r",
    namespace: "sys",
    identity: "r-1",
    source: { from: "in-cluster" },
    certificates: { from: "managed", leafDays: 90, caDays: 3650, settleSeconds: 60 },
    leaseSeconds: 15,
    namespacedDefaults: true,
    reconciler: "conditions",
    metricsPort: 9090,
    port: 8443,
    host: "0.0.0.0",
  });
});

test("two replicas without a pod's name do not get the same identity", () => {
  expect(cluster().identity).not.toBe(cluster().identity);
});

test.each([
  [
    ["--certificates=files", "--tls-cert-file=a"],
    "--tls-private-key-file is missing: --certificates files needs it",
  ],
  [["--tls-cert-file=a"], "--tls-cert-file and --tls-private-key-file go with --certificates files"],
  [["--leaf-days=90", "--ca-days=100"], "--ca-days: 100 is less than five times --leaf-days, 90"],
  [["--defaults=x"], "--defaults: in a cluster they come from the ConfigMap kthena-ascend-defaults"],
])("%j is refused: %s", (args, message) => {
  expect(() => cluster(...args)).toThrow(new UsageError(message));
});

test.each([
  ["--lease-seconds=1", "argument '1' is invalid. It must be a whole number from 5 to 3600."],
  ["--metrics-port=x", "argument 'x' is invalid. It must be a whole number from 0 to 65535."],
  ["--reconciler=on", "argument 'on' is invalid. Allowed choices are conditions, status, off."],
  ["--certificates=vault", "argument 'vault' is invalid. Allowed choices are managed, files."],
])("%s is refused: %s", (arg, message) => {
  expect(() => cluster(arg)).toThrow(message);
});

test("without a namespace the release cannot be found, and the message says where it was looked for", () => {
  expect(() =>
    serveClusterOptions(parsed(["--release=r"]).flags, { ...facts, podNamespace: undefined }, "t"),
  ).toThrow("--namespace is missing, and so is POD_NAMESPACE");
});

test("options of a cluster are refused without --release", () => {
  const { flags, given } = parsed(["--metrics-port=1"]);
  expect(() => serveOptions(flags, given)).toThrow("--metrics-port goes with --release");
});

test("defaults come from files or from a cluster, not from both", () => {
  expect(defaultsOf("-d", "a").cluster).toBeUndefined();
  expect(defaultsOf("--namespace", "n").cluster).toMatchObject({ namespace: "n", release: "kthena-ascend" });
  expect(() => defaultsOf("-d", "a", "--context", "c")).toThrow("give one of them");
});
