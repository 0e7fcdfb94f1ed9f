/** Variables that a shell has by itself (Shell Command Language 2.5.3; bash's manual, Shell Variables). */
const SHELL: ReadonlySet<string> = new Set(
  `_ HOME PATH PWD OLDPWD IFS HOSTNAME UID EUID PPID RANDOM SRANDOM SECONDS LINENO SHELL SHLVL SHELLOPTS USER
  LOGNAME TERM LANG LANGUAGE TZ OPTARG OPTIND OPTERR REPLY FUNCNAME PIPESTATUS EPOCHSECONDS EPOCHREALTIME COLUMNS
  LINES GROUPS HOSTTYPE MACHTYPE OSTYPE DIRSTACK MAPFILE COPROC PS1 PS2 PS3 PS4 TMPDIR EDITOR PAGER MAIL`.split(
    /\s+/,
  ),
);

/** The variables that a controller gives every container of a unit, by what they hold. */
export interface PodVariables {
  /** How many pods an instance of the unit has. */
  size: string;
  /** Where its entry pod is found. */
  entry: string;
  /** Which pod of them it is; the entry is 0. */
  index: string;
}

/** What Kthena gives every container of a role (Kthena, pkg/model-serving-controller/utils). */
export const KTHENA_VARIABLES: PodVariables = {
  size: "GROUP_SIZE",
  entry: "ENTRY_ADDRESS",
  index: "WORKER_INDEX",
};

/** Kubernetes' own, and those of the namespace's Services (Kubernetes, Accessing the Service, environment variables). */
const KUBERNETES =
  /^KUBERNETES_|_SERVICE_(?:HOST|PORT(?:_\w{1,63})?)$|_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/;

/**
 * What the images of CANN, vllm-ascend, SGLang and MindIE set, and CANN's set_env.sh: beginnings of names
 * (vllm-ascend, Dockerfile; CANN, set_env.sh; MindIE's images).
 */
const IMAGES =
  /^(?:ASCEND|ATB|ASDOPS|LCAL|TOOLCHAIN|CANN|MINDIE|MIES|MIE|LD_|LIBRARY_|C_INCLUDE_|CPLUS_|CMAKE_|PYTHON|PIP_|UV_|CONDA_|VIRTUAL_ENV|SOC_VERSION|DEBIAN_|LC_|BASH|GPG_|CUDA_|NVIDIA_|NPU_|VLLM_|SGLANG_|MODEL_BASE_|RT_|OPP_|DDK_)/;

/** Variables of controllers by what they hold (LeaderWorkerSet, Volcano's jobs). */
const CONTROLLERS: Readonly<Record<string, keyof PodVariables>> = {
  LWS_LEADER_ADDRESS: "entry",
  LWS_GROUP_SIZE: "size",
  LWS_WORKER_INDEX: "index",
  VC_TASK_INDEX: "index",
  VK_TASK_INDEX: "index",
};

/** Whether a variable is there without the manifest: set by the shell, Kubernetes, the controller or an image of engines. */
export function isSetElsewhere(name: string, { size, entry, index }: PodVariables): boolean {
  const given = name === size || name === entry || name === index;
  return given || SHELL.has(name) || KUBERNETES.test(name) || IMAGES.test(name);
}

/** Whether Kubernetes gives it to every container: what `$(NAME)` can stand for beside the container's own. */
export function isOfService(name: string): boolean {
  return KUBERNETES.test(name);
}

/** The variable that holds what one of another controller's would, or undefined. */
export function variableFor(name: string, variables: PodVariables): string | undefined {
  const holds = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
  return holds && variables[holds];
}
