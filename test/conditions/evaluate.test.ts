import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/api/json.ts";
import { CRASH_MEMORY_MS, GANG_SILENCE_MS, SCHEDULING_GRACE_MS } from "../../src/conditions/causes.ts";
import {
  ago,
  available,
  booster,
  condition,
  ended,
  engineStatus,
  judged,
  message,
  NOW,
  type Objects,
  pod,
  podGroup,
  progressing,
  readyStatus,
  route,
  server,
  serving,
  settled,
  unscheduled,
  verdict,
  waiting,
  whole,
} from "./world.ts";

const TAKEN_UP = "Initialized=True TakenUp";
const FINE = "Failed=False NoProblem";

/** Active is False and Failed True for the same reason. */
const failing = (reason: string) => [TAKEN_UP, `Active=False ${reason}`, `Failed=True ${reason}`];
const idle = (reason: string) => [TAKEN_UP, `Active=False ${reason}`, FINE];

const failedPod = (status: ReturnType<typeof engineStatus>) =>
  whole({
    servings: [serving([{ name: "server" }], { status: progressing() })],
    pods: [pod("server", 0, { status })],
  });

/** The table of the page, a row a test. */
const ROWS: [string, Partial<Objects> & { booster: Objects["booster"] }, string[]][] = [
  [
    "nothing but the object itself",
    { booster: booster({}, {}) },
    ["Initialized=False WaitingForKthena", "Active=False WaitingForKthena", FINE],
  ],
  ["taken up, no child yet", { booster: booster() }, idle("ChildrenMissing")],
  ["ModelServing only", whole({ servers: [], routes: [] }), idle("ChildrenMissing")],
  ["ModelRoute missing", whole({ routes: [] }), idle("ChildrenMissing")],
  [
    "ModelServer being deleted",
    whole({ servers: [server({ deletionTimestamp: ago(0) })] }),
    idle("ChildrenMissing"),
  ],
  [
    "ModelServing being deleted",
    whole({ servings: [serving([], { metadata: { deletionTimestamp: ago(0) } })] }),
    idle("ChildrenMissing"),
  ],
  [
    "no pod yet",
    whole({ servings: [serving(undefined, { status: progressing() })], pods: [] }),
    idle("PodsNotReady"),
  ],
  ["a pod starts", failedPod(engineStatus(waiting("ContainerCreating"))), idle("PodsNotReady")],
  [
    "all pods are ready, Kthena has not noticed",
    whole({ servings: [serving(undefined, { status: progressing() })] }),
    idle("ServingNotAvailable"),
  ],
  ["all is there", whole(), [TAKEN_UP, "Active=True Available", FINE]],
  [
    "children made by hand, Kthena away",
    whole({ booster: booster({}, {}) }),
    [TAKEN_UP, "Active=True Available", FINE],
  ],
  ["a pod is lost while the ModelServing still says Available", whole({ pods: [] }), idle("PodsNotReady")],
  [
    "a pod that is going does not count",
    whole({ pods: [pod("server", 0, { metadata: { deletionTimestamp: ago(0) } })] }),
    idle("PodsNotReady"),
  ],
  [
    "a new generation that nobody has taken up",
    whole({ booster: booster({ generation: 2 }) }),
    idle("WaitingForKthena"),
  ],
  [
    "the ModelServing has a new generation",
    whole({ servings: [serving(undefined, { metadata: { generation: 2 } })] }),
    idle("RollingOut"),
  ],
  [
    "the ModelServing replaces its pods",
    whole({ servings: [serving(undefined, { status: progressing(1, "UpdateInProgress") })] }),
    idle("RollingOut"),
  ],
  [
    "scaled to zero groups",
    whole({ servings: [serving(undefined, { replicas: 0 })], pods: [] }),
    idle("ScaledToZero"),
  ],
  [
    "scaled to zero roles",
    whole({ servings: [serving([{ name: "server", replicas: 0 }])], pods: [] }),
    idle("ScaledToZero"),
  ],
  ["under deletion", whole({ booster: booster({ deletionTimestamp: ago(0) }), pods: [] }), idle("Deleting")],
  [
    "a container crashes",
    failedPod(
      engineStatus(waiting("CrashLoopBackOff"), { restartCount: 3, lastState: { terminated: ended(1) } }),
    ),
    failing("Crashing"),
  ],
  [
    "a container has ended",
    failedPod(engineStatus({ terminated: ended(137, "OOMKilled") })),
    failing("Crashing"),
  ],
  [
    "a container runs again after a crash, not ready",
    failedPod(engineStatus({ running: {} }, { restartCount: 1, lastState: { terminated: ended(1) } })),
    failing("Crashing"),
  ],
  [
    "an image that is not there",
    failedPod(engineStatus(waiting("ImagePullBackOff", "no such tag"))),
    failing("ImagePull"),
  ],
  [
    "a Secret that is not there",
    failedPod(engineStatus(waiting("CreateContainerConfigError", 'secret "t" not found'))),
    failing("ContainerConfig"),
  ],
  [
    "an evicted pod",
    failedPod({ phase: "Failed", reason: "Evicted", message: "low on memory" }),
    failing("PodFailed"),
  ],
  [
    "no node has room",
    failedPod(unscheduled("0/4 nodes are available: 4 Insufficient huawei.com/ascend-1980.")),
    failing("Unschedulable"),
  ],
  [
    "a gang that its queue does not let in",
    whole({
      servings: [serving(undefined, { status: progressing() })],
      pods: [pod("server", 0, { node: "", status: { phase: "Pending" } })],
      podGroups: [podGroup({ phase: "Pending" })],
    }),
    failing("GangNotAdmitted"),
  ],
  [
    "a gang that Volcano has not looked at for long",
    whole({
      servings: [serving(undefined, { status: progressing() })],
      pods: [pod("server", 0, { node: "", status: { phase: "Pending" } })],
      podGroups: [podGroup({}, {}, GANG_SILENCE_MS)],
    }),
    failing("GangNotAdmitted"),
  ],
  [
    "Kthena could not make a child: the API server refused it",
    {
      booster: booster(
        {},
        {
          observedGeneration: 1,
          conditions: [
            condition("Failed", "True", "ModelAbnormal", 'admission webhook "v" denied the request: no'),
          ],
        },
      ),
    },
    failing("ChildRefused"),
  ],
  [
    "Kthena could not make children of the spec",
    {
      booster: booster(
        {},
        {
          observedGeneration: 1,
          conditions: [condition("Failed", "True", "ModelAbnormal", "decode worker not found in backend")],
        },
      ),
    },
    ["Initialized=False InvalidSpec", "Active=False InvalidSpec", "Failed=True InvalidSpec"],
  ],
  [
    "Kthena met an error that passes",
    {
      booster: booster(
        {},
        {
          observedGeneration: 1,
          conditions: [
            condition(
              "Failed",
              "True",
              "ModelAbnormal",
              "the object has been modified; please apply your changes",
            ),
          ],
        },
      ),
    },
    idle("ChildrenMissing"),
  ],
  [
    "Kthena's Failed that it does not take back",
    whole({
      booster: booster(
        {},
        {
          observedGeneration: 1,
          conditions: [
            condition("Active", "True", "ModelAvailable"),
            condition("Failed", "True", "ModelAbnormal", "is invalid: x"),
          ],
        },
      ),
    }),
    [TAKEN_UP, "Active=True Available", FINE],
  ],
];

