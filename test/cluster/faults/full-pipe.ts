import { spawn } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../control-plane/command.ts";

/** A named pipe that is full, and that nobody reads until told. */
export interface FullPipe {
  path: string;
  /** Reads it from now on, until whoever writes has ended. */
  read: () => void;
}

/** Makes one. */
export async function fullPipe(folder: string): Promise<FullPipe> {
  const path = join(folder, "full-pipe");
  await runCommand("mkfifo", [path]);
  // Opened for both, so that whoever opens it for writing does not wait for a reader.
  const end = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(end, "x".repeat(4_096));
  } catch (error) {
    if (!String(error).includes("EAGAIN")) throw error;
  }
  return {
    path,
    read: () => {
      spawn("cat", [path], { stdio: "ignore" });
      closeSync(end);
    },
  };
}
