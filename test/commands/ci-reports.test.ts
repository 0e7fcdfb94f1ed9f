import { describe, expect, it } from "vitest";
import type { ManifestJudgement } from "../../src/admission/manifest.ts";
import type { Finding } from "../../src/api/finding.ts";
import { objectsOf, parseManifests } from "../../src/commands/manifests/read.ts";
import { githubReport, junitReport } from "../../src/commands/review/ci-reports.ts";
import type { ReviewedManifest } from "../../src/commands/review/review.ts";

const TEXT = `kind: ModelServing
metadata:
  name: a<b>
spec:
  schedulerName: other
`;

function reviewed(findings: Finding[]): ReviewedManifest[] {
  return parseManifests(TEXT, "dir/a,b.yaml").manifests.map((manifest) => ({
    manifest,
    objects: objectsOf(manifest).map((item) => ({
      ...item,
      judgement: { findings } as unknown as ManifestJudgement,
      refused: findings.some(({ severity }) => severity === "deny"),
      warnings: [],
      consequences: [],
      stored: undefined,
    })),
  }));
}

const finding = (severity: Finding["severity"], message: string): Finding => ({
  rule: "gang/scheduler",
  severity,
  path: "spec.schedulerName",
  cause: "FieldValueInvalid",
  message,
  fix: "write 100% of it",
});

describe("-o github", () => {
  it("writes a command for each finding, with file, line and column", () => {
    expect(
      githubReport(
        reviewed([finding("deny", "is\nwrong"), finding("warn", "b"), finding("allowed", "c")]),
        [],
      ),
    ).toBe(`::error file=dir/a%2Cb.yaml,line=5,col=3,title=gang/scheduler::spec.schedulerName: is%0Awrong; write 100%25 of it
::warning file=dir/a%2Cb.yaml,line=5,col=3,title=gang/scheduler::spec.schedulerName: b; write 100%25 of it
::notice file=dir/a%2Cb.yaml,line=5,col=3,title=gang/scheduler::spec.schedulerName: c; write 100%25 of it
`);
  });

  it("tells what could not be read", () => {
    expect(githubReport([], [{ file: "x.yaml", line: 3, problem: "is no YAML" }])).toBe(
      "::error file=x.yaml,line=3,title=unreadable::is no YAML\n",
    );
  });
});

describe("-o junit", () => {
  it("has a suite a file, a case an object, a failure for what is refused", () => {
    const broken = [{ file: "x.yaml", problem: "does not exist" }];
    expect(
      junitReport(reviewed([finding("deny", 'is "wrong" & <odd>\u0001'), finding("warn", "b")]), broken),
    ).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="kthena-ascend review">
  <testsuite name="dir/a,b.yaml" tests="1" failures="1" errors="0">
    <testcase name="ModelServing a&lt;b&gt;" classname="dir/a,b.yaml" file="dir/a,b.yaml" line="1">
      <failure type="gang/scheduler" message="is &quot;wrong&quot; &amp; &lt;odd&gt;\\u0001">refused dir/a,b.yaml:5:3 spec.schedulerName: is &quot;wrong&quot; &amp; &lt;odd&gt;\\u0001; write 100% of it (gang/scheduler)</failure>
      <system-out>warning dir/a,b.yaml:5:3 spec.schedulerName: b; write 100% of it (gang/scheduler)</system-out>
    </testcase>
  </testsuite>
  <testsuite name="x.yaml" tests="1" failures="0" errors="1">
    <testcase name="x.yaml" classname="x.yaml">
      <error message="does not exist"/>
    </testcase>
  </testsuite>
</testsuites>
`);
  });

  it("has a bare case for what is admitted", () => {
    expect(junitReport(reviewed([]), [])).toContain('line="1"/>\n');
  });
});
