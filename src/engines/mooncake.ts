import { engineVersionOf, isFrom } from "./connector-classes.ts";
import type { ImageFacts } from "./images.ts";

/** Where the ascend_direct transport of a Mooncake listens, for each chip that a node has. */
export interface TransportPorts {
  perChip: number;
  /** First port where nothing moves it. */
  base: number;
  /** Whether ASCEND_BASE_PORT moves it. */
  movable: boolean;
}

/** Since Mooncake 0.3.8 (ascend_direct_transport: kPortRange, ASCEND_BASE_PORT), and before it. */
const NEW: TransportPorts = { perChip: 100, base: 20000, movable: true };
const OLD: TransportPorts = { perChip: 1000, base: 20000, movable: false };

/**
 * The ports of the transport in an image: by the Mooncake that its tag names, else by the one that vllm-ascend's
 * Dockerfile has (0.3.7.post2 up to v0.14.0rc1, 0.3.8.post1 from v0.15.0rc1). undefined: cannot be told.
 */
export function transportPortsOf(image: ImageFacts | undefined): TransportPorts | undefined {
  const mooncake = image?.mooncakeVersion === undefined ? undefined : engineVersionOf(image.mooncakeVersion);
  if (mooncake) return isFrom(mooncake, "0.3.8") ? NEW : OLD;
  if (image?.newest) return NEW;
  const version = image?.build === "vllm-ascend" ? image.version : undefined;
  if (!version) return undefined;
  return isFrom(version, "0.15") ? NEW : OLD;
}

/** Both ways at once, for whoever has to keep clear of the transport of any Mooncake. */
export const WIDEST_TRANSPORT: TransportPorts = { ...NEW, perChip: OLD.perChip };

/** vllm-ascend's images bring Mooncake as a wheel from here on (its PR 10871): no library path is needed. */
export const MOONCAKE_WHEEL_SINCE = "0.23";
