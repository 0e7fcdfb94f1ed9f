/** How much the load through the API server is. */
export interface LoadOptions {
  /** How often all take their turn at most; none begins that would not end in time. */
  turns: number;
  minutes: number;
  /** Lean objects that are created each time; half as many complete ones, and some large ones, come with them. */
  creates: number;
  /** How many requests are under way at a time. */
  underWay: readonly number[];
  /** Pods of one model that are created at once. */
  pods: number;
  /** Bytes of the large objects; unless given, the most that the control plane stores. */
  large?: number;
}

/** By hand, on a machine that has nothing else to do. */
export const FULL: LoadOptions = {
  turns: 5,
  minutes: 11,
  creates: 100,
  underWay: [1, 16, 64],
  pods: 2_000,
};
/** To see that it works and every answer is right. */
export const SMALL: LoadOptions = {
  turns: 1,
  minutes: 5,
  creates: 6,
  underWay: [1, 8],
  pods: 40,
  large: 2 ** 18,
};
