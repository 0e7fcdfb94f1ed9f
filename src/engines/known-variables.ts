/** Variables that a shell has by itself (Shell Command Language 2.5.3; bash's manual, Shell Variables). */
const SHELL: ReadonlySet<string> = new Set(
  `_ HOME PATH PWD OLDPWD IFS HOSTNAME UID EUID PPID RANDOM SRANDOM SECONDS LINENO SHELL SHLVL SHELLOPTS USER
  LOGNAME TERM LANG LANGUAGE TZ OPTARG OPTIND OPTERR REPLY FUNCNAME PIPESTATUS EPOCHSECONDS EPOCHREALTIME COLUMNS
  LINES GROUPS HOSTTYPE MACHTYPE OSTYPE DIRSTACK MAPFILE COPROC PS1 PS2 PS3 PS4 TMPDIR EDITOR PAGER MAIL`.split(
    /\s+/,
  ),
);

/** What Kthena gives every container of a role (Kthena, pkg/model-serving-controller/utils). */
const KTHENA: ReadonlySet<string> = new Set(["GROUP_SIZE", "ENTRY_ADDRESS", "WORKER_INDEX"]);

/** Kubernetes' own, and those of the namespace's Services (Kubernetes, Accessing the Service, environment variables). */
const KUBERNETES =
  /^KUBERNETES_|_SERVICE_(?:HOST|PORT(?:_\w{1,63})?)$|_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/;

/**
 * What the images of CANN, vllm-ascend, SGLang and MindIE set, and CANN's set_env.sh: beginnings of names
 * (vllm-ascend, Dockerfile; CANN, set_env.sh; MindIE's images).
 */
const IMAGES =
  /^(?:ASCEND|ATB|ASDOPS|LCAL|TOOLCHAIN|CANN|MINDIE|MIES|MIE|LD_|LIBRARY_|C_INCLUDE_|CPLUS_|CMAKE_|PYTHON|PIP_|UV_|CONDA_|VIRTUAL_ENV|SOC_VERSION|DEBIAN_|LC_|BASH|GPG_|CUDA_|NVIDIA_|NPU_|VLLM_|SGLANG_|MODEL_BASE_|RT_|OPP_|DDK_)/;

/** Variables of other controllers, with what Kthena has in their place (LeaderWorkerSet, Volcano's jobs). */
const FOREIGN: Readonly<Record<string, string>> = {
  LWS_LEADER_ADDRESS: "ENTRY_ADDRESS",
  LWS_GROUP_SIZE: "GROUP_SIZE",
  LWS_WORKER_INDEX: "WORKER_INDEX",
  VC_TASK_INDEX: "WORKER_INDEX",
  VK_TASK_INDEX: "WORKER_INDEX",
};

/** Whether a variable is there without the manifest: set by the shell, Kubernetes, Kthena or an image of engines. */
export function isSetElsewhere(name: string): boolean {
  return SHELL.has(name) || KTHENA.has(name) || KUBERNETES.test(name) || IMAGES.test(name);
}

/** Whether Kubernetes gives it to every container: what `$(NAME)` can stand for beside the container's own. */
export function isOfService(name: string): boolean {
  return KUBERNETES.test(name);
}

/** The variable of Kthena's that stands for one of another controller's, or undefined. */
export function kthenaVariable(name: string): string | undefined {
  return Object.hasOwn(FOREIGN, name) ? FOREIGN[name] : undefined;
}
