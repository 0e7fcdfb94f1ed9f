import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { findBinaries } from "../test/cluster/control-plane/binaries.ts";
import { runCommand } from "../test/cluster/control-plane/command.ts";
import { CHART, INSTALL_MANIFEST } from "./manifest.ts";
import { imageLabels, krewPlugin, releaseVersion } from "./release-files.ts";

/**
 * `npm run release -- --out DIR`: makes everything that a release consists of, and tries it. It publishes nothing:
 * .github/workflows/release.yaml does that with what stands in DIR.
 */

const ROOT = join(import.meta.dirname, "..");
const USAGE = `usage: npm run release -- --out DIR [--image REPOSITORY] [--source URL] [--revision COMMIT]
  --out DIR           where the files go; made where it is missing
  --image REPOSITORY  repository of the image in install.yaml (default: kthena-ascend)
  --source URL        where the files can be downloaded from, for the krew manifest and the image's labels
  --revision COMMIT   the commit that is released, for the image's labels
`;

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    image: { type: "string", default: "kthena-ascend" },
    source: { type: "string", default: "https://example.invalid/kthena-ascend" },
    revision: { type: "string", default: "unknown" },
  },
});
if (values.out === undefined) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const out = resolve(values.out);
await mkdir(out, { recursive: true });
const version = await releaseVersion(ROOT);
const step = (text: string) => process.stdout.write(`${text}\n`);

step(`release ${version} into ${out}`);
const archive = await npmPackage();
await tryPackage(archive);
await krewArchive(archive);
await sbom();
await chart();
await manifest();
await writeFile(
  join(out, "image-labels.txt"),
  imageLabels({ version, source: values.source, revision: values.revision }),
);
await checksums();

/** The npm package; `prepack` builds it. */
async function npmPackage(): Promise<string> {
  const { stdout } = await runCommand("npm", ["pack", "--json", "--pack-destination", out], {
    cwd: ROOT,
    timeoutMs: 300_000,
  });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as {
    filename: string;
    unpackedSize: number;
  }[];
  if (!packed) throw new Error("npm pack made nothing");
  step(`npm package: ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`);
  // helm calls the chart's archive just so.
  const file = join(out, `kthena-ascend-npm-${version}.tgz`);
  await rename(join(out, packed.filename), file);
  return file;
}

/** Installs the package in an empty folder and uses it there: it must not need the repository. */
async function tryPackage(file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-package-"));
  try {
    await writeFile(join(folder, "package.json"), "{}");
    const install = ["install", "--omit=dev", "--no-audit", "--no-fund", file];
    await runCommand("npm", install, { cwd: folder, timeoutMs: 300_000 });
    const program = join(folder, "node_modules", ".bin", "kthena-ascend");
    await runCommand(program, ["rules", "npu/count-shape"], { cwd: folder });
    const example = join(ROOT, "examples", "modelserving", "single-node.yaml");
    const { stdout } = await runCommand(program, ["review", "-f", example, "-o", "yaml"], { cwd: folder });
    if (!stdout.includes("HCCL_IF_IP")) throw new Error("the installed package completes nothing");
    step("npm package: installed and used without the repository");
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `kubectl ascend` by krew: the program with what it needs; Node must be there. */
async function krewArchive(file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "kthena-ascend-krew-"));
  try {
    await runCommand("tar", ["-xzf", file, "-C", folder, "--strip-components=1"]);
    await cp(join(ROOT, "package-lock.json"), join(folder, "package-lock.json"));
    const install = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
    await runCommand("npm", install, { cwd: folder, timeoutMs: 300_000 });
    const name = `kubectl-ascend-${version}.tar.gz`;
    await runCommand("tar", [
      "-czf",
      join(out, name),
      "-C",
      folder,
      "dist",
      "node_modules",
      "package.json",
      "LICENSE",
    ]);
    const sha256 = await hashOf(name);
    const uri = `${values.source}/releases/download/v${version}/${name}`;
    const plugin = krewPlugin({ version, homepage: values.source, uri, sha256 });
    await writeFile(join(out, "krew-ascend.yaml"), stringify(plugin));
    step(`kubectl plugin: ${name}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What is in the image and in the package, for those who must know. */
async function sbom(): Promise<void> {
  const { stdout } = await runCommand(
    "npm",
    ["sbom", "--omit=dev", "--sbom-format=cyclonedx", "--package-lock-only"],
    {
      cwd: ROOT,
    },
  );
  const { components } = JSON.parse(stdout) as { components: unknown[] };
  await writeFile(join(out, `kthena-ascend-${version}.cdx.json`), stdout);
  step(`SBOM: ${components.length} components`);
}

async function chart(): Promise<void> {
  const { paths } = await findBinaries((line) => process.stderr.write(`${line}\n`));
  const args = ["package", CHART, "--destination", out, "--version", version, "--app-version", version];
  await runCommand(paths.helm, args);
  const file = join(out, `kthena-ascend-${version}.tgz`);
  const { stdout } = await runCommand(paths.helm, ["show", "readme", file]);
  if (stdout.trim() === "") throw new Error("helm show readme shows nothing");
  step(`chart: kthena-ascend-${version}.tgz`);
}

/** The manifest for kubectl, with the image that is released. */
async function manifest(): Promise<void> {
  const text = await readFile(INSTALL_MANIFEST, "utf8");
  const image = `image: "kthena-ascend:${version}"`;
  if (!text.includes(image)) throw new Error(`deploy/install.yaml has no ${image}: run npm run render`);
  await writeFile(join(out, "install.yaml"), text.replaceAll(image, `image: "${values.image}:${version}"`));
  step("manifest: install.yaml");
}

async function checksums(): Promise<void> {
  const names = (await readdir(out)).filter((name) => name !== "SHA256SUMS").sort();
  const lines = await Promise.all(names.map(async (name) => `${await hashOf(name)}  ${name}\n`));
  await writeFile(join(out, "SHA256SUMS"), lines.join(""));
  step(`checksums of ${names.length} files: SHA256SUMS`);
}

async function hashOf(name: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(join(out, name)))
    .digest("hex");
}
