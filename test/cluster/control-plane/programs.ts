/** The programs of the local control plane: which module beside this file pins each, and how it is built. */

export const programNames = [
  "etcd",
  "kube-apiserver",
  "kubectl",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok",
  "helm",
] as const;

export type ProgramName = (typeof programNames)[number];

export type Program = {
  /** Folder beside this file that holds the go.mod and go.sum. */
  readonly module: "kubernetes" | "kwok" | "helm";
  readonly package: string;
  /** The required module that carries the version, for the linker flags. */
  readonly versionOf: string;
  /** Go variables that a release build sets; without them clients cannot parse the server's version. */
  readonly versionFlags: (version: string) => readonly string[];
};

function kubernetesVersion(version: string): readonly string[] {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".");
  const prefix = "-X k8s.io/component-base/version";
  return [`${prefix}.gitVersion=${version}`, `${prefix}.gitMajor=${major}`, `${prefix}.gitMinor=${minor}`];
}

function kubernetes(command: string): Program {
  const versionOf = "k8s.io/kubernetes";
  const path = `${versionOf}/cmd/${command}`;
  return { module: "kubernetes", package: path, versionOf, versionFlags: kubernetesVersion };
}

export const programs: Readonly<Record<ProgramName, Program>> = {
  etcd: {
    module: "kubernetes",
    package: "go.etcd.io/etcd/server/v3",
    versionOf: "go.etcd.io/etcd/server/v3",
    versionFlags: () => [],
  },
  "kube-apiserver": kubernetes("kube-apiserver"),
  kubectl: kubernetes("kubectl"),
  "kube-controller-manager": kubernetes("kube-controller-manager"),
  "kube-scheduler": kubernetes("kube-scheduler"),
  kwok: {
    module: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    versionOf: "sigs.k8s.io/kwok",
    versionFlags: (version) => [`-X sigs.k8s.io/kwok/pkg/consts.Version=${version.replace(/^v/, "")}`],
  },
  helm: {
    module: "helm",
    package: "helm.sh/helm/v4/cmd/helm",
    versionOf: "helm.sh/helm/v4",
    versionFlags: (version) => [`-X helm.sh/helm/v4/internal/version.version=${version}`],
  },
};
