// Loaded into a server before its program (`--import`): asked over its channel, it clears the heap and tells its size.
// The process needs `--expose-gc`. No TypeScript: what strips its types would stay in the memory that is measured.

process.on("message", () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heap: heapUsed + external });
});
// Nobody who may ask holds up the end of the program.
process.channel?.unref();
