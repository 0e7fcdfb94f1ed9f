import { objectOf } from "../../api/json.ts";
import type { KubeClient } from "../../kube/client.ts";
import { describeFailure } from "../../kube/failure.ts";
import type { AnyObject } from "../../kube/resource.ts";
import { type CheckLine, error, fine, reinstalling, unknown } from "./line.ts";
import { SELF_REVIEWS, SUBJECT_REVIEWS } from "./reading.ts";

/** One thing that somebody must be allowed to do (authorization.k8s.io/v1, ResourceAttributes). */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** What the webhook's account needs, as deploy/chart/templates has it: without one of these something stops. */
export function neededRights(
  release: string,
  namespace: string,
  managed: boolean,
  reconciles: boolean,
): Right[] {
  const workload = "workload.serving.volcano.sh";
  const networking = "networking.serving.volcano.sh";
  const watched: [string, string][] = [
    ["", "namespaces"],
    ["", "pods"],
    ["", "nodes"],
    [workload, "modelboosters"],
    [workload, "modelservings"],
    [networking, "modelservers"],
    [networking, "modelroutes"],
  ];
  const lease = { group: "coordination.k8s.io", resource: "leases", namespace };
  return [
    ...watched.flatMap(([group, resource]) => ["list", "watch"].map((verb) => ({ verb, group, resource }))),
    { verb: "watch", group: "", resource: "configmaps", namespace, name: "kthena-ascend-defaults" },
    { verb: "patch", ...lease, name: `${release}-defaults` },
    ...(managed
      ? [
          { verb: "patch", group: "", resource: "secrets", namespace, name: `${release}-tls` },
          { verb: "patch", ...lease, name: `${release}-certs` },
          ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations"].map((resource) => ({
            verb: "patch",
            group: "admissionregistration.k8s.io",
            resource,
            name: release,
          })),
        ]
      : []),
    ...(reconciles
      ? [
          { verb: "patch", group: workload, resource: "modelboosters", subresource: "status" },
          { verb: "patch", ...lease, name: `${release}-reconciler` },
        ]
      : []),
    { verb: "create", group: "events.k8s.io", resource: "events" },
  ];
}

/** What a person needs who installs it. */
export function installRights(namespace: string): Right[] {
  const create = (group: string, resource: string, place?: string): Right => ({
    verb: "create",
    group,
    resource,
    ...(place === undefined ? {} : { namespace: place }),
  });
  return [
    create("", "namespaces"),
    create("rbac.authorization.k8s.io", "clusterroles"),
    create("rbac.authorization.k8s.io", "clusterrolebindings"),
    create("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    create("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    create("apps", "deployments", namespace),
    create("", "services", namespace),
    create("", "configmaps", namespace),
    create("rbac.authorization.k8s.io", "roles", namespace),
  ];
}

/** Asks the API server which of these an account has; `user` undefined: whoever asks. */
export async function rightsLines(
  client: KubeClient,
  id: string,
  rights: readonly Right[],
  user?: string,
): Promise<CheckLine[]> {
  const who = user === undefined ? "you" : user;
  const answers = await Promise.all(rights.map((right) => allowed(client, right, user)));
  const [failed] = answers.flatMap((answer) => (typeof answer === "string" ? [answer] : []));
  if (failed !== undefined) return [unknown(id, `what ${who} may do`, failed)];
  const lacking = rights.filter((_right, index) => answers[index] === false);
  if (lacking.length === 0) return [fine(id, `${who} may do all that is needed`)];
  const hint =
    user === undefined
      ? "ask for these rights, or have somebody install it who has them"
      : reinstalling("its Roles back");
  return [error(id, `${who} may not ${lacking.map(inWords).join(", ")}`, hint)];
}

async function allowed(
  client: KubeClient,
  right: Right,
  user: string | undefined,
): Promise<boolean | string> {
  const spec = { resourceAttributes: { ...right }, ...(user === undefined ? {} : { user }) };
  const resource = user === undefined ? SELF_REVIEWS : SUBJECT_REVIEWS;
  const answer = await client.create<AnyObject>(resource, { metadata: { name: "" }, spec });
  return answer.ok ? objectOf(answer.value.status).allowed === true : describeFailure(answer.failure);
}

function inWords({ verb, group, resource, subresource, namespace, name }: Right): string {
  const what = `${resource}${subresource ? `/${subresource}` : ""}${group ? `.${group}` : ""}`;
  return `${verb} ${what}${name ? ` ${name}` : ""}${namespace ? ` in ${namespace}` : ""}`;
}
