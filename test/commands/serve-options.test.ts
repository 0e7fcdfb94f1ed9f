import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/commands/console.ts";
import { defaultsOptions } from "../../src/commands/defaults.ts";
import type { Values } from "../../src/commands/option-values.ts";
import { serveClusterOptions, serveOptions } from "../../src/commands/serve-options.ts";

const facts = { hostName: "host", podName: undefined, podNamespace: "sys" };
const cluster = (values: Values) => serveClusterOptions({ release: "r", ...values }, facts, "test");

test("a pod needs nothing but the release: the rest comes from its environment", () => {
  expect(serveClusterOptions({ release: "r" }, { ...facts, podName: "r-1" }, "test")).toMatchObject({
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
  expect(cluster({}).identity).not.toBe(cluster({}).identity);
});

describe.each([
  [
    { certificates: "files", "tls-cert-file": "a" },
    "--tls-private-key-file is missing: --certificates files needs it",
  ],
  [{ "tls-cert-file": "a" }, "--tls-cert-file and --tls-private-key-file go with --certificates files"],
  [{ "leaf-days": "90", "ca-days": "100" }, "--ca-days: 100 is less than five times --leaf-days, 90"],
  [{ "lease-seconds": "1" }, "--lease-seconds: 1 is no number from 5 to 3600"],
  [{ "metrics-port": "x" }, "--metrics-port: x is no number from 0 to 65535"],
  [{ reconciler: "on" }, "--reconciler: on is none of conditions, status, off"],
  [{ certificates: "vault" }, "--certificates: vault is none of managed, files"],
  [{ defaults: ["x"] }, "--defaults: in a cluster they come from the ConfigMap kthena-ascend-defaults"],
] as const)("%o", (values, message) => {
  test(`is refused: ${message}`, () => {
    expect(() => cluster(values as unknown as Values)).toThrow(new UsageError(message));
  });
});

test("without a namespace the release cannot be found, and the message says where it was looked for", () => {
  expect(() => serveClusterOptions({ release: "r" }, { ...facts, podNamespace: undefined }, "t")).toThrow(
    "--namespace is missing, and so is POD_NAMESPACE",
  );
});

test("options of a cluster are refused without --release", () => {
  expect(() => serveOptions({ "metrics-port": "1" })).toThrow("--metrics-port goes with --release");
});

test("defaults come from files or from a cluster, not from both", () => {
  expect(defaultsOptions({ defaults: ["a"] }, "t").cluster).toBeUndefined();
  expect(defaultsOptions({ namespace: "n" }, "t").cluster).toMatchObject({
    namespace: "n",
    releaseNamespace: "kthena-ascend-system",
  });
  expect(() => defaultsOptions({ defaults: ["a"], context: "c" }, "t")).toThrow("give one of them");
});
