import type { Finding } from "../../../src/api/finding.ts";
import { type Json, type JsonObject, listOf, stringOf } from "../../../src/api/json.ts";
import { set, valueAt } from "./editing.ts";
import { annotated, edited, type Follow, written } from "./following.ts";

const container = (path: string): string => /^.*containers\[\d+\]/.exec(path)?.[0] ?? path;

/** The lists of a container that may hold a word, as one puts them together. */
function words(object: JsonObject, path: string): { list: string; words: string[] }[] {
  return ["command", "args"].flatMap((name) => {
    const list = `${container(path)}.${name}`;
    const value = valueAt(object, list);
    return Array.isArray(value) ? [{ list, words: value.map((word) => stringOf(word) ?? "") }] : [];
  });
}

function eachList(edit: (words: string[], path: string) => string[]): Follow {
  return (object, { path }) => {
    for (const one of words(object, path)) set(object, one.list, edit(one.words, one.list));
  };
}

/** Takes flags with their values out of a list of arguments. */
function without(list: readonly string[], flags: RegExp, switches = /^$/): string[] {
  return list.filter((word, index) => {
    const before = list[index - 1] ?? "";
    return !flags.test(word) && !switches.test(word) && !(flags.test(before) && !before.includes("="));
  });
}

const appended = (...more: string[]): Follow => {
  return (object, { path }) => {
    const lists = words(object, path);
    const last = lists.at(-1);
    if (last) set(object, last.list, [...last.words, ...more]);
  };
};

/** A command that exports a path of libraries before it hands over to the engine. */
const wrapped: Follow = (object, { path, fix }) => {
  const lists = words(object, path);
  const own = lists.find(({ list }) => list.endsWith("command"))?.words ?? [];
  const script = (/'(export .*?)'(?:,|\s--|\])/.exec(fix)?.[1] ?? "").replace("…", "/opt/lib");
  set(object, `${container(path)}.command`, ["sh", "-c", script, "--", ...own]);
};

/** JSON as one mends it who reads the fix. */
function mendedJson(text: string, { fix }: Finding): string {
  if (fix.startsWith("take the comma")) return text.replaceAll(/,(?=\s*[}\]])/g, "");
  if (fix.startsWith("write double quotes")) return text.replaceAll("'", '"');
  if (fix.includes("at both ends")) return text.replace(/^'([\s\S]*)'$/, "$1");
  const ends = /^add (\S+) at its end/.exec(fix)?.[1];
  if (ends !== undefined) return text + ends;
  return text.replace(/(\{.*\})/, "'$1'");
}