describe("each row of the table", () => {
  test.each(ROWS)("%s", (_row, objects, expected) => {
    expect(verdict(objects)).toEqual(expected);
  });
});

describe("messages say what the person on call needs", () => {
  const two = (text: string, more: Partial<Objects> = {}) =>
    whole({
      servings: [serving([{ name: "prefill", replicas: 2 }], { status: progressing() })],
      pods: [pod("prefill", 0), pod("prefill", 1, { node: "", status: unscheduled(text) })],
      ...more,
    });

  test("NPUs that no node has free", () => {
    const text =
      "0/4 nodes are available: 4 Insufficient huawei.com/ascend-1980. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.";
    expect(message("Failed", two(text))).toBe(
      "prefill 1/2 pods have a node: 0/4 nodes have 8 free huawei.com/ascend-1980 (needs 1 × 8); free NPUs, add nodes, or ask for fewer",
    );
  });

  test("what keeps the nodes away that have NPUs", () => {
    const text =
      "0/4 nodes are available: 1 node(s) had untolerated taint {a: b}, 3 Insufficient huawei.com/ascend-1980.";
    expect(message("Failed", two(text))).toContain(
      "1/4 nodes have 8 free huawei.com/ascend-1980 (needs 1 × 8), 1 node(s) had untolerated taint {a: b};",
    );
  });

  test("another resource with a longer name is not taken for it", () => {
    const text = "0/4 nodes are available: 4 Insufficient huawei.com/ascend-1980-memory.";
    expect(message("Failed", two(text))).toContain(text);
  });

  test("a gang, of which Volcano names no resource", () => {
    const podGroups = [
      podGroup({
        phase: "Inqueue",
        conditions: [
          condition("Unschedulable", "True", "NotEnoughResources", "1/2 tasks in gang unschedulable"),
        ],
      }),
    ];
    expect(message("Failed", two("pod group is not ready", { podGroups }))).toContain(
      "prefill 1/2 pods have a node (needs 1 × 8 huawei.com/ascend-1980): pod group is not ready; gang m-b-0 needs 2 pods at once, 16 huawei.com/ascend-1980 together: 1/2 tasks in gang unschedulable",
    );
  });

  test("a crash: how often, how it ended, after how long, where to look", () => {
    const status = engineStatus(waiting("CrashLoopBackOff"), {
      restartCount: 3,
      lastState: { terminated: ended(1) },
    });
    expect(message("Failed", failedPod(status))).toBe(
      "engine of pod models/m-b-0-server-0-0 has crashed 4 times, last exit 1 (Error) after 12 s; see kubectl logs -n models m-b-0-server-0-0 -c engine --previous",
    );
  });

  test("an image by its name, a missing Secret by the kubelet's words", () => {
    expect(message("Failed", failedPod(engineStatus(waiting("ErrImagePull", "manifest unknown"))))).toContain(
      "the image engine:1 of engine in pod models/m-b-0-server-0-0 cannot be pulled: manifest unknown",
    );
    expect(
      message(
        "Active",
        failedPod(engineStatus(waiting("CreateContainerConfigError", 'secret "t" not found'))),
      ),
    ).toContain('engine of pod models/m-b-0-server-0-0 cannot be made: secret "t" not found');
  });

  test("the queue that does not let a gang in, and one that may not exist", () => {
    const pods = [pod("server", 0, { node: "", status: { phase: "Pending" } })];
    const held = { servings: [serving(undefined, { status: progressing() })], pods };
    expect(message("Failed", whole({ ...held, podGroups: [podGroup({ phase: "Pending" })] }))).toContain(
      "PodGroup models/m-b-0 is not let into queue prod: gang m-b-0 needs 2 pods at once, 16 huawei.com/ascend-1980 together",
    );
    expect(message("Failed", whole({ ...held, podGroups: [podGroup({}, {}, 60_000)] }))).toContain(
      "whether there is a queue prod",
    );
  });

  test("which pods are late, and what they are about", () => {
    const roles = [{ name: "prefill" }, { name: "decode", replicas: 2 }];
    const pods = [pod("prefill"), pod("decode", 0, { status: engineStatus(waiting("ContainerCreating")) })];
    expect(message("Active", whole({ servings: [serving(roles, { status: progressing() })], pods }))).toBe(
      "1/3 pods are ready: prefill 1/1, decode 0/2 (m-b-0-decode-0-0: engine: ContainerCreating); Kthena's controller makes the missing ones, if they stay away see its log",
    );
  });

  test("which children are missing", () => {
    expect(message("Active", whole({ servers: [], routes: [] }))).toContain(
      "ModelServer, ModelRoute are missing",
    );
  });

  test("several causes: the most telling first, the same cause of several pods once", () => {
    const status = engineStatus(waiting("ImagePullBackOff", "no such tag"));
    const pods = [
      pod("server", 2, {
        node: "",
        status: unscheduled("0/1 nodes are available: 1 Insufficient huawei.com/ascend-1980."),
      }),
      pod("server", 0, { status }),
      pod("server", 1, { status }),
    ];
    const objects = whole({
      servings: [serving([{ name: "server", replicas: 3 }], { status: progressing() })],
      pods,
    });
    expect(verdict(objects)).toEqual(failing("ImagePull"));
    expect(message("Failed", objects)).toMatch(
      /^the image engine:1 of engine in pod models\/m-b-0-server-0-0 and of 1 more of server cannot.*Also: server 2\/3 pods/,
    );
  });

  test("an init container that downloads is no crash; one that fails is", () => {
    const status = (state: JsonObject, more: JsonObject = {}): JsonObject => ({
      phase: "Pending",
      initContainerStatuses: [{ name: "m-model-downloader", ready: false, restartCount: 0, state, ...more }],
      containerStatuses: [
        { name: "engine", ready: false, restartCount: 0, state: { waiting: { reason: "PodInitializing" } } },
      ],
    });
    expect(message("Active", failedPod(status({ running: {} })))).toContain(
      "m-model-downloader: running first",
    );
    const failed = failedPod(
      status(
        { waiting: { reason: "CrashLoopBackOff" } },
        { restartCount: 1, lastState: { terminated: ended(2) } },
      ),
    );
    expect(message("Failed", failed)).toContain(
      "m-model-downloader of pod models/m-b-0-server-0-0 has crashed 2 times, last exit 2",
    );
  });
});

