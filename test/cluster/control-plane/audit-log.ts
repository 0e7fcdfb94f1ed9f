import { readFile } from "node:fs/promises";

/** What the API server was asked and by whom, as its audit log tells. */

export type AuditEvent = {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly annotations?: Readonly<Record<string, string>>;
};

export async function readAuditLog(file: string): Promise<readonly AuditEvent[]> {
  const text = await readFile(file, "utf8");
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  return complete
    .split("\n")
    .filter(Boolean)
    .map((line): AuditEvent => JSON.parse(line));
}

/**
 * A user's requests (`verb address`) that RBAC refused and did not allow at any other time. An API server forbids for a
 * moment what it has not read the Role of yet: after an installation, and after each start of its own.
 */
export function forbiddenForGood(events: readonly AuditEvent[], username: string): readonly string[] {
  const own = events.filter((event) => event.user.username === username);
  const decided = (decision: string) =>
    own
      .filter((event) => event.annotations?.["authorization.k8s.io/decision"] === decision)
      .map((event) => `${event.verb} ${stableUri(event.requestURI)}`);
  const allowed = new Set(decided("allow"));
  return [...new Set(decided("forbid"))].filter((request) => !allowed.has(request));
}

/** The part of a request's address that authorization looks at: not where a watch begins, or how long it lasts. */
function stableUri(uri: string): string {
  const [path = "", query = ""] = uri.split("?");
  const selectors = new URLSearchParams(query);
  for (const name of [...selectors.keys()]) {
    if (name !== "fieldSelector" && name !== "labelSelector") selectors.delete(name);
  }
  return selectors.size === 0 ? path : `${path}?${selectors}`;
}
