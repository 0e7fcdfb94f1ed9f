import { join } from "node:path";
import { type ApiServer, makeApiServer, startApiServer, startEtcd } from "./api-server.ts";
import { type AuditEvent, readAuditLog } from "./audit-log.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { type Clients, makeClients } from "./clients.ts";
import { controllerManager, defaultControllers, kwok, scheduler } from "./cluster-programs.ts";
import { applyCrds } from "./crds.ts";
import {
  adminUser,
  componentUsers,
  type Endpoint,
  makeCredentials,
  tokenOf,
  type User,
  writeKubeconfig,
} from "./credentials.ts";
import type { ManagedProcess, ProcessSpec } from "./managed-process.ts";
import { type NpuNodes, nodeList } from "./nodes.ts";
import { addProcess, closeSite, openSite, type Site } from "./site.ts";

/** A real Kubernetes control plane on loopback addresses of this machine, for tests and for a person to try. */

export type ControlPlaneOptions = {
  /** CRDs that are there before the controllers start: the garbage collector finds later ones after 30 s. */
  readonly crdFolders?: readonly string[];
  /** On unless told, like the scheduler and kwok. */
  readonly controllerManager?: boolean;
  /** Controllers beside the default ones, such as `deployment-controller`. */
  readonly controllers?: readonly string[];
  readonly scheduler?: boolean;
  readonly kwok?: boolean;
  /** Played by kwok; two with 8 NPUs each unless told. */
  readonly nodes?: readonly NpuNodes[];
  /** Users with tokens, beside the administrator. */
  readonly users?: readonly User[];
  /** Records every request for `auditEvents`. */
  readonly audit?: boolean;
  readonly apiServerArguments?: readonly string[];
  /** Takes a line now and then, most of all while programs are built; standard error unless told. */
  readonly log?: (line: string) => void;
};

