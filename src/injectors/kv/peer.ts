import { equal, type Json, stringOf } from "../../api/json.ts";
import { variableOf } from "../../readings/env.ts";
import type { KvPeer, Ports } from "../../readings/kv-plan.ts";
import {
  type AskedConnector,
  classesOf,
  enginePort,
  type KvRole,
  type KvSizes,
  ownConnector,
} from "../../readings/kv-role.ts";
import { freePorts, portsNeeded, reservedPorts, writtenPorts } from "./ports.ts";

/** What a role needs to know of the others. */
export function peerOf(own: KvRole, others: readonly KvRole[]): KvPeer {
  const connector = ownConnector(own) ? undefined : namedBy(others);
  const facing = own.side === "prefill" ? "decode" : own.side === "decode" ? "prefill" : undefined;
  const ends = facing === undefined ? [] : others.filter(({ side }) => side === facing);
  const [end] = ends;
  if (!end) return connector ? { connector } : {};
  const written = ends.find((role) => role.written.state === "given");
  const ports = own.side === "decode" && sharesHost(own, end) ? portsOf(end) : undefined;
  const seed = stringOf(variableOf(end.engine.container, "PYTHONHASHSEED")?.value);
  return {
    role: end.name,
    sizes: sharedSizes(ends),
    port: enginePort(end.engine),
    ...(connector ? { connector } : {}),
    ...(written ? { classes: classesOf(written.written) } : {}),
    ...(seed === undefined ? {} : { hashSeed: seed }),
    ...(ports ? { ports } : {}),
  };
}

function namedBy(others: readonly KvRole[]): AskedConnector | undefined {
  return others.map(ownConnector).find((asked) => asked !== undefined && asked.name !== "none");
}

function sharedSizes(ends: readonly KvRole[]): KvSizes | { unknown: string } {
  const [first, ...rest] = ends;
  if (!first) return { unknown: "there is no such role" };
  const other = rest.find(({ sizes }) => !equal(sizes as unknown as Json, first.sizes as unknown as Json));
  return other
    ? { unknown: `roles ${first.name} and ${other.name} have different parallel sizes` }
    : "unknown" in first.sizes
      ? first.sizes
      : { ...first.sizes, pcp: 1 };
}

function sharesHost(own: KvRole, end: KvRole): boolean {
  return own.pods[0]?.hostNetwork === true && end.pods[0]?.hostNetwork === true;
}

/** The ports that a prefill role takes, written or as they are generated: it keeps clear of nobody else's. */
function portsOf(role: KvRole): Ports | undefined {
  const written = writtenPorts(role);
  if (written || "unknown" in role.sizes) return written;
  const count = portsNeeded(role.sizes);
  const from = freePorts(role.settings.kvConnectors.mooncake.prefillPort, count, reservedPorts(role));
  return from === undefined ? undefined : { from, to: from + count - 1 };
}
