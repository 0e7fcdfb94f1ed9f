import { RULES } from "../../rules/index.ts";
import { positionOf } from "../manifests/edit.ts";
import { allObjects } from "./report.ts";
import type { Reviewed } from "./review.ts";

const LEVEL = { deny: "error", warn: "warning", allowed: "note" } as const;

/** The findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines. */
export function sarifReport({ manifests, unreadable }: Reviewed): object {
  const found = allObjects(manifests).flatMap((item) =>
    item.judgement.findings.map((finding) => {
      const { line, column } = positionOf(item.manifest, item.at, finding.path);
      const place = placeOf(item.manifest.file, { startLine: line, startColumn: column });
      const text = `${finding.path}: ${finding.message}; ${finding.fix}`;
      return { ruleId: finding.rule, level: LEVEL[finding.severity], message: { text }, locations: [place] };
    }),
  );
  const broken = unreadable.map(({ file, line, problem }) => ({
    ruleId: "unreadable",
    level: "error",
    message: { text: problem },
    locations: [placeOf(file, { startLine: line ?? 1 })],
  }));
  const used = new Set(found.map(({ ruleId }) => ruleId));
  const rules = RULES.filter(({ id }) => used.has(id)).map(({ id, summary, why }) => ({
    id,
    shortDescription: { text: summary },
    fullDescription: { text: why },
  }));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "kthena-ascend", rules } }, results: [...broken, ...found] }],
  };
}

function placeOf(uri: string, region: { startLine: number; startColumn?: number }): object {
  return { physicalLocation: { artifactLocation: { uri }, region } };
}
