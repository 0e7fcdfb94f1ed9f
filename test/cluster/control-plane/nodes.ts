/** Nodes as kwok plays them: NPUs in their status, no machine behind them. */

export type NpuNodes = {
  readonly count: number;
  /** NPUs of each node; 8 unless told. */
  readonly npus?: number;
  /** `huawei.com/ascend-1980` unless told. */
  readonly resourceName?: string;
  /** Names are `<prefix>-0`, `<prefix>-1` and so on; `npu` unless told. */
  readonly prefix?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

/** A List of nodes for `kubectl create -f -`; their status is taken at creation. */
export function nodeList(nodes: NpuNodes): string {
  const items = Array.from({ length: nodes.count }, (_, index) => node(nodes, index));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

function node(nodes: NpuNodes, index: number) {
  const name = `${nodes.prefix ?? "npu"}-${index}`;
  const resources = {
    cpu: "192",
    memory: "1536Gi",
    "ephemeral-storage": "2Ti",
    pods: "250",
    [nodes.resourceName ?? "huawei.com/ascend-1980"]: String(nodes.npus ?? 8),
  };
  const labels = {
    "kubernetes.io/arch": "arm64",
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    ...nodes.labels,
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    status: { capacity: resources, allocatable: resources },
  };
}
