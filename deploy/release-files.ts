import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";

/**
 * The version that is released: package.json has it, and the chart and the change log must say the same.
 *
 * @throws Error that names what differs
 */
export async function releaseVersion(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const chart = parse(await readFile(join(root, "deploy", "chart", "Chart.yaml"), "utf8"));
  const changes = await readFile(join(root, "CHANGELOG.md"), "utf8");
  const differing = [
    ...(chart.version === version ? [] : [`version of deploy/chart/Chart.yaml is ${chart.version}`]),
    ...(chart.appVersion === version ? [] : [`appVersion of deploy/chart/Chart.yaml is ${chart.appVersion}`]),
    ...(changes.includes(`\n## ${version}`) ? [] : ["CHANGELOG.md has no heading for it"]),
  ];
  if (differing.length > 0)
    throw new Error(`package.json says version ${version}, but ${differing.join("; ")}`);
  return version;
}

/** What the image says of itself (opencontainers/image-spec, annotations.md), a line a label for `docker build`. */
export function imageLabels(about: { version: string; source: string; revision: string }): string {
  const labels = {
    title: "kthena-ascend",
    description: "Admission webhook that makes Kthena model workloads run on Huawei Ascend NPUs",
    licenses: "Apache-2.0",
    version: about.version,
    source: about.source,
    revision: about.revision,
  };
  return Object.entries(labels)
    .map(([key, value]) => `org.opencontainers.image.${key}=${value}\n`)
    .join("");
}

/** The manifest of `kubectl ascend` for krew's index (kubernetes-sigs/krew, docs on the plugin manifest). */
export function krewPlugin(about: {
  version: string;
  homepage: string;
  uri: string;
  sha256: string;
}): object {
  const platform = (os: string): object => ({
    selector: { matchLabels: { os } },
    uri: about.uri,
    sha256: about.sha256,
    bin: "dist/main.js",
  });
  return {
    apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
    kind: "Plugin",
    metadata: { name: "ascend" },
    spec: {
      version: `v${about.version}`,
      homepage: about.homepage,
      shortDescription: "Review Kthena models for Ascend NPUs",
      description:
        "Says what kthena-ascend would add to a model's manifest, what it would refuse and why; offline or against a cluster.",
      caveats: "Needs Node.js 22.19 or later on the PATH.",
      platforms: ["linux", "darwin"].map(platform),
    },
  };
}
