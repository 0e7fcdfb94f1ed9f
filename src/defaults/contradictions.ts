import { closest } from "../api/closest.ts";
import { RESERVED_SCHEDULING_KEYS } from "../api/names.ts";
import { trimmedEnd } from "../api/trim.ts";
import { otherVendorOf } from "../engines/accelerators.ts";
import { resourceNamed } from "../engines/resource-names.ts";
import type { DefaultsDocument } from "./document.ts";
import { HARDWARE_TABLE, hardwareRow } from "./hardware.ts";
import { checkKvConnectors } from "./kv-contradictions.ts";
import { PLATFORMS } from "./presets.ts";
import type { Problem } from "./problem.ts";

const HARDWARE_MOUNTS = HARDWARE_TABLE.flatMap((row) => row.mounts);

type Complain = (path: string, message: string, fix: string) => void;

/** What the schema cannot say: values that exclude each other, names that belong to others. */
export function contradictions(document: DefaultsDocument, source: string): Problem[] {
  const problems: Problem[] = [];
  const complain: Complain = (path, message, fix) => problems.push({ source, path, message, fix });
  checkHardware(document, complain);
  checkEnv(document, complain);
  checkMounts(document, complain);
  checkScheduling(document, complain);
  checkKvConnectors(document.kvConnectors ?? {}, complain);
  return problems;
}

function checkHardware(document: DefaultsDocument, complain: Complain): void {
  if (document.platform === "custom" && document.npu?.resourceName === undefined) {
    complain(
      "npu.resourceName",
      "is missing: platform custom has none of its own",
      "name the resource that your device plugin publishes",
    );
  }
  if (document.hardware === "custom" && document.npu?.allowedCounts === undefined) {
    complain(
      "npu.allowedCounts",
      "is missing: hardware custom has none of its own",
      "list how many NPUs one pod can have, and npu.perNode",
    );
  }
  checkResourceName(document, complain);
  const pools = [
    { path: "fabric", hardware: document.hardware, fabric: document.fabric },
    ...(document.hardwareBySelector ?? []).map((pool, index) => ({
      ...pool,
      path: `hardwareBySelector[${index}].fabric`,
    })),
  ];
  for (const { path, hardware, fabric } of pools) {
    if (hardware === undefined || fabric === undefined || fabric === "") continue;
    const { fabrics, deviceNetwork } = hardwareRow(hardware);
    // roce needs no switch on every hardware that has it.
    if (fabrics.includes(fabric) || (fabric === "roce" && deviceNetwork)) continue;
    const having = HARDWARE_TABLE.filter((row) => row.fabrics.includes(fabric)).map(({ name }) => name);
    complain(
      path,
      `${fabric} is no network of ${hardware}`,
      `${fabrics.length === 0 ? "leave it out" : `write ${fabrics.join(" or ")}`}, or hardware: ${having.join(" or ")}`,
    );
  }
  for (const [index, count] of (document.npu?.allowedCounts ?? []).entries()) {
    const perNode = document.npu?.perNode;
    if (perNode !== undefined && count > perNode) {
      complain(
        `npu.allowedCounts[${index}]`,
        `${count} is more than npu.perNode, ${perNode}`,
        `write ${perNode} at most`,
      );
    }
  }
}

function checkResourceName({ npu, hardware }: DefaultsDocument, complain: Complain): void {
  const name = npu?.resourceName;
  if (name === undefined) return;
  const known = resourceNamed(name);
  const vendor = otherVendorOf(name);
  if (vendor !== undefined || known?.unit === "beside") {
    complain(
      "npu.resourceName",
      vendor === undefined ? `${name} is an amount beside NPUs, no NPU` : `${name} is of ${vendor}`,
      "name the resource under which the device plugin publishes NPUs",
    );
    return;
  }
  const chip = hardware === undefined ? undefined : hardwareRow(hardware).chip;
  if (!known || chip === undefined || known.chips.includes(chip)) return;
  const fitting = HARDWARE_TABLE.filter((row) => row.chip !== undefined && known.chips.includes(row.chip));
  complain(
    "npu.resourceName",
    `${name} does not name NPUs of ${hardware}`,
    `write hardware: ${fitting.map((row) => row.name).join(" or ") || "custom"}, or another name`,
  );
}

