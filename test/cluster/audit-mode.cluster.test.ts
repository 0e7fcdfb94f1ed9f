import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type JsonObject, listOf, objectOf } from "../../src/api/json.ts";
import { INJECTED } from "../../src/api/names.ts";
import { findBinaries } from "./control-plane/binaries.ts";
import { type CommandResult, runCommand } from "./control-plane/command.ts";
import { type ControlPlane, startControlPlane } from "./control-plane/control-plane.ts";
import { crdFolder } from "./control-plane/crds.ts";
import { type Installation, runInstallation } from "./installation/installation.ts";
import { eventually, type ManifestUser, metadataOf, rolesThatRestart, userIn } from "./manifest-user.ts";

/** The commands of deploy/rollout.md as they stand there, in their order, and what is to be seen after each. */

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = join(ROOT, "deploy", "rollout.md");
/** So that the installation is ready at once. */
const QUICK = "--set certificates.settleSeconds=1 --set drainSeconds=1 --set leaseSeconds=5";

let plane: ControlPlane;
let installation: Installation;
let folder: string;
let page: string;
let team: ManifestUser;
let others: ManifestUser;
const tried = new Set<string>();

beforeAll(async () => {
  page = await readFile(PAGE, "utf8");
  plane = await startControlPlane({ audit: true, crdFolders: [crdFolder()], scheduler: false, kwok: false });
  folder = await mkdtemp(join(tmpdir(), "kthena-ascend-rollout-"));
  for (const name of ["deploy", "src", "node_modules", "package.json"])
    await symlink(join(ROOT, name), join(folder, name));
  const { paths } = await findBinaries(() => {});
  await mkdir(join(folder, "bin"));
  for (const name of ["helm", "kubectl"] as const) await symlink(paths[name], join(folder, "bin", name));
  await writeFile(join(folder, "rollout.yaml"), yamlAfter("`rollout.yaml`"));
  await writeFile(join(folder, "warn.yaml"), yamlAfter("`warn.yaml`"));
  await writeFile(join(folder, "model.yaml"), stringify(model("first")));
  team = await userIn(plane, "team-a");
  others = await userIn(plane, "team-b");
});

afterAll(async () => {
  await installation?.stop();
  await plane?.stop();
  if (folder) await rm(folder, { recursive: true });
});

function yamlAfter(name: string): string {
  const rest = page.slice(page.indexOf(name));
  return /```yaml\n([\s\S]*?)```/.exec(rest)?.[1] ?? "";
}

