import { at, isObject, type Json, type JsonObject, objectOf } from "../../api/json.ts";
import { isGoDuration } from "../go/duration.ts";
import { quoted } from "../quote.ts";
import type { Remark } from "../rule.ts";
import { isLabelKey, isLabelValue } from "./labels.ts";
import { type Check, specOf } from "./rule.ts";

const SELECTOR = "spec.workloadSelector";
const server = (spec: string): string =>
  `apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelServer\nspec: {inferenceEngine: vLLM, workloadPort: {port: 8000}, ${spec}}`;
const ADMITTED = server("workloadSelector: {matchLabels: {app: qwen}}");

/** Checks of a ModelServer. */
export const SERVER_CHECKS: readonly Check[] = [
  {
    name: "server-selector",
    summary: "A ModelServer has a workloadSelector",
    why: "It would select nothing; the CRD does not require a spec, Kthena's webhook does",
    example: {
      in: "object",
      refused: "apiVersion: networking.serving.volcano.sh/v1alpha1\nkind: ModelServer",
      admitted: ADMITTED,
    },
    check: (object) =>
      isObject(specOf(object).workloadSelector)
        ? []
        : [
            {
              path: SELECTOR,
              cause: "FieldValueRequired",
              message: "there is no workloadSelector",
              fix: "write workloadSelector.matchLabels with the labels of the workload's pods",
            },
          ],
  },
  {
    name: "server-labels",
    summary:
      "matchLabels of a ModelServer, and prefillLabels and decodeLabels of its pdGroup, have a label each",
    why: "An empty selector would select every pod of the namespace",
    example: {
      in: "object",
      refused: server("workloadSelector: {matchLabels: {}}"),
      admitted: ADMITTED,
    },
    check: (object) =>
      labelMaps(object)
        .filter(({ labels }) => Object.keys(objectOf(labels)).length === 0)
        .map(({ path }) => ({
          path,
          cause: "FieldValueRequired",
          message: `${path.slice(path.lastIndexOf(".") + 1)} has no label`,
          fix: "write at least one label",
        })),
  },
  {
    name: "server-labels-syntax",
    summary: "Labels that a ModelServer selects by have the syntax of labels",
    why: "No pod can have others",
    example: {
      in: "object",
      refused: server("workloadSelector: {matchLabels: {app: -qwen}}"),
      admitted: ADMITTED,
    },
    check: (object) => labelMaps(object).flatMap(badLabel),
  },
  {
    name: "server-group-key",
    summary: "groupKey of a pdGroup is not empty",
    why: "Prefill and decode pods are paired by the value of this label",
    example: {
      in: "object",
      refused: server(
        "workloadSelector: {matchLabels: {app: m}, pdGroup: {groupKey: '', prefillLabels: {r: p}, decodeLabels: {r: d}}}",
      ),
      admitted: server(
        "workloadSelector: {matchLabels: {app: m}, pdGroup: {groupKey: g, prefillLabels: {r: p}, decodeLabels: {r: d}}}",
      ),
    },
    check: (object) => {
      const group = at(object, "spec", "workloadSelector", "pdGroup");
      if (!isObject(group) || (group.groupKey ?? "") !== "") return [];
      return [
        {
          path: `${SELECTOR}.pdGroup.groupKey`,
          cause: "FieldValueRequired",
          message: "groupKey is empty",
          fix: "write the key of the label that pairs prefill and decode",
        },
      ];
    },
  },
  {
    name: "server-duration",
    summary: "timeout and retryInterval are durations in Go's syntax",
    why: "Kthena's webhook cannot read the object otherwise and answers with an error",
    example: {
      in: "object",
      refused: server("workloadSelector: {matchLabels: {app: m}}, trafficPolicy: {timeout: 1d}"),
      admitted: server("workloadSelector: {matchLabels: {app: m}}, trafficPolicy: {timeout: 24h}"),
    },
    check: (object) =>
      [["timeout"], ["retry", "retryInterval"]].flatMap((keys): Remark[] => {
        const value = at(object, "spec", "trafficPolicy", ...keys);
        if (typeof value !== "string" || isGoDuration(value)) return [];
        const path = `spec.trafficPolicy.${keys.join(".")}`;
        return [
          {
            path,
            value,
            message: `${quoted(value)} is no duration`,
            fix: "write one such as 30s, 500ms or 1h30m",
          },
        ];
      }),
  },
];

interface LabelMap {
  path: string;
  labels: Json | undefined;
}

/** The maps that have to be there: those of a pdGroup only where there is one. */
function labelMaps(object: JsonObject): LabelMap[] {
  const selector = specOf(object).workloadSelector;
  if (!isObject(selector)) return [];
  const maps = [{ path: `${SELECTOR}.matchLabels`, labels: selector.matchLabels }];
  const group = selector.pdGroup;
  if (!isObject(group)) return maps;
  for (const key of ["prefillLabels", "decodeLabels"])
    maps.push({ path: `${SELECTOR}.pdGroup.${key}`, labels: group[key] });
  return maps;
}

/** One finding a map, as Kthena says it. */
function badLabel({ path, labels }: LabelMap): Remark[] {
  for (const [key, value] of Object.entries(objectOf(labels))) {
    if (!isLabelKey(key)) {
      const fix =
        "write [domain/]name: letters, digits, -, _ and ., at most 63, a letter or digit at both ends";
      return [{ path, value: key, message: `${quoted(key)} is no key of a label`, fix }];
    }
    if (typeof value === "string" && !isLabelValue(value)) {
      const fix = "use letters, digits, -, _ and ., at most 63, a letter or digit at both ends";
      return [{ path, value, message: `${quoted(value)} is no value of a label (${key})`, fix }];
    }
  }
  return [];
}
