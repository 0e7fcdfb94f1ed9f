import type { Addition } from "../pinning/addition.ts";
import type { PodSubject } from "../readings/pod-subject.ts";

/** Completes a pod template. Pure: from the template and settings to additions, relative to the template. */
export interface PodInjector {
  id: string;
  inject: (pod: PodSubject) => Addition[];
}
