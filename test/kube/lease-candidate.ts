// A candidate for a Lease as a process of its own, which a test can freeze and kill.
// Arguments: kubeconfig, namespace, identity. Prints `holds` or `idle` with the machine's monotonic time.
import { KubeClient } from "../../src/kube/client.ts";
import { LeaderElection } from "../../src/kube/lease.ts";
import { silentLog, systemClock } from "../../src/kube/surroundings.ts";

const [file = "", namespace = "", identity = ""] = process.argv.slice(2);
const election = new LeaderElection(
  new KubeClient({ source: { from: "file", file }, userAgent: "candidate" }),
  {
    lease: { namespace, name: "l" },
    identity,
    leaseDurationMs: 3_000,
    renewDeadlineMs: 2_000,
    retryMs: 300,
    lead() {},
  },
  // A clock that is years off: only the own monotonic one may count.
  {
    clock: { ...systemClock, now: () => Date.now() + identity.length * 1e11 },
    random: Math.random,
    log: silentLog,
  },
);
election.start();
setInterval(() => {
  // The time is taken after the question: what is printed as held was held until then.
  const holds = election.holds();
  process.stdout.write(`${holds ? "holds" : "idle"} ${process.hrtime.bigint() / 1_000_000n}\n`);
}, 20);
process.on("SIGTERM", async () => {
  await election.stop();
  process.exit(0);
});
