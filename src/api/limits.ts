/**
 * What is read at most. Each limit is what Kubernetes or Linux would refuse later, or far above every real object: the
 * largest manifests that are known have two roles, some ten containers and 1,500 variables. Lengths count UTF-16 units.
 */
export const OBJECT_LIMITS = {
  /** Levels of an object. Pod templates in Kthena's kinds have 20; the API server itself stops at 10,000. */
  depth: 100,
  /** Levels of JSON in a text: a command line's configuration, a record. vLLM's have 6. */
  jsonDepth: 64,
  /** One string of `command` or `args`: Linux starts no program with a longer one (MAX_ARG_STRLEN). */
  argument: 128 * 1024,
  /** Names of roles, containers, variables, volumes and their like: Kubernetes allows 253, labels aside. */
  name: 1024,
  /** Paths, images and other values of one word: Linux takes 4,096 for a path (PATH_MAX). */
  word: 4096,
  /** Keys and values of all annotations of one object or template together (apimachinery, ValidateAnnotationsSize). */
  annotationBytes: 256 * 1024,
  /** Annotations, and labels, of one object or template. */
  annotations: 4096,
  /** Roles of a ModelServing, workers of a ModelBooster. */
  roles: 2048,
  /** Containers of one pod, init containers apart. */
  containers: 1024,
  /** Variables of one container: as short as can be, so many fill 2 MB, all that Linux gives a process. */
  variables: 65_536,
  /** Strings of one `command` or `args`. */
  arguments: 65_536,
  /** Resources of a container, or of a ModelBooster's worker, on one side: nodes publish some dozen. */
  resources: 1024,
  /** Items of any other list of a pod or container: volumes, mounts, ports. */
  items: 16_384,
} as const;

/** What a refusal, and an answer as a whole, tell at most; what is more is counted. */
export const ANSWER_LIMITS = {
  /** Causes of one refusal. */
  causes: 100,
  /** Length of their text, and of the message made of it. */
  refusal: 32 * 1024,
  /** One text of a finding. */
  text: 2048,
  /** One audit annotation. */
  audit: 4096,
  /** The object's name, as the refusal repeats it. */
  name: 253,
} as const;

/** What work on one object or document may take before it is ended. */
export const WORK_LIMITS = {
  milliseconds: 1000,
  /**
   * Watching costs a quarter of a millisecond each time, more than all else of a review of a usual object, and an
   * update brings two of those: what is smaller than this is not watched. Growth is linear there (bench/complexity.ts).
   */
  unwatchedLength: 64 * 1024,
} as const;

/**
 * What an AscendDefaults document can hold. It is made by hand and resolves to 32 KiB at most, so all of this is far
 * above real ones; what goes with the square of a number is bounded by it.
 */
export const DEFAULTS_LIMITS = {
  /** Bytes of the text, comments included: twice what the settings made of it may have. */
  textBytes: 64 * 1024,
  /** Levels. A sidecar's probe has 10, a projected volume 12. */
  depth: 32,
  /** Anchors and aliases together, and how many nodes aliases may stand for. */
  aliases: 64,
  /** One key: Kubernetes allows a prefix of 253 characters, a slash and 63 more. */
  key: 512,
  /** Names, interfaces, quantities, versions. */
  word: 253,
  /** Paths, URLs, values of variables: Linux takes 4,096 for a path. */
  value: 4096,
  /** Items of a list: mounts, pools, tolerations, sidecars, classes, NPU counts. */
  items: 128,
  /** Keys of a map: variables, labels, annotations. */
  keys: 512,
  /** Rules: there are fewer than 200. */
  rules: 512,
  /** Problems that are told of one document; what is more is counted. */
  problems: 100,
} as const;
