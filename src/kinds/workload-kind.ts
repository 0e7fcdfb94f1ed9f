import type { z } from "zod";
import type { JsonObject } from "../api/json.ts";

/** A pod template of a unit, by what its pods do, and the field that holds it. */
export interface TemplateField {
  part: "entry" | "worker";
  key: string;
}

/** All that is particular to one kind of workload whose objects are completed part by part. */
export interface WorkloadShape {
  group: string;
  version: string;
  /** Its name in URLs. */
  plural: string;
  /** The types of what is read of it. */
  schema: z.ZodType;
  /** Where its units stand, the field that tells them apart, and the name of one that leaves that out. */
  units: { path: readonly string[]; key: string; standard?: string };
  /** Fields of a unit with pod templates; none where a controller makes them of other fields. */
  templates: readonly TemplateField[];
  /** Pods of one instance of a unit: at least one. */
  podsEach: (unit: JsonObject) => number;
  /** The field with the number of groups: each has all units. */
  groups: readonly string[];
  /** Fields of a unit that scale or pace it: no template changes with them. */
  scaling: ReadonlySet<string>;
  /** Fields of a unit that its CRD requires: what was added there stays when injection ends. */
  required: readonly string[];
  /** Fields beside its units that decide about the additions to them. */
  peerFields: readonly (readonly string[])[];
  /** Additions beside the units that the CRD declares immutable, as `encodePath` writes them. */
  immutable: readonly string[];
}
