import type { Permission } from "../../src/certs/permissions.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { describeFailure, type Result } from "../../src/kube/failure.ts";
import { grouped, type KubeObject, type Resource } from "../../src/kube/resource.ts";

const RBAC = "rbac.authorization.k8s.io";
const SERVICE_ACCOUNTS: Resource = {
  group: "",
  version: "v1",
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};
const KINDS = {
  namespace: {
    role: grouped(RBAC, "v1", "roles", "Role"),
    binding: grouped(RBAC, "v1", "rolebindings", "RoleBinding"),
  },
  cluster: {
    role: { ...grouped(RBAC, "v1", "clusterroles", "ClusterRole"), namespaced: false },
    binding: { ...grouped(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding"), namespaced: false },
  },
};

/** Makes a ServiceAccount that may do just this, and gives its token when the server knows it all. */
export async function accountWith(
  admin: KubeClient,
  place: { namespace: string; name: string },
  permissions: readonly Permission[],
): Promise<string> {
  must(await admin.create(SERVICE_ACCOUNTS, { metadata: place }));
  for (const scope of ["namespace", "cluster"] as const) {
    const { role, binding } = KINDS[scope];
    const metadata = scope === "namespace" ? place : { name: `${place.namespace}-${place.name}` };
    const rules = permissions
      .filter((permission) => permission.scope === scope)
      .map(({ group, resource, names, verbs }) => ({
        apiGroups: [group],
        resources: [resource],
        ...(names.length > 0 ? { resourceNames: names } : {}),
        verbs,
      }));
    must(await admin.create(role, { metadata, rules } as KubeObject));
    const roleRef = { apiGroup: RBAC, kind: role.kind, name: metadata.name };
    const subjects = [{ kind: "ServiceAccount", ...place }];
    must(await admin.create(binding, { metadata, roleRef, subjects } as KubeObject));
  }
  for (const permission of permissions) await allowed(admin, place, permission);
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: place, spec: {} };
  const made = must(await admin.create(SERVICE_ACCOUNTS, request as KubeObject, { subresource: "token" }));
  return (made as KubeObject & { status: { token: string } }).status.token;
}

const REVIEWS: Resource = {
  ...grouped("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview"),
  namespaced: false,
};

/** The server's authorizer learns of Roles by watching, as everyone does. */
async function allowed(
  admin: KubeClient,
  place: { namespace: string; name: string },
  permission: Permission,
): Promise<void> {
  const { group, resource, names, verbs, scope } = permission;
  for (const verb of verbs) {
    const resourceAttributes = {
      group,
      resource,
      verb,
      ...(names[0] ? { name: names[0] } : {}),
      ...(scope === "namespace" ? { namespace: place.namespace } : {}),
    };
    const spec = { user: `system:serviceaccount:${place.namespace}:${place.name}`, resourceAttributes };
    const may = async () => {
      const review = must(await admin.create(REVIEWS, { metadata: {}, spec } as unknown as KubeObject));
      return (review as KubeObject & { status: { allowed: boolean } }).status.allowed;
    };
    while (!(await may())) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The value of a call that has to work. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(describeFailure(result.failure));
  return result.value;
}
