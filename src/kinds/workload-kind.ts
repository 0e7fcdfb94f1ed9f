import type { z } from "zod";
import type { Json, JsonObject } from "../api/json.ts";
import type { PodVariables } from "../engines/known-variables.ts";

/** A pod template of a unit, by what its pods do, and the field that holds it. */
export interface TemplateField {
  part: "entry" | "worker";
  key: string;
}

/** A field that the CRD requires of every unit, with what stands for nothing there. */
export interface RequiredField {
  field: string;
  value: Json;
  /** Who requires it, and what the value means, as the record of an addition says it. */
  reason: string;
  source: string;
}

/** Where the units of a kind stand. */
export interface UnitPlace {
  /** The field with the list of them, or with the one there is. */
  path: readonly string[];
  /** The field that tells those of a list apart; absent: there is one, which is no item of a list. */
  key?: string;
  /** The name of one that leaves that out, or of the one there is. */
  standard?: string;
  /** What messages call one. */
  called: "role" | "worker";
}

/** All that is particular to one kind of workload whose objects are completed part by part. */
export interface WorkloadShape {
  group: string;
  version: string;
  /** Its name in URLs. */
  plural: string;
  /** The types of what is read of it. */
  schema: z.ZodType;
  /** Its parts that are completed and pinned on their own. */
  units: UnitPlace;
  /**
   * What its units are: parts with pod templates of their own, or workers of a ModelBooster, of which Kthena's controller
   * makes the roles of a ModelServing.
   */
  holds: "templates" | "workers";
  /** Fields of a unit with pod templates. */
  templates: readonly TemplateField[];
  /** Pods of one instance of a unit: at least one. */
  podsEach: (unit: JsonObject) => number;
  /** What its controller gives every container of a unit's pods. */
  variables: PodVariables;
  /** The field with the number of groups: each has all units. */
  groups: readonly string[];
  /** Fields of a unit that scale or pace it: no template changes with them. */
  scaling: ReadonlySet<string>;
  /** What its CRD requires of a unit: what was added there stays when injection ends. */
  required: readonly RequiredField[];
  /** Whether Kthena's controller makes PodGroups of it: scheduler, queue and gang are then told on the object itself. */
  grouped: boolean;
  /** Fields beside its units that decide about the additions to them. */
  peerFields: readonly (readonly string[])[];
  /** The object beside its units with words and variables of the user's, which are bounded too. */
  beside?: readonly string[];
  /** Fields beside its units that the webhooks are called for (the chart's matchConditions say the same in CEL). */
  watched: readonly (readonly string[])[];
  /** Whether its controller makes the pods of a unit anew without those of the others. */
  rollsUnits: (object: JsonObject) => boolean;
  /** Additions beside the units that the CRD declares immutable, as `encodePath` writes them. */
  immutable: readonly string[];
}
