import type { Chip } from "./resource-names.ts";

/** A version of vLLM or vllm-ascend as it stands in an image tag. */
export interface EngineVersion {
  /** As written, without the `v`: `0.11.0rc1`. */
  text: string;
  major: number;
  minor: number;
  patch: number;
  /** 1 for rc1; undefined for a release. */
  candidate?: number;
}

/** What an image reference says about the engine in it. Nothing is looked up. */
export interface ImageFacts {
  registry?: string;
  /** Path without registry, tag and digest: `ascend/vllm-ascend`. */
  repository: string;
  tag?: string;
  digest?: string;
  build: "kthena-engine" | "vllm-ascend" | "vllm-openai" | "sglang" | "mindie" | "other";
  /** Kthena's own engine image: its entrypoint starts vLLM, and exits without `AscendRealDevices`. */
  kthenaEngine: boolean;
  /** The image of the vllm-ascend project, under any registry: it has no entrypoint (its Dockerfile). */
  stockVllmAscend: boolean;
  /** The engine that the names stand for, where they do. */
  engine?: "vllm" | "sglang" | "mindie";
  /** Whether name or tag says that it is built for Ascend. */
  ascend: boolean;
  version?: EngineVersion;
  /** A tag of vllm-ascend that follows its main branch: it has what no release has yet. */
  newest?: true;
  mooncakeVersion?: string;
  /** The chip that the tag or the name says it is built for; no such word means A2 for vllm-ascend. */
  chip?: Chip;
  os?: "openeuler";
}

const VERSION = /(?:^|[-_])v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[._-]?rc\.?(\d{1,4}))?/;
/** `main`, `main-a3`, `nightly-a3` (vllm-ascend, its image workflows). */
const MOVING = /^(?:main|nightly)(?:-|$)/;
const MOONCAKE = /mooncake[-_]?v?(\d[\w.]*)/;

/**
 * Reads an image reference (the grammar of distribution/reference: `host:5000/path:tag@digest`).
 * Tags of vllm-ascend look like `v0.11.0rc1-a3-openeuler` (its docs, installation.md), those of Kthena's own engine
 * like `vllm-ascend_v0.10.1rc1_mooncake_v0.3.5` (Kthena, examples/model-serving).
 */
export function imageFacts(image: string): ImageFacts {
  const reference = splitReference(image);
  const tag = reference.tag?.toLowerCase() ?? "";
  const build = buildOf(reference.repository);
  const engine = engineOf(build, `${reference.repository.toLowerCase()}:${tag}`);
  const version = build === "other" || build === "mindie" ? undefined : versionOf(tag, build);
  const mooncake = MOONCAKE.exec(tag)?.[1];
  const chip = chipOf(reference.repository, tag);
  return {
    ...reference,
    build,
    kthenaEngine: build === "kthena-engine",
    stockVllmAscend: build === "vllm-ascend",
    ...(engine === undefined ? {} : { engine }),
    ascend: /ascend|cann|mindie/.test(reference.repository.toLowerCase()) || /ascend|cann|npu/.test(tag),
    ...(version === undefined ? {} : { version }),
    ...(version === undefined && build === "vllm-ascend" && MOVING.test(tag)
      ? { newest: true as const }
      : {}),
    ...(mooncake === undefined ? {} : { mooncakeVersion: mooncake }),
    ...(chip === undefined ? {} : { chip }),
    ...(tag.includes("openeuler") ? { os: "openeuler" as const } : {}),
  };
}

/** The path of an image reference, without registry, tag and digest. */
export function repositoryOf(image: string): string {
  return splitReference(image).repository;
}

/** Whether an image is Kthena's own engine image. */
export function isKthenaEngine(image: string): boolean {
  return buildOf(repositoryOf(image)) === "kthena-engine";
}

function splitReference(image: string): Pick<ImageFacts, "registry" | "repository" | "tag" | "digest"> {
  const at = image.indexOf("@");
  const named = at < 0 ? image : image.slice(0, at);
  const lastSlash = named.lastIndexOf("/");
  const colon = named.indexOf(":", lastSlash + 1);
  const path = colon < 0 ? named : named.slice(0, colon);
  const slash = path.indexOf("/");
  const head = slash < 0 ? "" : path.slice(0, slash);
  const hasRegistry = head === "localhost" || head.includes(".") || head.includes(":");
  return {
    ...(hasRegistry ? { registry: head } : {}),
    repository: hasRegistry ? path.slice(slash + 1) : path,
    ...(colon < 0 ? {} : { tag: named.slice(colon + 1) }),
    ...(at < 0 ? {} : { digest: image.slice(at + 1) }),
  };
}

function buildOf(repository: string): ImageFacts["build"] {
  const name = repository.slice(repository.lastIndexOf("/") + 1).toLowerCase();
  if (name === "kthena-engine" || name === "vllm-ascend" || name === "mindie") return name;
  if (name.startsWith("vllm-openai")) return "vllm-openai";
  return name === "sglang" ? "sglang" : "other";
}

function engineOf(build: ImageFacts["build"], text: string): ImageFacts["engine"] {
  if (build === "mindie" || build === "sglang") return build;
  if (build === "vllm-ascend" || build === "vllm-openai") return "vllm";
  const named = (["vllm", "sglang", "mindie"] as const).filter((name) => text.includes(name));
  return named.length === 1 ? named[0] : undefined;
}

function versionOf(tag: string, build: ImageFacts["build"]): EngineVersion | undefined {
  // The tag of Kthena's engine names several things; the first version after vllm is the engine's.
  const from = build === "kthena-engine" ? tag.indexOf("vllm") : 0;
  const match = from < 0 ? null : VERSION.exec(tag.slice(from));
  if (!match?.[1] || !match[2]) return undefined;
  const numbers = { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
  const release = match[3] === undefined ? `${match[1]}.${match[2]}` : `${match[1]}.${match[2]}.${match[3]}`;
  if (match[4] === undefined) return { text: release, ...numbers };
  return { text: `${release}rc${match[4]}`, ...numbers, candidate: Number(match[4]) };
}

/**
 * Words of image names and tags that name a chip: vllm-ascend's suffixes (installation.md), SGLang's (`-910b`, `-a3`:
 * its ascend_npu.md), and the servers in those of MindIE (`2.0.RC2-800I-A2-py311`).
 */
export const CHIP_WORDS: ReadonlyMap<string, Chip> = new Map<string, Chip>([
  ["a2", "910B"],
  ["910b", "910B"],
  ["a3", "910C"],
  ["910c", "910C"],
  ["310p", "310P"],
  ["300i", "310P"],
  ["a5", "950"],
  ["950", "950"],
]);

/** The tag goes before the name: a mirror may keep the images of all chips under one name. */
function chipOf(repository: string, tag: string): Chip | undefined {
  const name = repository.slice(repository.lastIndexOf("/") + 1).toLowerCase();
  for (const text of [tag, name]) {
    const word = text.split(/[-_.]/).find((part) => CHIP_WORDS.has(part));
    if (word !== undefined) return CHIP_WORDS.get(word);
  }
  return undefined;
}

/** Whether a version is this one or a later one; candidates count as their release. */
export function isAtLeast(version: EngineVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}
