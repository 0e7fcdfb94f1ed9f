import { modelBoosterShape } from "./model-booster.ts";
import { modelServingShape } from "./model-serving.ts";

/**
 * The kinds whose objects are completed part by part. What a controller makes of another comes before it: its pods are
 * counted with what is nearer to them.
 */
export const WORKLOADS = { ModelServing: modelServingShape, ModelBooster: modelBoosterShape };