/** Runs the one command of the page that has `piece` in it. */
async function run(piece: string, mayFail = false): Promise<CommandResult> {
  const found = commands().filter((command) => command.includes(piece));
  expect(found, piece).toHaveLength(1);
  const [command = ""] = found;
  tried.add(command);
  const PATH = [join(folder, "bin"), join(ROOT, "node_modules", ".bin"), process.env.PATH].join(":");
  const homes = Object.fromEntries(["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, folder]));
  const env = { ...process.env, ...homes, PATH, KUBECONFIG: plane.kubeconfig };
  const script = command.startsWith("helm ") ? `${command.trimEnd()} ${QUICK}` : command;
  return runCommand("bash", ["-euo", "pipefail", "-c", script], {
    cwd: folder,
    env,
    mayFail,
    timeoutMs: 150_000,
  });
}

function commands(): string[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => block.split(/^\$ /m).filter((command) => command !== ""));
}

/** A model that the API server takes without the webhook too. `npus`: what its engine asks for. */
function model(name: string, npus = "4", image = "quay.io/ascend/vllm-ascend:v0.18.0"): JsonObject {
  const container = {
    name: "vllm",
    image,
    command: ["vllm", "serve", "m"],
    args: [`--tensor-parallel-size=${npus}`],
    resources: { limits: { "huawei.com/ascend-1980": npus } },
  };
  const role = {
    name: "server",
    replicas: 1,
    workerReplicas: 0,
    entryTemplate: { spec: { containers: [container] } },
  };
  return {
    apiVersion: "workload.serving.volcano.sh/v1alpha1",
    kind: "ModelServing",
    metadata: { name },
    spec: { template: { roles: [role] } },
  };
}

/** What a rule that can be set refuses: no node of the hardware has as many NPUs. */
const TOO_MANY = "9";

const isComplete = (object: JsonObject): boolean =>
  JSON.stringify(rolesThatRestart(object)).includes("HCCL_SOCKET_IFNAME") &&
  objectOf(metadataOf(object).annotations)[INJECTED] !== undefined;

/** What a dry run would store, and what kubectl prints beside. */
async function tryOut(person: ManifestUser, object: JsonObject) {
  const result = await person.try(["create", "--dry-run=server", "-o", "json", "-f", "-"], stringify(object));
  const complete = result.code === 0 && isComplete(JSON.parse(result.stdout) as JsonObject);
  return { code: result.code, stderr: result.stderr, complete };
}

async function reasons(namespace: string): Promise<string[]> {
  const { stdout } = await plane.kubectl(["get", "events", `--namespace=${namespace}`, "-o", "json"]);
  return listOf(objectOf(JSON.parse(stdout)).items).map((item) => {
    const { reason, message, regarding, involvedObject } = objectOf(item);
    const about = objectOf(regarding ?? involvedObject);
    return `${String(reason)} ${String(about.name)} ${String(message)}`;
  });
}

async function metrics(name: string): Promise<string> {
  const all = await Promise.all(
    installation.replicas.map(async (replica) => (await replica.fetch("/metrics", 9090))?.text ?? ""),
  );
  return all
    .flatMap((text) => text.split("\n").filter((line) => line.startsWith(name)))
    .sort()
    .join("\n");
}

/** A pod as Kthena makes one of a model. */
function podOf(serving: string, npus = "4"): JsonObject {
  const resources = { limits: { "huawei.com/ascend-1980": npus } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${serving}-0-server-0-0`,
      labels: {
        "modelserving.volcano.sh/name": serving,
        "modelserving.volcano.sh/group-name": `${serving}-0`,
        "modelserving.volcano.sh/role": "server",
        "modelserving.volcano.sh/role-id": "server-0",
        "modelserving.volcano.sh/entry": "true",
      },
    },
    spec: { containers: [{ name: "vllm", image: "i", command: ["vllm", "serve", "m"], resources }] },
  };
}

describe("1. the selector", () => {
  test("an installation for nobody looks at no model", async () => {
    await run("helm install");
    installation = await runInstallation(plane);
    await installation.waitReady();
    for (const person of [team, others]) {
      const seen = await tryOut(person, model("nobody"));
      expect(seen).toMatchObject({ code: 0, complete: false });
      expect(seen.stderr).not.toContain("kthena-ascend");
    }
  });

  test("check runs, and says that models are not looked at", async () => {
    const { stdout } = await run("check -o short", true);
    expect(stdout).toContain("mode of the defaults is audit");
  });
});

describe("2. audit", () => {
  test("a label is all that it takes to be looked at", async () => {
    await run("label namespace team-a");
    await eventually(
      "the namespace is looked at",
      () => tryOut(team, model("probe")),
      ({ stderr }) => stderr.includes("would be completed"),
    );
  });

  test("review shows the additions under the same defaults with another mode", async () => {
    await run("defaults --cluster > now.yaml");
    await run("> enforce.yaml");
    const { stdout } = await run("review --cluster");
    expect(stdout).toContain("HCCL_SOCKET_IFNAME");
  });

  test("a model in the labelled namespace is stored as it was written, with a warning", async () => {
    const { stderr } = await run("apply -f model.yaml");
    expect(stderr).toMatch(/would be completed with \d+ additions/);
    expect(isComplete(await team.get("modelserving", "first"))).toBe(false);
  });

  test("what would be refused is stored with the reason as a warning", async () => {
    const { stderr } = await team.apply(model("wrong", TOO_MANY));
    expect(stderr).toMatch(/would be refused: .*\(npu\/count-shape\)/s);
  });

  test("other namespaces are not looked at", async () => {
    expect((await tryOut(others, model("x", TOO_MANY))).stderr).not.toContain("would be");
  });

  test("Events tell of both", async () => {
    await eventually(
      "both Events",
      () => reasons("team-a"),
      (all) =>
        all.some((line) => line.startsWith("WouldBeInjected first under mode: enforce")) &&
        all.some((line) => line.startsWith("WouldBeRefused wrong under mode: enforce")),
    );
    expect((await run("reason=WouldBeRefused")).stdout).toContain("modelserving/wrong");
    expect((await run("reason=WouldBeInjected")).stdout).toContain("modelserving/first");
  });

  test("the metric counts both", async () => {
    const text = await metrics("kthena_ascend_audited_total");
    expect(text).toMatch(/would="refuse"/);
    expect(text).toMatch(/would="inject"/);
    expect(await metrics("kthena_ascend_findings_total")).toMatch(/severity="audit"/);
  });

  test("the audit log has the rules and the number of additions", async () => {
    const notes = (await plane.auditEvents()).map(({ annotations }) => annotations ?? {});
    expect(notes.some((all) => all["validate.modelservings.kthena-ascend.io/would-deny"])).toBe(true);
    expect(notes.some((all) => Number(all["mutate.modelservings.kthena-ascend.io/would-add"]) > 0)).toBe(
      true,
    );
  });

  test("a pod of a model without a record is stored as it was made", async () => {
    const { stdout } = await team.run(
      ["create", "--dry-run=server", "-o", "json", "-f", "-"],
      stringify(podOf("first")),
    );
    expect(stdout).not.toContain("HCCL_SOCKET_IFNAME");
  });
});

describe("3. warn", () => {
  test("the namespace's document sets its own mode, and rules prints what is in force", async () => {
    await run("apply -f warn.yaml");
    await eventually(
      "the document in force",
      () => tryOut(team, model("probe")),
      ({ complete }) => complete,
    );
    const { stdout } = await run("rules --namespace team-a");
    expect(stdout).toMatch(/^npu\/count-shape +warn +/m);
    expect(stdout).toMatch(/^npu\/whole-number +deny, always +/m);
  });

  test("a new model is completed, and what a rule would refuse warns", async () => {
    await team.apply(model("second"));
    expect(isComplete(await team.get("modelserving", "second"))).toBe(true);
    const seen = await tryOut(team, model("x", TOO_MANY));
    expect(seen).toMatchObject({ code: 0, complete: true });
    expect(seen.stderr).toContain("npu/count-shape");
    expect(seen.stderr).not.toContain("would be refused");
  });

  test("a model of the step before stays as it is until somebody asks", async () => {
    const before = await team.get("modelserving", "first");
    await team.apply(model("first"));
    expect(rolesThatRestart(await team.get("modelserving", "first"))).toEqual(rolesThatRestart(before));
    await run("kthena-ascend.io/refresh=1");
    expect(isComplete(await team.get("modelserving", "first"))).toBe(true);
  });

  test("the next namespace is still in audit", async () => {
    await plane.kubectl(["label", "namespace", "team-b", "kthena-ascend=on"]);
    const seen = await eventually(
      "the namespace is looked at",
      () => tryOut(others, model("x", TOO_MANY)),
      ({ stderr }) => stderr.includes("would be"),
    );
    expect(seen).toMatchObject({ code: 0, complete: false });
  });
});

describe("4. deny", () => {
  test("what a rule refuses is refused, in this namespace alone", async () => {
    await run("> deny.yaml");
    await run("apply -f deny.yaml");
    const seen = await eventually(
      "the document in force",
      () => tryOut(team, model("x", TOO_MANY)),
      ({ code }) => code !== 0,
    );
    expect(seen.stderr).toContain("npu/count-shape");
    expect((await tryOut(others, model("x", TOO_MANY))).code).toBe(0);
  });
});

describe("back to audit", () => {
  test("a lean manifest that is applied again is restored, and no pod restarts", async () => {
    const before = await team.get("modelserving", "second");
    await run("s/mode: enforce/mode: audit/");
    await eventually(
      "the document in force",
      () => tryOut(team, model("x", TOO_MANY)),
      ({ stderr }) => stderr.includes("would be refused"),
    );
    await team.apply(model("second"));
    await team.run(["replace", "-f", "-"], stringify(model("second")));
    const after = await team.get("modelserving", "second");
    expect(rolesThatRestart(after)).toEqual(rolesThatRestart(before));
    expect(metadataOf(after).generation).toBe(metadataOf(before).generation);
  });

  test("a change of a model with a record keeps it complete, and what would refuse it warns", async () => {
    const { stderr } = await team.apply(model("second", TOO_MANY));
    expect(stderr).toMatch(/would be refused: .*npu\/count-shape/s);
    expect(isComplete(await team.get("modelserving", "second"))).toBe(true);
    await team.apply(model("second"));
    expect(isComplete(await team.get("modelserving", "second"))).toBe(true);
  });

  test("the pods of a model with a record are completed", async () => {
    const look = () =>
      team.run(["create", "--dry-run=server", "-o", "json", "-f", "-"], stringify(podOf("second")));
    await eventually("a complete pod", look, ({ stdout }) => stdout.includes("HCCL_SOCKET_IFNAME"));
  });

  test("a new model is stored as it was written again", async () => {
    await team.apply(model("third"));
    expect(isComplete(await team.get("modelserving", "third"))).toBe(false);
  });
});

describe("5. everywhere", () => {
  test("the cluster's document enforces in every namespace, labelled or not", async () => {
    await run("> everywhere.yaml");
    await run("helm upgrade");
    await run("delete configmap");
    const late = await userIn(plane, "team-c");
    for (const person of [team, others, late]) {
      await eventually(
        `enforced in ${person.namespace}`,
        () => tryOut(person, model("x", TOO_MANY)),
        ({ code, stderr }) => code !== 0 && stderr.includes("npu/count-shape"),
      );
      expect(await tryOut(person, model("x"))).toMatchObject({ code: 0, complete: true });
    }
  });
});

test("every command of the page was run", () => {
  expect(commands().filter((command) => !tried.has(command))).toEqual([]);
});
