import type { Console } from "./console.ts";

/** What commands get from the process: nothing of them reads it by itself. */
export interface CommandContext {
  console: Console;
  /** How the user called it: `kthena-ascend`, or `kubectl ascend` as a plugin of kubectl. */
  programName: string;
  /** How this software names itself to the API server. */
  userAgent: string;
  facts: ProcessFacts;
  /** Resolves at SIGTERM or SIGINT. */
  stopSignal: () => Promise<NodeJS.Signals>;
  /** Says with which code the process is to end (`EXIT`). */
  ends: (code: number) => void;
}

/** What the process tells beside its arguments. */
export interface ProcessFacts {
  hostName: string;
  /** `POD_NAME`, `POD_NAMESPACE`. */
  podName: string | undefined;
  podNamespace: string | undefined;
}
