import { isObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import { flagOf, wholeNumber } from "../../engines/flags.ts";
import { imageFacts } from "../../engines/images.ts";
import { allConnectors } from "../../engines/kv-transfer-config.ts";
import { transportPortsOf, WIDEST_TRANSPORT } from "../../engines/mooncake.ts";
import { servedPorts } from "../../engines/ports.ts";
import { variableOf } from "../../readings/env.ts";
import type { Ports } from "../../readings/kv-plan.ts";
import { enginePort, type KvRole, type KvSizes, numberInEnv } from "../../readings/kv-role.ts";
import type { Engine, PodSubject } from "../../readings/pod-subject.ts";

/** Ports, and whose they are. */
export type PortRange = Ports & { what: string };

/** HCCL takes 16 ports from HCCL_IF_BASE_PORT on, 60000 by itself (CANN, envref). */
const HCCL_PORTS = 16;

/** Ports that a connector takes: one for each rank over all data parallel ranks (vllm-ascend, mooncake_connector.py). */
export function portsNeeded({ dp, tp, pp, pcp }: KvSizes): number {
  return dp * tp * pp * pcp;
}

/** The ports that a written configuration takes; undefined where it names none, or its sizes cannot be told. */
export function writtenPorts({ written, sizes }: KvRole): Ports | undefined {
  if (written.state !== "given" || "unknown" in sizes) return undefined;
  const [from] = allConnectors(written.config).flatMap(({ port }) => port ?? []);
  return from === undefined ? undefined : { from, to: from + portsNeeded(sizes) - 1 };
}

/** Ports in a role's pods that a connector must keep clear of. */
export function reservedPorts(role: KvRole): PortRange[] {
  const { engine, pods, settings } = role;
  const chips = pods[0]?.facts.perNode ?? 16;
  const image = stringOf(engine.container.image);
  const transport =
    (image === undefined ? undefined : transportPortsOf(imageFacts(image))) ?? WIDEST_TRANSPORT;
  const moved = numberInEnv(engine, "ASCEND_BASE_PORT") ?? settings.kvConnectors.mooncake.transportBasePort;
  const first = transport.movable ? moved : transport.base;
  const hccl =
    numberInEnv(engine, "HCCL_IF_BASE_PORT") ??
    wholeNumber(stringOf(settings.hccl.env.HCCL_IF_BASE_PORT) ?? "");
  return [
    { from: first, to: first + chips * transport.perChip - 1, what: "the ascend_direct transport" },
    { from: hccl ?? 60000, to: (hccl ?? 60000) + HCCL_PORTS - 1, what: "HCCL" },
    ...hcclRanges(role),
    ...apiPorts(engine),
    ...flagPorts(role),
    ...pods.flatMap(podPorts),
  ];
}

/** The ports that the engine serves on, as far as they are known: with its supervisor one for each rank. */
function apiPorts(engine: Engine): PortRange[] {
  const ports = new Set([enginePort(engine), ...(servedPorts(engine.command) ?? [])]);
  return Array.from(ports, (port) => ({ from: port, to: port, what: "the engine's API" }));
}

/** `a-b,c` as in HCCL_HOST_SOCKET_PORT_RANGE. */
function hcclRanges({ engine, settings }: KvRole): PortRange[] {
  const name = "HCCL_HOST_SOCKET_PORT_RANGE";
  const value =
    stringOf(variableOf(engine.container, name)?.value) ?? stringOf(settings.hccl.env[name]) ?? "";
  return value.split(",").flatMap((part) => {
    const [from, to = from] = part.trim().split("-").map(wholeNumber);
    return from === undefined || to === undefined ? [] : [{ from, to, what: name }];
  });
}

/** Ports that the engine opens for its own ranks where its arguments name them. */
function flagPorts({ engine }: KvRole): PortRange[] {
  return ["master-port", "data-parallel-rpc-port"].flatMap((name) => {
    const found = flagOf(engine.command.flags, name);
    const port = found.state === "given" && found.value?.known ? wholeNumber(found.value.text) : undefined;
    return port === undefined ? [] : [{ from: port, to: port, what: `--${name}` }];
  });
}

/** Ports that the containers of a pod declare or are probed at. */
export function podPorts(pod: PodSubject): PortRange[] {
  return ["initContainers", "containers"].flatMap((list) =>
    listOf(pod.spec[list])
      .filter(isObject)
      .flatMap((container) => {
        const what = `container ${stringOf(container.name) ?? ""}`;
        const declared = listOf(container.ports).map((port) => objectOf(port).containerPort);
        const probed = ["livenessProbe", "readinessProbe", "startupProbe"].flatMap((key) => {
          const probe = objectOf(container[key]);
          return ["httpGet", "tcpSocket", "grpc"].map((kind) => objectOf(probe[kind]).port);
        });
        return [...declared, ...probed].flatMap((port) =>
          typeof port === "number" ? [{ from: port, to: port, what }] : [],
        );
      }),
  );
}

/**
 * The first port at or above `preferred` from which `count` ports are free; below it where there are none above.
 * undefined where there is no such room at all.
 */
export function freePorts(
  preferred: number,
  count: number,
  reserved: readonly PortRange[],
): number | undefined {
  const upwards = firstFree(preferred, count, reserved);
  return upwards ?? firstFree(1024, count, reserved);
}

function firstFree(start: number, count: number, reserved: readonly PortRange[]): number | undefined {
  let port = start;
  while (port + count - 1 <= 65535) {
    const last = port + count - 1;
    const blocking = reserved.filter(({ from, to }) => from <= last && to >= port);
    if (blocking.length === 0) return port;
    port = Math.max(...blocking.map(({ to }) => to)) + 1;
  }
  return undefined;
}
