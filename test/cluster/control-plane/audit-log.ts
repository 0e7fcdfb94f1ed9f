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

/** Requests that RBAC refused: `verb uri by user`. */
export function forbidden(events: readonly AuditEvent[], username?: string): readonly string[] {
  return events
    .filter((event) => event.annotations?.["authorization.k8s.io/decision"] === "forbid")
    .filter((event) => username === undefined || event.user.username === username)
    .map((event) => `${event.verb} ${event.requestURI} by ${event.user.username}`);
}