describe("a refusal", () => {
  const report = (text: string, more: object = {}) =>
    booster(more as never, {
      observedGeneration: 1,
      conditions: [condition("Failed", "True", "ModelAbnormal", text)],
    });
  const refused = (text: string) =>
    settled({ ...whole({ servings: [], servers: [], routes: [], pods: [] }), booster: report(text) });

  test("names the child, and stays while that is missing, whatever else Kthena writes", () => {
    const before = refused('admission webhook "mutate.kthena-ascend.io" denied the request: npus unknown');
    expect(message("Failed", before)).toBe(
      'ModelServing models/m-b was refused and does not exist: admission webhook "mutate.kthena-ascend.io" denied the request: npus unknown; correct the ModelBooster, Kthena tries again by itself',
    );
    expect(verdict(before)).toEqual(failing("ChildRefused"));
  });

  test("has passed once the child is there", () => {
    const { booster } = refused("ModelServing is invalid: x is invalid: y");
    expect(verdict(whole({ booster }))).toEqual([TAKEN_UP, "Active=True Available", FINE]);
  });

  test("of an update stays while the child keeps its revision, and passes with a new one", () => {
    const text = 'ModelServing.workload.serving.volcano.sh "m-b" is invalid: spec: Invalid value';
    const { booster } = settled(whole({ booster: report(text) }));
    expect(message("Failed", whole({ booster }))).toContain(
      "ModelServing models/m-b was refused and stays at revision r1: ",
    );
    expect(verdict(whole({ booster }))).toEqual(failing("ChildRefused"));
    const labels = { "workload.serving.volcano.sh/revision": "r2" };
    expect(verdict(whole({ booster, servings: [serving(undefined, { metadata: { labels } })] }))).toEqual([
      TAKEN_UP,
      "Active=True Available",
      FINE,
    ]);
  });

  test("names the ModelRoute where the text does", () => {
    const text = 'ModelRoute.networking.serving.volcano.sh "m" is invalid: spec.rules[0]: Invalid value';
    const objects = settled(whole({ booster: report(text), routes: [] }));
    expect(message("Failed", objects)).toContain("ModelRoute models/m was refused and does not exist");
  });

  test("does not outlive its generation", () => {
    const { booster } = refused("is invalid: y");
    const metadata = { ...(booster.metadata as object), generation: 2 };
    const status = { ...(booster.status as object), observedGeneration: 2 };
    expect(verdict({ booster: { ...booster, metadata, status } })).toEqual(idle("ChildrenMissing"));
  });

  test("by a webhook that could not be called counts, although time-outs pass otherwise", () => {
    const text = 'failed calling webhook "x": Post "https://x": context deadline exceeded';
    expect(verdict(refused(text))).toEqual(failing("ChildRefused"));
  });
});

