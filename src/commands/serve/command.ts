import type { CommandContext } from "../context.ts";
import { isLocal, serveClusterOptions, serveDeclared, serveOptions } from "./options.ts";

/** `kthena-ascend serve`. */
export function serveCommand({ facts, userAgent, stopSignal, ends }: CommandContext) {
  return serveDeclared().action(async (flags, command) => {
    const given = (name: string): boolean => command.getOptionValueSource(name) === "cli";
    if (isLocal(flags)) {
      const options = serveOptions(flags, given);
      const { serve } = await import("./serve.ts");
      ends(await serve(options, stopSignal()));
      return;
    }
    const options = serveClusterOptions(flags, facts, userAgent);
    const { serveCluster } = await import("./serve-cluster.ts");
    ends(await serveCluster(options, stopSignal()));
  });
}
