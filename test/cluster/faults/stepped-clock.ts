import { readFileSync, watchFile } from "node:fs";

/**
 * Loaded before a replica (`node --import`): its wall clock is wrong by as many milliseconds as stand in the file
 * CLOCK_OFFSET_FILE, and steps when they change. Timers and monotonic time go on as they are.
 */

const file = process.env.CLOCK_OFFSET_FILE ?? "";
const now = Date.now.bind(Date);
const read = () => Number(readFileSync(file, "utf8"));
const LOOKED_AT_MS = 50;
let offset = read();

watchFile(file, { interval: LOOKED_AT_MS, persistent: false }, () => {
  offset = read();
});

const stepped = () => now() + offset;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [stepped()] : args, self),
  get: (target, key, self) => (key === "now" ? stepped : Reflect.get(target, key, self)),
});
