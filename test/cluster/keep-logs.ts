import { afterEach } from "vitest";

/** After a failed test, the control planes of its file keep their logs when they are stopped, and say where. */
delete process.env.KTHENA_ASCEND_KEEP_LOGS;

afterEach(({ task }) => {
  if (task.result?.state === "fail") process.env.KTHENA_ASCEND_KEEP_LOGS = "1";
});
