import type { AdmissionRequest, AdmissionResponse } from "../api/admission-review.ts";
import type { Finding } from "../api/finding.ts";
import type { Audited } from "./audit.ts";

/** What became of one review: the response for the API server, and what the log and metrics tell of it. */
export interface Verdict {
  response: AdmissionResponse;
  /**
   * patched: something is added; unchanged: nothing to do; skipped: not ours, see `skipReason`; undecided: refused
   * because something that had to be known could not be.
   */
  outcome: "patched" | "unchanged" | "skipped" | "refused" | "undecided";
  skipReason?: string;
  findings: Finding[];
  /** What audit mode kept from happening, where it did. */
  audited?: Audited;
  /** Number of operations in the patch. */
  operations: number;
}

/** Judges one request. Synchronous where everything that it needs is in a snapshot. */
export type Reviewer = (request: AdmissionRequest) => Verdict | Promise<Verdict>;
