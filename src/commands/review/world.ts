import type { LookedUp } from "../../admission/judgement.ts";
import type { JsonObject } from "../../api/json.ts";
import type { ClusterFacts } from "../../rules/cluster-facts.ts";
import type { ManifestObject } from "../manifests/read.ts";

/** What is known beside one object of the manifests. */
export interface Known extends LookedUp {
  /** The object as it is stored in the cluster; undefined where it is new, or there is no cluster. */
  stored?: JsonObject | undefined;
  /** Why the webhook would not be called for it, where that is so. */
  uncalled?: string | undefined;
}

/** What reviews compare with: documents in files, or a cluster. */
export interface ReviewWorld {
  /** Which defaults were used, in a line for people. */
  about: string;
  facts: ClusterFacts | undefined;
  /** The namespace of objects that name none. */
  namespace: string;
  /** Whether consequences can be told: what is stored is known. */
  live: boolean;
  know: (item: ManifestObject, namespace: string) => Promise<Known>;
  /** Lines for people about what is wrong beside the objects. */
  complaints: () => readonly string[];
  /** Whether a defaults document among the manifests cannot be used. */
  broken: () => boolean;
}