const OWN_ENV: Record<string, string> = {
  HCCL_IF_IP: "it is the pod's own IP and differs in every pod",
  HCCL_SOCKET_IFNAME: "set hccl.socketIfname",
  GLOO_SOCKET_IFNAME: "set hccl.socketIfname",
  TP_SOCKET_IFNAME: "set hccl.socketIfname",
  ASCEND_VISIBLE_DEVICES: "the device plugin sets it",
  ASCEND_RT_VISIBLE_DEVICES: "a fixed list breaks every allocation that does not begin at device 0",
  LD_LIBRARY_PATH: "it would replace the image's own value",
};

function checkEnv(document: DefaultsDocument, complain: Complain): void {
  const env = document.hccl?.env ?? {};
  for (const name of Object.keys(env)) {
    const why = Object.hasOwn(OWN_ENV, name) ? OWN_ENV[name] : undefined;
    if (why !== undefined) complain(`hccl.env.${name}`, `cannot be a site-wide value: ${why}`, "remove it");
    else if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name))
      complain(
        `hccl.env.${name}`,
        "is no name of an environment variable",
        "use letters, digits and underscores",
      );
  }
  if (env.HCCL_INTRA_ROCE_ENABLE === "1" && env.HCCL_INTRA_PCIE_ENABLE === "1") {
    complain(
      "hccl.env.HCCL_INTRA_PCIE_ENABLE",
      "and HCCL_INTRA_ROCE_ENABLE cannot both be 1",
      "keep one of them",
    );
  }
}

function checkMounts(document: DefaultsDocument, complain: Complain): void {
  const extra = document.driverMounts?.extra ?? [];
  const known = [
    ...Object.values(PLATFORMS).flatMap((preset) => preset.driverMounts),
    ...HARDWARE_MOUNTS,
  ].map((mount) => mount.name);
  for (const [index, mount] of extra.entries()) {
    const path = `driverMounts.extra[${index}]`;
    if (/^\/dev\/(davinci|devmm_svm|hisi_hdc)/.test(mount.hostPath)) {
      complain(
        `${path}.hostPath`,
        "is a device: the device plugin hands out the allocated ones",
        "remove the mount",
      );
    }
    const target = trimmedEnd(mount.mountPath ?? mount.hostPath, "/");
    if (target === "/usr/local/Ascend" || target === "/usr/local" || target === "") {
      complain(
        `${path}.mountPath`,
        "hides the CANN toolkit of the image",
        "mount /usr/local/Ascend/driver or files below it",
      );
    }
    if (extra.findIndex((other) => other.name === mount.name) !== index) {
      complain(`${path}.name`, `"${mount.name}" stands twice`, "give each mount a name of its own");
    }
  }
  for (const [index, name] of (document.driverMounts?.omit ?? []).entries()) {
    if (known.includes(name)) continue;
    const guess = closest(name, known);
    complain(
      `driverMounts.omit[${index}]`,
      `"${name}" is the name of no preset mount`,
      guess ? `did you mean "${guess}"?` : `known: ${[...new Set(known)].join(", ")}`,
    );
  }
}

function checkScheduling(document: DefaultsDocument, complain: Complain): void {
  for (const key of Object.keys(document.scheduling?.annotations ?? {})) {
    if (RESERVED_SCHEDULING_KEYS.includes(key)) {
      complain(
        `scheduling.annotations.${key}`,
        "belongs to Kthena and Volcano: a pod of a group that nobody made waits for ever",
        "remove it",
      );
    }
  }
  for (const policy of ["groupPolicy", "rolePolicy"] as const) {
    const topology = document.gang?.networkTopology?.[policy];
    if (topology?.highestTierAllowed !== undefined && topology.highestTierName !== undefined) {
      complain(
        `gang.networkTopology.${policy}.highestTierName`,
        "and highestTierAllowed exclude each other",
        "keep one of them",
      );
    }
  }
}
