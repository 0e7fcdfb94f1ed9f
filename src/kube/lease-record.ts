import { microTime } from "./micro-time.ts";
import type { KubeObject } from "./resource.ts";

/** The longest that a Lease may be held without renewal: what `--lease-seconds` takes at most. */
export const LEASE_MOST_SECONDS = 3600;
/** What an int32 takes, as which the API server reads leaseTransitions. */
const INT32_MOST = 2 ** 31 - 1;

/** Spec of a coordination.k8s.io/v1 Lease. */
export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** A Lease. */
export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

/** The record as it was last seen to change, and when that was by the own clock, which is the only one trusted. */
export interface ObservedLease {
  version: string;
  spec: LeaseSpec;
  /** Monotonic milliseconds. */
  at: number;
}

/** Takes a look at the Lease: only a change moves the time from which it is counted. */
export function observeLease(
  previous: ObservedLease | undefined,
  lease: Lease,
  monotonic: number,
): ObservedLease {
  const version = lease.metadata.resourceVersion ?? "";
  const spec = lease.spec ?? {};
  const same =
    previous !== undefined &&
    previous.spec.holderIdentity === spec.holderIdentity &&
    previous.spec.renewTime === spec.renewTime &&
    previous.spec.leaseTransitions === spec.leaseTransitions;
  return { version, spec, at: same ? previous.at : monotonic };
}

/** Whether somebody else holds the Lease: its duration has not passed since it was last seen to change. */
export function heldByOther(
  observed: ObservedLease,
  identity: string,
  monotonic: number,
  ownDurationMs: number,
): boolean {
  const { holderIdentity = "", leaseDurationSeconds } = observed.spec;
  if (holderIdentity === "" || holderIdentity === identity) return false;
  // The longer of the two: a holder that was configured otherwise must not be cut short. No holder of ours can be
  // configured with more than the most, so that a Lease with 68 years in it does not wait for them.
  const seconds = Math.min(wholeOf(leaseDurationSeconds), LEASE_MOST_SECONDS);
  const durationMs = Math.max(seconds * 1000, ownDurationMs);
  return monotonic < observed.at + durationMs;
}

/** The spec that takes the Lease, or keeps it. */
export function claim(spec: LeaseSpec, identity: string, now: number, durationMs: number): LeaseSpec {
  const time = microTime(now);
  const keeps = spec.holderIdentity === identity;
  const transitions = wholeOf(spec.leaseTransitions);
  return {
    ...spec,
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
    acquireTime: keeps ? (spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions:
      keeps || spec.renewTime === undefined ? transitions : Math.min(transitions + 1, INT32_MOST),
  };
}

/** A count as a record has it, 0 where it is none: records are written by others too. */
function wholeOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, value) : 0;
}

/** The spec that gives the Lease back, so that the next one need not wait. */
export function release(spec: LeaseSpec, now: number): LeaseSpec {
  return { ...spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(now) };
}
