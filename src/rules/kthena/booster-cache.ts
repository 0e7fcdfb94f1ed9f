import { type JsonObject, stringOf } from "../../api/json.ts";
import { trimmed } from "../../api/trim.ts";
import { cleanPath } from "../go/text.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { backendOf } from "./booster-backend.ts";
import type { Check } from "./rule.ts";

const PVC = "pvc://";

interface Fault extends Remark {
  check: "pvc-cache" | "pvc-dotdot" | "pvc-claim" | "pvc-path";
}

/** Checks of a model that lies on a PersistentVolumeClaim. */
export const CACHE_CHECKS: readonly Check[] = [
  {
    name: "pvc-cache",
    summary: "A model on a PersistentVolumeClaim has a cacheURI that names the claim",
    why: "Kthena mounts the claim of cacheURI; modelURI only says where in it the model lies",
    example: {
      in: "backend",
      refused: "{modelURI: pvc://models/qwen, workers: [{type: server}]}",
      admitted: "{modelURI: pvc://models/qwen, cacheURI: pvc://models, workers: [{type: server}]}",
    },
    check: (object) => faultOf(object, "pvc-cache"),
  },
  {
    name: "pvc-dotdot",
    summary: "modelURI of a model on a PersistentVolumeClaim has no .. in its path",
    why: "It could lead out of the claim",
    example: {
      in: "backend",
      refused: "{modelURI: pvc://models/../qwen, cacheURI: pvc://models, workers: [{type: server}]}",
      admitted: "{modelURI: pvc://models/qwen, cacheURI: pvc://models, workers: [{type: server}]}",
    },
    check: (object) => faultOf(object, "pvc-dotdot"),
  },
  {
    name: "pvc-claim",
    summary: "cacheURI of a model on a PersistentVolumeClaim is the claim's name and nothing more",
    why: "The whole claim is mounted; the path in it belongs into modelURI",
    example: {
      in: "backend",
      refused: "{modelURI: pvc://models/qwen, cacheURI: pvc://models/qwen, workers: [{type: server}]}",
      admitted: "{modelURI: pvc://models/qwen, cacheURI: pvc://models, workers: [{type: server}]}",
    },
    check: (object) => faultOf(object, "pvc-claim"),
  },
  {
    name: "pvc-path",
    summary: "modelURI of a model on a PersistentVolumeClaim lies on the claim of cacheURI",
    why: "The engine would look for the model where nothing is mounted",
    example: {
      in: "backend",
      refused: "{modelURI: pvc://other/qwen, cacheURI: pvc://models, workers: [{type: server}]}",
      admitted: "{modelURI: pvc://models/qwen, cacheURI: pvc://models, workers: [{type: server}]}",
    },
    check: (object) => faultOf(object, "pvc-path"),
  },
];

function faultOf(object: JsonObject, wanted: Fault["check"]): Remark[] {
  const found = firstFault(object);
  if (found?.check !== wanted) return [];
  const { check: _check, ...remark } = found;
  return [remark];
}

/** The first fault: Kthena looks no further. */
function firstFault(object: JsonObject): Fault | undefined {
  const backend = backendOf(object);
  const model = stringOf(backend.modelURI) ?? "";
  if (!model.startsWith(PVC)) return undefined;
  const cache = stringOf(backend.cacheURI) ?? "";
  const place = model.slice(PVC.length);
  const modelField = { path: "spec.backend.modelURI", value: model };
  const cacheField = { path: "spec.backend.cacheURI", value: cache };
  if (!cache.startsWith(PVC)) {
    const message = `the model lies on a claim (${quoted(model)}), which cacheURI does not name`;
    return { check: "pvc-cache", ...cacheField, message, fix: "write cacheURI: pvc:// and the claim's name" };
  }
  if (place.split("/").includes("..")) {
    const message = `the path of ${quoted(model)} has .. in it`;
    return { check: "pvc-dotdot", ...modelField, message, fix: "write the path without it" };
  }
  const claim = trimmed(cache.slice(PVC.length), "/");
  if (claim === "" || claim.includes("/")) {
    const message = `${quoted(cache)} is not the name of one claim`;
    return {
      check: "pvc-claim",
      ...cacheField,
      message,
      fix: "write pvc:// and the claim's name, without a path",
    };
  }
  const path = cleanPath(`/${place}`);
  if (path === `/${claim}` || path.startsWith(`/${claim}/`)) return undefined;
  const message = `${quoted(model)} does not lie on the claim ${claim} of cacheURI`;
  return { check: "pvc-path", ...modelField, message, fix: `begin it with pvc://${claim}` };
}