/** How the advice of rules about arguments and scripts is followed. */
export const FOLLOWED_ENGINE: Readonly<Record<string, Follow | undefined>> = {
  "engine/unknown-flag": edited((text, { value, fix }) =>
    text.replace(String(value), /--[a-z-]+/.exec(fix)?.[0] ?? ""),
  ),
  "engine/joined-arguments": (object, { path, fix }) => {
    const [, list = "", index = ""] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
    const items = JSON.parse(/\[.*\]/.exec(fix)?.[0] ?? "[]") as Json[];
    set(object, list, listOf(valueAt(object, list)).toSpliced(Number(index), 1, ...items));
  },
  "engine/json": edited(mendedJson),
  "engine/switch-value": (object, { path, value, fix }) => {
    const [, list = "", index = ""] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
    const [, alone = ""] = /^write (\S+) alone$/.exec(fix) ?? [];
    const [, key] = /^write (\S+): ""$/.exec(fix) ?? [];
    const [, text] = String(value).split(" ");
    if (key !== undefined) return set(object, `${path}[${key}]`, "");
    const items = listOf(valueAt(object, list));
    const behind = items[Number(index) + 1] === text ? 2 : 1;
    set(object, list, items.toSpliced(Number(index), behind, alone));
  },
  "engine/shell-syntax": (object, finding) => {
    const { path, fix, value } = finding;
    const [, list = "", index = ""] = /^(.*)\[(\d+)\]$/.exec(path) ?? [];
    const [, better] = /^write (.*?)(?: without them)?$/.exec(fix) ?? [];
    const items = listOf(valueAt(object, list));
    if (better === undefined) return set(object, list, items.toSpliced(Number(index), 1));
    edited((text) => text.replace(String(value), () => better))(object, finding);
  },
  "engine/lost-arguments": (object, { path }) => {
    const all = words(object, path);
    const script = all.flatMap((one) => one.words).findIndex((word) => word.includes(" "));
    const before = all.flatMap((one) => one.words).slice(0, script);
    const flags = all
      .flatMap((one) => one.words)
      .slice(script)
      .filter((word) => !/^(?:--|sh)$/.test(word));
    for (const one of all) set(object, one.list, []);
    set(object, `${container(path)}.command`, [...before, flags.join(" ")]);
  },
  "engine/supervised-ranks": appended("--data-parallel-size-local", "2"),
  "engine/nodes": (object, { path, fix }) => {
    const more = /write (.*?),? and --headless/.exec(fix)?.[1]?.split(" ") ?? [];
    const headless = path.includes("workerTemplate") ? ["--headless"] : [];
    const own = /^--(?:nnodes|node-rank|master-addr)$/;
    for (const { list, words: before } of words(object, path))
      set(object, list, [...without(before, own, /^--headless$/), ...more, ...headless]);
  },
  "engine/executor": (object, { path, fix }) => set(object, path, /use (\w+)/.exec(fix)?.[1] ?? ""),
  "engine/data-ranks": (object, { path, fix }) => set(object, path, /\$\(\w+\)/.exec(fix)?.[0] ?? ""),
  "engine/background": (object, finding) => {
    const text = String(valueAt(object, finding.path));
    if (finding.fix.startsWith("take"))
      return set(object, finding.path, text.replace(/\s*&(?=[^&]*$)/, ";").replace(/;\s*$/, ""));
    const inScript = text.includes(" ");
    if (inScript) set(object, finding.path, text.replace(/ray start --address=\S+/, "$& --block"));
    else appended("--block")(object, finding);
  },
  "engine/unset-variable": (object, finding) => {
    const [, named] = /^set (\w+) in env$/.exec(finding.fix) ?? [];
    if (named !== undefined)
      return set(object, `${container(finding.path)}.env`, [{ name: named, value: "1" }]);
    edited((text, { value, fix }) => {
      const reference = /^use (\$\(\w+\)), which Kthena sets/.exec(fix)?.[1];
      if (reference !== undefined) return text.replaceAll(`$(${String(value)})`, reference);
      const other = /^use (\$\w+), which Kthena sets/.exec(fix)?.[1];
      return text.replaceAll(`$${String(value)}`, other ?? `\${${String(value)}:-}`);
    })(object, finding);
  },
  "engine/ray-resources": (object, finding) => {
    const resources = /--resources='(.*?)'/.exec(finding.fix)?.[1] ?? "";
    const inScript = typeof valueAt(object, finding.path) === "string";
    if (inScript)
      edited((text) => text.replace(/--num-gpus[= ]\d+/, `--resources='${resources}'`))(object, finding);
    else eachList((list) => [...without(list, /^--num-gpus/), `--resources=${resources}`])(object, finding);
  },
  "npu/library-path": (object, finding) => {
    set(object, `${container(finding.path)}.env`, []);
    wrapped(object, finding);
  },
  "kv/library-path": (object, finding) => {
    const [, line] = /^write (export \S+) into its script/.exec(finding.fix) ?? [];
    if (line === undefined) return wrapped(object, finding);
    eachList((list) => list.map((word) => (word.startsWith("vllm ") ? `${line}; ${word}` : word)))(
      object,
      finding,
    );
  },
  "kv/sglang-backend": (object, finding) => {
    const [, flags = "", name = ""] = /add (--\S+ \w+) .* and (\w+)/.exec(finding.fix) ?? [];
    appended(...flags.split(" "))(object, finding);
    set(object, `${container(finding.path)}.env`, [{ name, value: "tcp://memfabric:23456" }]);
  },
  "kv/sglang-mode": eachList((list) =>
    list.map((word, index) => (list[index - 1] === "--disaggregation-mode" ? "decode" : word)),
  ),
  "serving/external-ranks": eachList((list) =>
    without(
      list,
      /^--data-parallel-(?:size|rank|address|rpc-port)|^-dp[a-z]?$/,
      /^--data-parallel-external-lb$/,
    ),
  ),
  "npu/image-hardware": edited((text, { fix }) => {
    const suffix = /use the tag with (-\w+)/.exec(fix)?.[1] ?? "";
    return `${text.replace(/-(?:a3|a5|310p)$/, "")}${suffix}`;
  }),
  "cluster/runtime-class": (object, { path, fix }) =>
    set(object, path, /RuntimeClasses: (\w+)/.exec(fix)?.[1] ?? ""),
  "cluster/queue": (object, { path, fix }) => set(object, path, /queues: (\w+)/.exec(fix)?.[1] ?? ""),
  "kv/annotation-differs": annotated("kv-connector", "mooncake"),
  "kv/booster-connector": annotated("kv-connector", "mooncake"),
  "kv/model-server-connector": (object, { path, fix }) => set(object, path, fix.replace("write ", "")),
  "kv/sidecar": (object, { fix }) =>
    annotated("kv-sidecar", /known: ([\w-]+)/.exec(fix)?.[1] ?? "")(object, {} as never),
  "schema/type": written(0),
};