describe("a crash", () => {
  const crashed = settled(
    failedPod(
      engineStatus(waiting("CrashLoopBackOff"), { restartCount: 1, lastState: { terminated: ended(1) } }),
    ),
  );
  const fresh = engineStatus(waiting("ContainerCreating"));

  test("counts as going on while Kthena makes the pod again", () => {
    expect(verdict({ ...crashed, pods: [] })).toEqual(failing("Crashing"));
    const again = {
      ...crashed,
      pods: [pod("server", 0, { status: fresh, metadata: { creationTimestamp: ago(0) } })],
    };
    expect(verdict(again)).toEqual(failing("Crashing"));
    expect(message("Failed", again)).toBe(message("Failed", crashed));
    expect(judged(again).recheckMs).toBe(CRASH_MEMORY_MS);
  });

  test("has passed when the pods are ready", () => {
    expect(verdict({ ...crashed, servings: [serving()], pods: [pod()] })).toEqual([
      TAKEN_UP,
      "Active=True Available",
      FINE,
    ]);
  });

  test("has passed when the new pod has gone on long enough without one", () => {
    const pods = [pod("server", 0, { status: fresh, metadata: { creationTimestamp: ago(CRASH_MEMORY_MS) } })];
    expect(verdict({ ...crashed, pods })).toEqual(idle("PodsNotReady"));
  });

  test("of a container that is ready again is none", () => {
    const status = readyStatus();
    const containerStatuses = [
      {
        name: "engine",
        ready: true,
        restartCount: 5,
        state: { running: {} },
        lastState: { terminated: ended(1) },
      },
    ];
    expect(
      verdict(whole({ pods: [pod("server", 0, { status: { ...status, containerStatuses } })] }))[1],
    ).toBe("Active=True Available");
  });
});

