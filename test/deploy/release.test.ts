import { join } from "node:path";
import { expect, test } from "vitest";
import { imageLabels, krewPlugin, releaseVersion } from "../../deploy/release-files.ts";

const ROOT = join(import.meta.dirname, "..", "..");

test("package, chart and change log say the same version", async () => {
  expect(await releaseVersion(ROOT)).toMatch(/^\d+\.\d+\.\d+/);
});

test("the kubectl plugin is called ascend and starts the program", () => {
  const plugin = krewPlugin({
    version: "1.2.3",
    homepage: "https://example.invalid",
    uri: "https://example.invalid/a.tar.gz",
    sha256: "00",
  });
  expect(plugin).toMatchObject({
    metadata: { name: "ascend" },
    spec: { version: "v1.2.3", platforms: [{ bin: "dist/main.js", sha256: "00" }, {}] },
  });
});

test("the image's labels name version, source and revision", () => {
  const labels = imageLabels({ version: "1.2.3", source: "https://example.invalid", revision: "abc" });
  expect(labels.split("\n")).toContain("org.opencontainers.image.revision=abc");
  expect(labels).toContain("org.opencontainers.image.version=1.2.3\n");
});
