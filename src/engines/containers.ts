import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../api/json.ts";
import { asksForNpus } from "./accelerators.ts";
import { repositoryOf } from "./images.ts";

export {
  asksForNpus,
  isNpuResource,
  npuResourcesOf,
  otherAcceleratorOf,
  otherVendorOf,
} from "./accelerators.ts";
export { parseNpuCount } from "./npu-count.ts";

/** How a container was found to be an engine. */
export type FoundBy = "npu-resource" | "annotation" | "name" | "only-container";

/** An engine container: its place in `spec.containers`, and how it was found. */
export interface EngineContainer {
  index: number;
  name: string;
  found: FoundBy;
}

/** The engine containers of a pod spec, or why they cannot be told from the others. */
export type EngineContainers =
  | { ok: true; containers: EngineContainer[] }
  | { ok: false; reason: string; names: string[] };

/** What a container that is no engine does. */
export type Helper = "runtime" | "downloader" | "sidecar";

const SIDECAR_NAMES: ReadonlySet<string> = new Set(["istio-proxy", "linkerd-proxy", "sidecar"]);
const RUNTIME_IMAGES: ReadonlySet<string> = new Set(["volcano-sh/runtime", "kthena/runtime"]);
const DOWNLOADER_IMAGES: ReadonlySet<string> = new Set(["volcano-sh/downloader", "kthena/downloader"]);

/**
 * Whether a container is one that never serves the model: Kthena's `runtime` and `<model>-model-downloader`
 * (Kthena, pkg/model-booster-controller/convert), a service mesh's proxy, or a container named as a sidecar.
 */
export function helperOf(container: JsonObject): Helper | undefined {
  const name = stringOf(container.name) ?? "";
  if (name === "runtime") return "runtime";
  if (name === "downloader" || name.endsWith("-model-downloader")) return "downloader";
  if (SIDECAR_NAMES.has(name) || name.endsWith("-sidecar")) return "sidecar";
  const image = stringOf(container.image);
  if (image === undefined) return undefined;
  const repository = repositoryOf(image);
  if (RUNTIME_IMAGES.has(repository)) return "runtime";
  return DOWNLOADER_IMAGES.has(repository) ? "downloader" : undefined;
}

/** Whether an init container is a native sidecar: it keeps running beside the engine (Kubernetes 1.29). */
export function isNativeSidecar(initContainer: JsonObject): boolean {
  return initContainer.restartPolicy === "Always";
}

/**
 * The containers of a pod spec that run the model server: those that ask for NPUs; else the one that the annotation
 * names; else those with one of the given names; else the only one there is. Native sidecars are init containers and
 * so never among them.
 */
export function engineContainers(
  podSpec: Json | undefined,
  options: { annotation?: string | undefined; names: readonly string[]; resourceName?: string },
): EngineContainers {
  const all = listOf(objectOf(podSpec).containers).map(objectOf);
  const names = all.map((container) => stringOf(container.name) ?? "");
  const candidates = all.flatMap((container, index) =>
    helperOf(container) === undefined ? [{ container, index, name: names[index] ?? "" }] : [],
  );
  const pick = (found: FoundBy, chosen: typeof candidates): EngineContainers => ({
    ok: true,
    containers: chosen.map(({ index, name }) => ({ index, name, found })),
  });
  const asking = candidates.filter(({ container }) => asksForNpus(container, options.resourceName));
  if (asking.length > 0) return pick("npu-resource", asking);
  if (options.annotation !== undefined && options.annotation !== "") {
    const named = candidates.filter(({ name }) => name === options.annotation);
    return named.length > 0 ? pick("annotation", named) : misnamed(options.annotation, names);
  }
  const known = candidates.filter(({ name }) => options.names.includes(name));
  if (known.length > 0) return pick("name", known);
  if (candidates.length === 1) return pick("only-container", candidates);
  if (all.length === 0) return { ok: true, containers: [] };
  const why = candidates.length === 0 ? "none of the containers is an engine" : "several could be the engine";
  return { ok: false, reason: `${why}: ${names.join(", ")}`, names };
}

function misnamed(annotation: string, names: string[]): EngineContainers {
  const reason = names.includes(annotation)
    ? `the annotation names ${annotation}, which never runs an engine`
    : `the annotation names ${annotation}, but the containers are ${names.join(", ") || "none"}`;
  return { ok: false, reason, names };
}
