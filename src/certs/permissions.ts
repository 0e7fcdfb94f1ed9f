/** One line of a Role. `names`: resourceNames. */
export interface Permission {
  scope: "namespace" | "cluster";
  group: string;
  resource: string;
  names: readonly string[];
  verbs: readonly string[];
  why: string;
}

/**
 * Everything that managed certificates need, and nothing else. `create` is limited by name too: the objects are made
 * by server-side apply, for which the server checks `create` with the name. Lists and watches carry a field selector
 * `metadata.name=…`, which is what makes resourceNames count for them.
 */
export function certificatePermissions(names: {
  secret: string;
  lease: string;
  mutating: string;
  validating: string;
}): Permission[] {
  const configuration = (resource: string, name: string): Permission => ({
    scope: "cluster",
    group: "admissionregistration.k8s.io",
    resource,
    names: [name],
    verbs: ["get", "list", "watch", "patch"],
    why: "publishes the CA bundle, and is Ready while it is right",
  });
  return [
    {
      scope: "namespace",
      group: "",
      resource: "secrets",
      names: [names.secret],
      verbs: ["get", "list", "watch", "create", "patch"],
      why: "serves from it, issues into it, makes it again when it is deleted",
    },
    {
      scope: "namespace",
      group: "coordination.k8s.io",
      resource: "leases",
      names: [names.lease],
      verbs: ["get", "create", "patch"],
      why: "one replica at a time issues",
    },
    configuration("mutatingwebhookconfigurations", names.mutating),
    configuration("validatingwebhookconfigurations", names.validating),
  ];
}

/** With certificates from files the configurations are only watched, for readiness. */
export function filePermissions(names: { mutating: string; validating: string }): Permission[] {
  return certificatePermissions({ secret: "", lease: "", ...names })
    .filter(({ scope }) => scope === "cluster")
    .map((permission) => ({ ...permission, verbs: ["list", "watch"], why: "is Ready while it is trusted" }));
}
