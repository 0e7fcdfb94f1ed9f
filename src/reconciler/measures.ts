/** What became of one look at a ModelBooster. */
export type ReconcileOutcome = "written" | "unchanged" | "conflict" | "failed" | "unreadable";

/** What the reconciler tells of its work as it happens. */
export interface ReconcilerMeasures {
  reconciled(outcome: ReconcileOutcome): void;
  /** From a ModelBooster's creation to its first Active=True. */
  secondsToActive(seconds: number): void;
}

/** What can be read of the reconciler at any time. */
export interface ReconcilerState {
  leading: boolean;
  /** Keys that wait for work: `conditions`, `oversight`. */
  queued: Readonly<Record<string, number>>;
  /** How many ModelBoosters have a condition of that type and status: `Active/True`. */
  conditions: Readonly<Record<string, number>>;
  /** How many ModelServings each remark is true of. */
  remarks: Readonly<Record<string, number>>;
  /** How many ModelBoosters each remark is true of. */
  boosterRemarks: Readonly<Record<string, number>>;
}
