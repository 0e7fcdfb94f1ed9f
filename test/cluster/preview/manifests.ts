/** Manifests as people write them, each with something that a preview could get wrong. */
export const MANIFESTS: Readonly<Record<string, string>> = {
  "octals, anchors and folded scripts": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata:
  name: scripted
  annotations: {kthena-ascend.io/inject: "true"}
spec:
  template:
    roles:
    - name: server
      entryTemplate:
        spec:
          volumes:
          - name: keys
            secret: {secretName: keys, defaultMode: 0440}
          containers:
          - &engine
            name: vllm
            image: quay.io/ascend/vllm-ascend:v0.18.0
            command: [bash, -c]
            args:
            - |
              set -e
              [ -f /opt/env.sh ] && . /opt/env.sh
              exec vllm serve /models/q --tensor-parallel-size 4 --port 8000
            volumeMounts: [{name: keys, mountPath: /keys}]
`,
  "a null, a number where a string is meant to be, and defaults of pods": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: nulls, labels: null, annotations: {kthena-ascend.io/npus: "2"}}
spec:
  replicas: 2
  schedulerName: null
  template:
    restartGracePeriodSeconds: 30
    roles:
    - name: server
      replicas: 1
      entryTemplate:
        spec:
          containers:
          - name: vllm
            image: quay.io/ascend/vllm-ascend:v0.18.0
            command: [vllm, serve, m, --tensor-parallel-size=2]
            env: null
            ports: [{containerPort: 8000, protocol: TCP}]
            readinessProbe: {httpGet: {path: /health, port: 8000}}
`,
  "an unknown field": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: unknown, annotations: {kthena-ascend.io/inject: "true"}}
spec:
  replicaz: 1
  template:
    roles:
    - name: server
      entryTemplate: {spec: {containers: [{name: vllm, image: i, command: [vllm, serve, m]}]}}
`,
  "an annotation near ours, and nobody asked": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: near, annotations: {npu: "4"}}
spec:
  template:
    roles:
    - name: server
      workerReplicas: 0
      entryTemplate: {spec: {containers: [{name: vllm, image: quay.io/ascend/vllm-ascend:v0.18.0, command: [vllm, serve, m]}]}}
`,
  "exemptions and a warning": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata:
  name: exempt
  annotations: {kthena-ascend.io/inject: "true", kthena-ascend.io/allow: npu/parallel-size}
spec:
  template:
    roles:
    - name: server
      workerReplicas: 0
      entryTemplate:
        spec:
          containers:
          - name: vllm
            image: quay.io/ascend/vllm-ascend:v0.18.0
            command: [vllm, serve, m, --tensor-parallel-size=8]
            resources:
              limits: {huawei.com/ascend-1980: "4"}
              requests: {huawei.com/ascend-1980: 4}
            env:
            - {name: VLLM_USE_V1, value: "1"}
            - {name: HCCL_IF_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
`,
  "two roles, a sidecar, an init container and a gang of its own": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: roles, annotations: {kthena-ascend.io/inject: "true", kthena-ascend.io/engine-container: engine}}
spec:
  template:
    gangPolicy: {minRoleReplicas: {front: 1}}
    roles:
    - name: front
      replicas: 2
      workerReplicas: 0
      entryTemplate: {spec: {containers: [{name: proxy, image: nginx}]}}
    - name: server
      replicas: 1
      entryTemplate:
        metadata: {labels: {app: m}}
        spec:
          initContainers: [{name: fetch, image: curl, command: [curl, x]}]
          containers:
          - {name: log, image: fluentbit}
          - {name: engine, image: quay.io/ascend/vllm-ascend:v0.18.0, command: [vllm, serve, m, -tp=2, --nnodes=2, --node-rank=$(WORKER_INDEX), --master-addr=$(ENTRY_ADDRESS)]}
      workerReplicas: 1
      workerTemplate:
        spec:
          containers:
          - {name: engine, image: quay.io/ascend/vllm-ascend:v0.18.0, command: [vllm, serve, m, -tp=2, --nnodes=2, --node-rank=$(WORKER_INDEX), --master-addr=$(ENTRY_ADDRESS), --headless]}
`,
  "one that opted out": `apiVersion: workload.serving.volcano.sh/v1alpha1
kind: ModelServing
metadata: {name: plain, annotations: {kthena-ascend.io/inject: "false"}}
spec:
  template:
    roles:
    - name: server
      workerReplicas: 0
      entryTemplate: {spec: {containers: [{name: web, image: nginx, args: [--verbose]}]}}
`,
};
