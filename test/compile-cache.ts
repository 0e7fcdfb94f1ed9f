import { join } from "node:path";

/**
 * What Node compiles is kept for the processes after: the tests start hundreds of them, and half of the time of most
 * goes into types and syntax. Everything that they start inherits it.
 */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "../node_modules/.cache/compiled");