test("a pod that has only just been called unschedulable is waited for", () => {
  const pods = [pod("server", 0, { node: "", status: unscheduled("pod group is not ready") })];
  const objects = whole({ servings: [serving(undefined, { status: progressing() })], pods });
  const since = NOW - 30_000;
  expect(verdict(objects, since + 1_000)).toEqual(idle("PodsNotReady"));
  expect(judged(objects, since + 1_000).recheckMs).toBe(SCHEDULING_GRACE_MS - 1_000);
  expect(verdict(objects, since + SCHEDULING_GRACE_MS)).toEqual(failing("Unschedulable"));
});

test("a young PodGroup without a phase is waited for, and looked at again in time", () => {
  const objects = whole({
    servings: [serving(undefined, { status: progressing() })],
    pods: [pod("server", 0, { node: "", status: { phase: "Pending" } })],
    podGroups: [podGroup({}, {}, 10_000)],
  });
  expect(verdict(objects)).toEqual(idle("PodsNotReady"));
  expect(judged(objects).recheckMs).toBe(GANG_SILENCE_MS - 10_000);
  expect(verdict(objects, NOW + GANG_SILENCE_MS)).toEqual(failing("GangNotAdmitted"));
});

test("Initialized keeps the generation that was taken up, so that nobody takes it for the new one", () => {
  const taken = (generation: number, observedGeneration: number) =>
    judged({ booster: booster({ generation }, { observedGeneration }) }).findings.map(
      (finding) => finding.observedGeneration,
    );
  expect(taken(3, 2)).toEqual([2, 3, 3]);
  expect(taken(3, 3)).toEqual([3, 3, 3]);
});

test("the ModelServing of today's name counts, and another one that is left from before does not", () => {
  const old = serving(undefined, { metadata: { name: "m-old", uid: "u-old" }, status: progressing() });
  expect(verdict(whole({ servings: [old, serving()] }))[1]).toBe("Active=True Available");
  expect(verdict(whole({ servings: [old] }))[1]).toBe("Active=False PodsNotReady");
});

test("multi-node roles and several groups count all their pods", () => {
  const servings = [
    serving([{ name: "server", replicas: 2, workerReplicas: 1 }], { replicas: 2, status: available() }),
  ];
  expect(message("Active", whole({ servings }))).toContain("1/8 pods are ready: server 1/8 (not made yet)");
  expect(message("Active", whole({ servings, routes: [route()] }))).toContain("1/8");
});
