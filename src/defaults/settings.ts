import type { z } from "zod";
import type { RuleSetting } from "../api/finding.ts";
import type { modeName } from "./document.ts";
import type { HardwareName } from "./hardware.ts";
import type { hardwareFacts, settingsSchema } from "./settings-schema.ts";

/** What is pinned on an object, once it was read back. */
type Pinned = z.infer<typeof settingsSchema>;

/** A host path that engines get, complete. */
export type DriverMount = Pinned["driverMounts"][number];

/** What is known of one kind of node. */
export type HardwareFacts = z.infer<typeof hardwareFacts>;

/** The defaults as resolved: every value is there. Plain JSON; it is pinned on the object as it stands. */
export interface Settings extends Omit<Pinned, "hardwareFacts"> {
  /** audit: nothing new is injected or refused. Never pinned, as the rules: today's holds. */
  mode: z.infer<typeof modeName>;
  /** Of every hardware; only rows that documents change are pinned. */
  hardwareFacts: Record<HardwareName, HardwareFacts>;
  rules: Record<string, RuleSetting>;
}

/** Where each resolved value came from: setting path (`hccl.socketIfname`) to a text for people. */
export type Provenance = Record<string, string>;

/** Settings together with where they came from. */
export interface ResolvedDefaults {
  settings: Settings;
  provenance: Provenance;
  /** The settings as canonical JSON: what is pinned on an object. */
  text: string;
  /** Annotations of the Namespace that are most likely meant for us and are none of ours: they hold nothing. */
  nearAsks?: Readonly<Record<string, string>>;
}

/** Largest size of the pinned settings: annotations have 256 KiB in all, kubectl's own included. */
export const MAX_SETTINGS_BYTES = 32 * 1024;

/** Where a value came from, looking for the closest parent that is known. */
export function sourceOf(provenance: Provenance, path: string): string {
  let prefix = path;
  while (prefix !== "") {
    const found = provenance[prefix];
    if (found !== undefined) return found;
    prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf(".")));
  }
  return provenance["*"] ?? "built-in";
}
