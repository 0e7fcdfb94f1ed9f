import { type JsonObject, listOf, objectOf } from "../../../src/api/json.ts";
import { reviewDeclared, reviewOptions } from "../../../src/commands/review/command.ts";
import { type ReviewDocument, reviewSchema } from "../../../src/commands/review/json.ts";
import { review } from "../../../src/commands/review/review.ts";
import { recordingConsole } from "../../commands/recording-console.ts";
import type { ControlPlane } from "../control-plane/control-plane.ts";

/** One object of the answer of `review -o json`. */
export type Item = ReviewDocument["items"][number];

/** What kubectl apply on the server says. */
export interface Answer {
  admitted: boolean;
  /** The object as it would be stored. */
  object: JsonObject;
  warnings: string[];
  /** What kubectl wrote where it is refused. */
  refusal: string;
}

/** What `review` answers against the cluster: exit code, document and what it complained of. */
export async function reviewAgainst(plane: ControlPlane, args: readonly string[], input = "") {
  const all = [...args, `--kubeconfig=${plane.kubeconfig}`, "--output=json"];
  const command = reviewDeclared().parse(all, { from: "user" });
  const console = recordingConsole(input);
  const code = await review(reviewOptions([], command.opts(), "test"), console);
  return { code, document: reviewSchema.parse(JSON.parse(console.output)), errors: console.errors };
}

/** The preview of one object. */
export async function previewOf(plane: ControlPlane, text: string, namespace: string): Promise<Item> {
  const { document } = await reviewAgainst(plane, ["-f", "-", `--namespace=${namespace}`], text);
  const [item, ...others] = document.items;
  if (!item || others.length > 0) throw new Error(`not one object: ${JSON.stringify(document)}`);
  return item;
}

/** What the API server makes of one object that is applied, stored or not (`--dry-run=server`). */
export async function applied(
  plane: ControlPlane,
  text: string,
  namespace: string,
  way: readonly string[] = ["--dry-run=server"],
): Promise<Answer> {
  const args = ["apply", ...way, "--output=json", `--namespace=${namespace}`, "--filename=-"];
  const { code, stdout, stderr } = await plane.kubectl(args, { input: text, mayFail: true });
  const lines = stderr.split("\n");
  const warnings = lines.flatMap((line) => /^Warning: (.*)$/.exec(line)?.[1] ?? []);
  const refusal = lines.filter((line) => !line.startsWith("Warning: ")).join("\n");
  return { admitted: code === 0, object: code === 0 ? JSON.parse(stdout) : {}, warnings, refusal };
}

const WRITTEN_BY_SERVER = ["uid", "creationTimestamp", "generation", "resourceVersion", "managedFields"];
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** An object without what the API server and kubectl write of themselves. */
export function comparable(object: JsonObject): JsonObject {
  const { status: _status, ...rest } = object;
  const { annotations, namespace: _namespace, ...metadata } = objectOf(object.metadata);
  const kept = Object.entries(objectOf(annotations)).filter(([key]) => key !== LAST_APPLIED);
  const own = Object.entries(metadata).filter(([key]) => !WRITTEN_BY_SERVER.includes(key));
  const named = kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) };
  return { ...rest, metadata: { ...Object.fromEntries(own), ...named } };
}

/** Verdict, warnings and object of both, to be compared; of a refusal the messages that the other lacks. */
export function sides(item: Item, answer: Answer): [object, object] {
  const admitted = item.verdict !== "refused";
  const lacking = (part: string) => !flat(answer.refusal).includes(flat(part));
  // The API server stops at who refuses first: unknown fields, the webhook, the schema.
  const ours = item.findings.filter(
    ({ severity, rule }) => severity === "deny" && !/^(?:schema|kthena)\//.test(rule),
  );
  const early = item.findings.some(({ severity, rule }) => severity === "deny" && rule.startsWith("schema/"));
  const untold = early ? [] : ours.map(({ message }) => message).filter(lacking);
  return [
    {
      admitted,
      warnings: admitted ? item.warnings : [],
      untold,
      object: admitted ? comparable(item.object as JsonObject) : {},
    },
    {
      admitted: answer.admitted,
      warnings: answer.admitted ? answer.warnings : [],
      untold: [],
      object: answer.admitted ? comparable(answer.object) : {},
    },
  ];
}

/** Without the breaks and quotes that kubectl puts into a message. */
function flat(text: string): string {
  return text.replace(/\\?["\s]+/g, " ");
}

/** The roles of a ModelServing by name, without what only scales them (Kthena's utils/revision_util.go). */
export function templatesByRole(object: JsonObject): Map<string, JsonObject> {
  const roles = listOf(objectOf(objectOf(object.spec).template).roles).map(objectOf);
  return new Map(
    roles.map(({ replicas: _replicas, maxUnavailable: _most, partition: _partition, ...role }) => [
      String(role.name),
      role as JsonObject,
    ]),
  );
}

/** Pods of a role of a stored ModelServing, and their NPUs, counted on the pods that Kthena makes of it. */
export function sizeOfRole(object: JsonObject, name: string): { pods: number; npus: number } {
  const spec = objectOf(object.spec);
  const role =
    listOf(objectOf(spec.template).roles)
      .map(objectOf)
      .find((one) => one.name === name) ?? {};
  const copies = count(spec.replicas) * count(role.replicas);
  const workers = role.workerTemplate === undefined ? 0 : count(role.workerReplicas, 0);
  const npus = npusOfPod(role.entryTemplate) + workers * npusOfPod(role.workerTemplate);
  return { pods: copies * (1 + workers), npus: copies * npus };
}

function count(value: unknown, standard = 1): number {
  return typeof value === "number" ? value : standard;
}

function npusOfPod(template: unknown): number {
  const containers = listOf(objectOf(objectOf(template as JsonObject).spec).containers).map(objectOf);
  const limits = containers.flatMap(({ resources }) => Object.entries(objectOf(objectOf(resources).limits)));
  const npus = limits.filter(([name]) => /^huawei\.com\/(?:ascend-1980|Ascend910)$/.test(name));
  return npus.reduce((sum, [, amount]) => sum + Number(amount), 0);
}