export type ControlPlane = Clients & {
  /** The administrator's, a file. */
  readonly kubeconfig: string;
  readonly adminToken: string;
  readonly server: string;
  readonly caFile: string;
  /** Where its programs are, kubectl and helm among them. */
  readonly programs: Binaries["paths"];
  /** Where cluster IPs are taken from, all on loopback: `127.x.y.0/24`. */
  readonly serviceRange: string;
  /** A loopback address that no other control plane uses, for a test's own listeners. */
  readonly host: string;
  /** Another such address at each call. */
  newAddress(): string;
  readonly logsDir: string;
  /** Removed at `stop`. */
  readonly folder: string;
  addNodes(nodes: NpuNodes): Promise<void>;
  /** A program of the test's own (not yet started), which logs to `logsDir` and ends with the control plane. */
  addProcess(spec: ProcessSpec): ManagedProcess;
  /** etcd keeps the data; the address and the certificate stay the same. */
  stopApiServer(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  startApiServer(): Promise<void>;
  restartApiServer(): Promise<void>;
  /** Stops etcd where it is until `thawEtcd`. */
  freezeEtcd(): void;
  thawEtcd(): void;
  auditEvents(): Promise<readonly AuditEvent[]>;
  /** Keeps the logs on request, else where KTHENA_ASCEND_KEEP_LOGS is 1: it is after a failed test. */
  stop(how?: { readonly keepLogs?: boolean }): Promise<void>;
};

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  const site = await openSite(await findBinaries(log));
  try {
    return await startIn(site, options, log);
  } catch (error) {
    await closeSite(site, true);
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\nAll logs of this control plane: ${site.folders.logs}`, { cause: error });
  }
}

type Log = (line: string) => void;

async function startIn(site: Site, options: ControlPlaneOptions, log: Log): Promise<ControlPlane> {
  const { folders, loopback } = site;
  const credentials = await makeCredentials(folders, options.users ?? []);
  const auditLog = options.audit === true ? join(folders.logs, "audit.log") : undefined;
  const apiServer = await makeApiServer(site, {
    etcdUrl: await startEtcd(site),
    credentials,
    extraArguments: options.apiServerArguments ?? [],
    auditLog,
  });
  const adminToken = tokenOf(credentials, adminUser);
  await startApiServer(apiServer, adminToken);
  const { endpoint } = apiServer;
  const kubeconfig = await writeKubeconfig(folders, endpoint, { name: adminUser, token: adminToken });
  const clients = makeClients(site, credentials, endpoint, kubeconfig);
  if (options.crdFolders !== undefined) await applyCrds(clients, options.crdFolders);
  await startPrograms(site, clients, endpoint, options);
  return {
    ...clients,
    ...endpoint,
    ...apiServerSwitch(apiServer, adminToken),
    freezeEtcd: () => signalEtcd(site, "SIGSTOP"),
    thawEtcd: () => signalEtcd(site, "SIGCONT"),
    kubeconfig,
    adminToken,
    programs: site.binaries.paths,
    host: loopback.host,
    newAddress: loopback.newAddress,
    serviceRange: loopback.serviceRange,
    logsDir: folders.logs,
    folder: folders.root,
    addNodes: (nodes) => addNodes(clients, nodes),
    addProcess: (spec) => addProcess(site, spec),
    auditEvents: async () => (auditLog === undefined ? [] : readAuditLog(auditLog)),
    stop: stopOnce(site, log),
  };
}

/** It waits for its watches to end, which their clients do not do. */
const apiServerGraceMs = 2_000;

function apiServerSwitch(apiServer: ApiServer, adminToken: string) {
  const stopApiServer: ControlPlane["stopApiServer"] = (signal) =>
    apiServer.process.stop(signal, apiServerGraceMs);
  const start = () => startApiServer(apiServer, adminToken);
  const restartApiServer = async () => {
    await stopApiServer();
    await start();
  };
  return { stopApiServer, startApiServer: start, restartApiServer };
}

function signalEtcd(site: Site, signal: "SIGSTOP" | "SIGCONT"): void {
  site.processes.find(({ name }) => name === "etcd")?.signal(signal);
}

/** Starts what works through the API server, and waits until every node is Ready. */
async function startPrograms(
  site: Site,
  clients: Clients,
  endpoint: Endpoint,
  options: ControlPlaneOptions,
): Promise<void> {
  const { binaries, folders } = site;
  if (options.controllerManager !== false) {
    const kubeconfig = await clients.kubeconfigFor({ user: componentUsers.controllerManager });
    const controllers = [...defaultControllers, ...(options.controllers ?? [])];
    addProcess(site, controllerManager(binaries, kubeconfig, endpoint.caFile, controllers)).start();
  }
  if (options.scheduler !== false) {
    const kubeconfig = await clients.kubeconfigFor({ user: componentUsers.scheduler });
    addProcess(site, await scheduler(binaries, kubeconfig, folders)).start();
  }
  if (options.kwok !== false) {
    const kubeconfig = await clients.kubeconfigFor({ user: componentUsers.kwok });
    addProcess(site, kwok(binaries, kubeconfig)).start();
    for (const nodes of options.nodes ?? [{ count: 2 }]) await addNodes(clients, nodes);
  }
}

/** Creates the nodes and waits until kwok has made them Ready. */
async function addNodes(clients: Clients, nodes: NpuNodes): Promise<void> {
  if (nodes.count === 0) return;
  await clients.kubectl(["create", "-f", "-"], { input: nodeList(nodes) });
  await clients.kubectl(["wait", "--for=condition=Ready", "node", "--all", "--timeout=30s"]);
}

function stopOnce(site: Site, log: Log): ControlPlane["stop"] {
  let stopping: Promise<void> | undefined;
  return ({ keepLogs = process.env.KTHENA_ASCEND_KEEP_LOGS === "1" } = {}) => {
    if (stopping === undefined && keepLogs) log(`logs of the control plane: ${site.folders.logs}`);
    stopping ??= closeSite(site, keepLogs);
    return stopping;
  };
}
