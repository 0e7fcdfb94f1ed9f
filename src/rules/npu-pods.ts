import { type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { formatBytes, parseQuantity } from "../api/quantity.ts";
import { trimmedEnd } from "../api/trim.ts";
import { helperOf, isNativeSidecar } from "../engines/containers.ts";
import { denseRanks } from "../engines/external-ranks.ts";
import { withNpus } from "./engines.ts";
import { npus as npusText, quoted } from "./quote.ts";
import { removing } from "./remedy.ts";
import type { Remark, Rule } from "./rule.ts";
import type { Holder, RulePod, RuleSubject } from "./subject.ts";

const podsOf = (subject: RuleSubject): RulePod[] => subject.units.flatMap(({ pods }) => [...pods]);
const holdersOf = (subject: RuleSubject): Holder[] => subject.units.flatMap(({ holders }) => [...holders]);

const wholeNode: Rule = {
  id: "npu/whole-node",
  severity: "warn",
  summary: "The pods of a role that spans several have whole nodes",
  why: "HCCL between pods on one node is not supported (MindCluster, affinity documentation), and its multi-node guide schedules full servers only.",
  example: {
    in: "role",
    refused:
      'workerReplicas: 1\nworkerTemplate: {spec: {containers: [{name: w, command: [vllm, serve, m, --nnodes, "2", --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS), -tp, "8"]}]}}\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, --nnodes, "2", --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS), -tp, "8"]}]}}',
    admitted:
      'workerReplicas: 1\nworkerTemplate: {spec: {containers: [{name: w, command: [vllm, serve, m, --nnodes, "2", --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS), -tp, "16"]}]}}\nentryTemplate: {spec: {containers: [{name: vllm, command: [vllm, serve, m, --nnodes, "2", --node-rank, $(WORKER_INDEX), --master-addr, $(ENTRY_ADDRESS), -tp, "16"]}]}}',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(
      ({ pods, npus = 0, facts, field, label, hardware, node, asked, role, command }): Remark[] =>
        pods < 2 ||
        denseRanks(command) !== undefined ||
        servesByRay(subject, role) ||
        npus >= facts.perNode ||
        !node.row.deviceNetwork ||
        asked.some(({ unit }) => unit !== "npu")
          ? []
          : [
              {
                path: `${field}.resources`,
                value: npus,
                against: pods,
                message: `${label} has ${npus} of a node's ${facts.perNode} NPUs, in a role of ${pods} pods`,
                fix: `give each pod ${facts.perNode} (${hardware}): pods that share a node cannot talk over HCCL`,
              },
            ],
    ),
};

/** Ray Serve places its replicas itself, each on the pods that its application asks for. */
function servesByRay({ engines = [] }: RuleSubject, role: string): boolean {
  const own = engines.filter((engine) => engine.role === role);
  return (
    own.some(({ command }) => command.ray) &&
    own.every(({ command }) => command.engine === "ray-worker" || command.product === "Ray Serve")
  );
}

const sidecar: Rule = {
  id: "npu/sidecar",
  severity: "warn",
  summary: "Only the engine asks for NPUs",
  why: "NPUs of a sidecar are lost for the model, and Kthena's PodGroup does not count those of init containers (podgroupmanager/manager.go).",
  example: {
    in: "template",
    refused:
      'spec: {containers: [{name: vllm, command: [vllm, serve, m]}, {name: runtime, resources: {limits: {huawei.com/ascend-1980: "1"}}}]}',
    admitted: "spec: {containers: [{name: vllm, command: [vllm, serve, m]}, {name: runtime}]}",
  },
  check: (subject) =>
    holdersOf(subject).flatMap((holder): Remark[] => {
      const { npus, engine, container, list, field, label } = holder;
      if (npus === undefined || engine) return [];
      // An init container that ends before the engine starts uses the engine's NPUs.
      if (list === "initContainers" ? !isNativeSidecar(container) : helperOf(container) === undefined)
        return [];
      return [
        {
          path: `${field}.resources`,
          value: npus,
          message: `${label} asks for ${npusText(npus)}, but runs no engine`,
          fix: "remove them; if it does run the engine, give it a name of engineContainers",
        },
      ];
    }),
};

const privileged: Rule = {
  id: "npu/privileged",
  severity: "warn",
  summary: "Containers with NPUs are not privileged",
  why: "A privileged container sees every /dev/davinci* of its node, those of other pods too (vllm-ascend issue 6942).",
  example: {
    in: "container",
    refused: "securityContext: {privileged: true}",
    admitted: "securityContext: {privileged: false}",
  },
  check: (subject) =>
    holdersOf(subject).flatMap(({ npus, container, field, label }): Remark[] =>
      npus === undefined || objectOf(container.securityContext).privileged !== true
        ? []
        : [
            {
              path: `${field}.securityContext.privileged`,
              value: true,
              message: `${label} is privileged and sees the NPUs of other pods on its node`,
              fix: "remove privileged: the device plugin hands out the allocated devices",
              remedy: removing(`${field}.securityContext.privileged`),
            },
          ],
    ),
};

const nonRoot: Rule = {
  id: "npu/non-root",
  severity: "warn",
  summary: "Engines of several NPUs run as a user that the image knows",
  why: "With tensor parallelism a user without an entry in /etc/passwd fails at start (vllm-ascend issue 9490).",
  example: {
    in: "container",
    refused: 'securityContext: {runAsUser: 1000}\nargs: [-tp, "2"]',
    admitted: 'securityContext: {runAsUser: 0}\nargs: [-tp, "2"]',
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ npus = 0, container, pod, field, label }): Remark[] => {
      const own = objectOf(container.securityContext);
      const whole = objectOf(pod?.pod.spec.securityContext);
      const user = own.runAsUser ?? whole.runAsUser;
      if (npus < 2 || typeof user !== "number" || user === 0) return [];
      const path = own.runAsUser === undefined && pod ? `${pod.field}.spec` : field;
      return [
        {
          path: `${path}.securityContext.runAsUser`,
          value: user,
          message: `${label} runs as user ${user}; an engine of several NPUs fails if the image has no such user`,
          fix: "run as root, or add the user to the image's /etc/passwd",
        },
      ];
    }),
};

