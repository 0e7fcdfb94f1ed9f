import { equal, type Json, stringOf } from "../../api/json.ts";
import { oncePer } from "../../api/once-per.ts";
import { variableOf } from "../../readings/env.ts";
import type { EndSizes, KvPeer, Ports } from "../../readings/kv-plan.ts";
import {
  type AskedConnector,
  classesOf,
  enginePort,
  type KvRole,
  ownConnector,
} from "../../readings/kv-role.ts";
import { freePorts, portsNeeded, reservedPorts, writtenPorts } from "./ports.ts";

/** The roles of a workload that have an engine, with what they have in common: found out once for all of them. */
export interface KvRoles {
  roles: readonly KvRole[];
  byName: ReadonlyMap<string, KvRole>;
  /** How many of them prefill or decode. */
  paired: number;
  /** The first connector that one of them names. */
  named: AskedConnector | undefined;
  /** The first class that one of them asks for. */
  kvClass: string | undefined;
  prefill: KvEnd | undefined;
  decode: KvEnd | undefined;
}

/** All roles of one side, as one of the other side sees them. */
interface KvEnd {
  first: KvRole;
  sizes: EndSizes;
  classes: string[] | undefined;
  hashSeed: string | undefined;
}

/** Looks over the roles of a workload. */
export const kvRolesOf: (roles: readonly KvRole[]) => KvRoles = oncePer((roles) => {
  const prefill = roles.filter(({ side }) => side === "prefill");
  const decode = roles.filter(({ side }) => side === "decode");
  return {
    roles,
    byName: new Map(roles.toReversed().map((role) => [role.name, role])),
    paired: prefill.length + decode.length,
    named: namedBy(roles),
    kvClass: roles.find(({ askedClass }) => askedClass !== undefined)?.askedClass,
    prefill: endOf(prefill),
    decode: endOf(decode),
  };
});

function endOf(ends: readonly KvRole[]): KvEnd | undefined {
  const [first] = ends;
  if (!first) return undefined;
  const written = ends.find((role) => role.written.state === "given");
  return {
    first,
    sizes: sharedSizes(first, ends),
    classes: written && classesOf(written.written),
    hashSeed: stringOf(variableOf(first.engine.container, "PYTHONHASHSEED")?.value),
  };
}

/** What a role needs to know of the others. */
export function peerOf(own: KvRole, all: KvRoles): KvPeer {
  // A role that names none itself is not the one that does.
  const connector = ownConnector(own) ? undefined : all.named;
  const end = own.side === "prefill" ? all.decode : own.side === "decode" ? all.prefill : undefined;
  const kvClass = own.askedClass === undefined ? all.kvClass : undefined;
  const asked = { ...(connector ? { connector } : {}), ...(kvClass === undefined ? {} : { kvClass }) };
  if (!end) return asked;
  const { first, sizes, classes, hashSeed } = end;
  const ports = own.side === "decode" && sharesHost(own, first) ? portsOf(first) : undefined;
  return {
    role: first.name,
    sizes,
    port: enginePort(first.engine),
    ...asked,
    ...(classes ? { classes } : {}),
    ...(hashSeed === undefined ? {} : { hashSeed }),
    ...(ports ? { ports } : {}),
  };
}

function namedBy(roles: readonly KvRole[]): AskedConnector | undefined {
  for (const role of roles) {
    const asked = ownConnector(role);
    if (asked !== undefined && asked.name !== "none") return asked;
  }
  return undefined;
}

function sharedSizes(first: KvRole, ends: readonly KvRole[]): EndSizes {
  const other = ends.find(({ sizes }) => !equal(sizes as unknown as Json, first.sizes as unknown as Json));
  if (other) return { unequal: `roles ${first.name} and ${other.name} have different parallel sizes` };
  return "unknown" in first.sizes ? first.sizes : { ...first.sizes, pcp: 1 };
}

function sharesHost(own: KvRole, end: KvRole): boolean {
  return own.pods[0]?.hostNetwork === true && end.pods[0]?.hostNetwork === true;
}

/** The ports that a prefill role takes, written or as they are generated: it keeps clear of nobody else's. */
const portsOf: (role: KvRole) => Ports | undefined = oncePer((role) => {
  const written = writtenPorts(role);
  if (written || "unknown" in role.sizes) return written;
  const count = portsNeeded(role.sizes);
  const from = freePorts(role.settings.kvConnectors.mooncake.prefillPort, count, reservedPorts(role));
  return from === undefined ? undefined : { from, to: from + count - 1 };
});