const DEVICE = /^\/dev(?:\/(?:davinci.*|devmm_svm|hisi_hdc|ummu|uburma))?$/;

const deviceMount: Rule = {
  id: "npu/device-mount",
  severity: "warn",
  summary: "NPU devices come from the device plugin, not from hostPath volumes",
  why: "The device plugin adds the allocated devices; a hostPath brings others, which the container may not open.",
  example: {
    in: "template",
    refused:
      "spec: {containers: [{name: vllm, command: [vllm, serve, m]}], volumes: [{name: d, hostPath: {path: /dev/davinci0}}]}",
    admitted: "spec: {containers: [{name: vllm, command: [vllm, serve, m]}]}",
  },
  check: (subject) =>
    podsOf(subject).flatMap(({ field, label, pod }) =>
      listOf(pod.spec.volumes).flatMap((volume, index): Remark[] => {
        const path = stringOf(objectOf(objectOf(volume).hostPath).path);
        if (path === undefined || !DEVICE.test(trimmedEnd(path, "/"))) return [];
        return [
          {
            path: `${field}.spec.volumes[${index}].hostPath.path`,
            value: path,
            message: `${label} mounts ${quoted(path)} from the node`,
            fix: "remove the volume: the device plugin adds the devices that the pod is given",
          },
        ];
      }),
    ),
};

const CANN = /^\/usr\/local(?:\/Ascend(?:\/(?:ascend-toolkit|nnal|nnrt|cann|latest).*)?)?$/;

const cannHidden: Rule = {
  id: "npu/cann-hidden",
  severity: "warn",
  summary: "Nothing is mounted over the image's CANN toolkit",
  why: "CANN belongs to the image; a mount of all of /usr/local/Ascend hides it (vllm-ascend issue 2712).",
  example: {
    in: "container",
    refused: "volumeMounts: [{name: ascend, mountPath: /usr/local/Ascend}]",
    admitted: "volumeMounts: [{name: ascend, mountPath: /usr/local/Ascend/driver}]",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ container, field, label }) =>
      listOf(container.volumeMounts).flatMap((mount, index): Remark[] => {
        const path = stringOf(objectOf(mount).mountPath);
        if (path === undefined || !CANN.test(trimmedEnd(path, "/"))) return [];
        return [
          {
            path: `${field}.volumeMounts[${index}].mountPath`,
            value: path,
            message: `${label} mounts something at ${quoted(path)}, which hides the image's CANN toolkit`,
            fix: "mount /usr/local/Ascend/driver, or files below it",
          },
        ];
      }),
    ),
};

const LEAST_SHM = 2 ** 30;

const sharedMemory: Rule = {
  id: "npu/shared-memory",
  severity: "warn",
  summary: "/dev/shm has room for the engine, and less than its memory limit",
  why: "Engines of several processes fail with little of it (vllm-ascend FAQ 20, gpustack issue 5014), and a memory volume counts against the memory limit.",
  example: {
    in: "template",
    refused:
      "spec: {containers: [{name: vllm, command: [vllm, serve, m], volumeMounts: [{name: shm, mountPath: /dev/shm}]}], volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 256Mi}}]}",
    admitted:
      "spec: {containers: [{name: vllm, command: [vllm, serve, m], volumeMounts: [{name: shm, mountPath: /dev/shm}]}], volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 16Gi}}]}",
  },
  check: (subject) =>
    withNpus(subject.engines).flatMap(({ container, pod, label }): Remark[] => {
      const mount = listOf(container.volumeMounts)
        .map(objectOf)
        .find(({ mountPath }) => trimmedEnd(stringOf(mountPath) ?? "", "/") === "/dev/shm");
      const volumes = listOf(pod?.pod.spec.volumes).map(objectOf);
      const index = mount ? volumes.findIndex(({ name }) => name === mount.name) : -1;
      const limit = objectOf(volumes[index]?.emptyDir).sizeLimit;
      const bytes = parseQuantity(limit);
      if (!pod || bytes === undefined) return [];
      const problem = shmProblem(bytes, memoryOf(container));
      if (problem === undefined) return [];
      const path = `${pod.field}.spec.volumes[${index}].emptyDir.sizeLimit`;
      return [{ path, value: limit, message: `/dev/shm of ${label} ${problem.message}`, fix: problem.fix }];
    }),
};

function memoryOf(container: JsonObject): number | undefined {
  return parseQuantity(objectOf(objectOf(container.resources).limits).memory);
}

function shmProblem(bytes: number, memory: number | undefined): { message: string; fix: string } | undefined {
  if (bytes < LEAST_SHM)
    return {
      message: `is limited to ${formatBytes(bytes)}, which is little for an engine`,
      fix: "give it 1Gi or more",
    };
  if (memory === undefined || bytes < memory) return undefined;
  const message = `may take ${formatBytes(bytes)}, as much as the container's memory limit of ${formatBytes(memory)}`;
  return { message, fix: "make it half of the limit at most: what is in it counts against the limit" };
}

/** Rules of the family npu about what stands around the engine in its pod. */
export const NPU_POD_RULES: readonly Rule[] = [
  wholeNode,
  sidecar,
  privileged,
  nonRoot,
  deviceMount,
  cannHidden,
  sharedMemory,
];
