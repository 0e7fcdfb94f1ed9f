// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are shell scripts
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/api/json.ts";
import { readEngineCommand } from "../../src/engines/command-line.ts";
import { flagOf, sizeOf } from "../../src/engines/flags.ts";

const KTHENA = "ghcr.io/volcano-sh/kthena-engine:vllm-ascend_v0.10.1rc1_mooncake_v0.3.5";

/** engine, form, model, tensor parallel size; the reason where the engine is not known. */
function summary(container: JsonObject, groupSize?: number): string {
  const found = readEngineCommand(container, { groupSize });
  if (found.engine === "unknown") return `${found.form}: ${found.reason}`;
  const size = sizeOf(found.flags, "tensor-parallel-size");
  const tensor = size.state === "known" ? size.value : size.state;
  const ray = found.ray ? " ray" : "";
  return `${found.engine} ${found.form} ${found.model ?? "-"} tp=${tensor}${ray}`;
}

const sh = (script: string, more: JsonObject = {}): JsonObject => ({
  command: ["sh", "-c", script],
  ...more,
});
const bash = (script: string, more: JsonObject = {}): JsonObject => ({
  command: ["bash", "-c", script],
  ...more,
});
const env = (values: Record<string, string>): Json[] =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

describe("lists of arguments", () => {
  test.each<[string, JsonObject, string]>([
    [
      "the flags of Kthena's image",
      { image: KTHENA, args: ["/m", "--tensor-parallel-size", "2"] },
      "vllm list /m tp=2",
    ],
    [
      "an image of vllm-openai",
      { image: "vllm/vllm-openai:v0.11.0", args: ["--model", "m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    [
      "an image of sglang",
      { image: "lmsysorg/sglang:v0.5", args: ["--model-path", "m", "--tp", "2"] },
      "sglang list m tp=2",
    ],
    [
      "an image of one's own, flags of vLLM",
      { image: "r/x:1", args: ["--max-model-len", "1", "-tp=2"] },
      "vllm list - tp=2",
    ],
    ["a model that is a variable", { image: KTHENA, args: ["$(MODEL)", "-tp", "2"] }, "vllm list - tp=2"],
    [
      "a whole command as args",
      { image: "quay.io/ascend/vllm-ascend:v0.11.0", args: ["vllm", "serve", "m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    ["vllm serve", { command: ["vllm", "serve", "m", "-tp", "2"] }, "vllm list m tp=2"],
    [
      "vllm serve over both lists",
      { command: ["vllm", "serve"], args: ["m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    ["a path to vllm", { command: ["/usr/local/bin/vllm", "serve", "m"] }, "vllm list m tp=absent"],
    [
      "the module",
      { command: ["python3", "-m", "vllm.entrypoints.openai.api_server"], args: ["--model=m", "-tp=2"] },
      "vllm list m tp=2",
    ],
    [
      "python -u",
      {
        command: ["python", "-u", "-W", "ignore", "-m", "vllm.entrypoints.openai.api_server", "--model", "m"],
      },
      "vllm list m tp=absent",
    ],
    [
      "the file of the module",
      { command: ["python3", "/src/vllm/entrypoints/openai/api_server.py", "--model", "m"] },
      "vllm list m tp=absent",
    ],
    [
      "sglang",
      { command: ["python", "-m", "sglang.launch_server", "--model-path", "m", "--tp-size", "16"] },
      "sglang list m tp=16",
    ],
    ["sglang serve", { command: ["sglang", "serve", "--model", "m", "--tp", "16"] }, "sglang list m tp=16"],
    [
      "numactl",
      { command: ["numactl", "-C", "0-7", "--membind=0", "vllm", "serve", "m"] },
      "vllm list m tp=absent",
    ],
    [
      "taskset and env",
      { command: ["taskset", "-c", "0-7", "env", "A=1", "-u", "B", "vllm", "serve", "m"] },
      "vllm list m tp=absent",
    ],
    [
      "an environment of conda",
      { command: ["conda", "run", "-n", "vllm", "--no-capture-output", "vllm", "serve", "m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    [
      "another user",
      { command: ["runuser", "-u", "HwHiAiUser", "--", "vllm", "serve", "m"] },
      "vllm list m tp=absent",
    ],
    [
      "a user by su-exec",
      { command: ["su-exec", "1000:1000", "vllm", "serve", "m"] },
      "vllm list m tp=absent",
    ],
    [
      "conda in a script",
      { command: ["bash", "-c", "conda run -n x vllm serve m -tp 2"] },
      "vllm shell m tp=2",
    ],
    ["tini", { command: ["/usr/bin/tini", "-g", "--", "vllm", "serve", "m"] }, "vllm list m tp=absent"],
    [
      "symmetric Ray",
      { command: ["ray", "symmetric-run", "--address", "a:1", "--", "vllm", "serve", "m", "-tp", "16"] },
      "vllm list m tp=16 ray",
    ],
    [
      "Ray by its flag",
      { command: ["vllm", "serve", "m", "--distributed-executor-backend=ray"] },
      "vllm list m tp=absent ray",
    ],
    [
      "a Ray worker",
      { command: ["ray", "start", "--address=x:6379", "--block"] },
      "ray-worker list - tp=absent ray",
    ],
    ["MindIE", { command: ["./bin/mindieservice_daemon"] }, "mindie list - tp=absent"],
    [
      "MindIE's image",
      { image: "swr.example/mindie:2.0", args: ["--config", "x"] },
      "mindie list - tp=absent",
    ],
  ])("%s", (_, container, expected) => {
    expect(summary(container)).toBe(expected);
  });

  test.each<[string, JsonObject, string]>([
    [
      "conda that starts nothing",
      { command: ["conda", "activate", "vllm"] },
      "list: it starts conda, which is no engine known here",
    ],
    ["nothing at all", {}, "none: it has neither command nor args"],
    ["empty lists", { command: [], args: [] }, "none: it has neither command nor args"],
    ["no lists", { command: "vllm" }, "unreadable: command and args are no lists of strings"],
    ["numbers in the list", { args: ["-tp", 2] }, "unreadable: command and args are no lists of strings"],
    [
      "another program",
      { command: ["nginx"] },
      "list: it starts nginx, which routes requests and is no engine",
    ],
    [
      "another subcommand",
      { command: ["vllm", "bench", "serve"] },
      "list: it starts vllm bench, which is no engine known here",
    ],
    [
      "flags of no engine",
      { image: "x", args: ["--port", "80"] },
      "list: it has no command, and its image and flags name no engine known here",
    ],
    [
      "flags of both engines",
      { image: "x", args: ["--max-model-len", "1", "--context-length", "1"] },
      "list: it has no command, and its image and flags name no engine known here",
    ],
    [
      "a script file",
      { command: ["bash", "run.sh"] },
      "unreadable: it starts the script run.sh, which cannot be read here",
    ],
    [
      "a Python file",
      { command: ["python3", "launch.py"] },
      "unreadable: it starts the script launch.py, which cannot be read here",
    ],
    [
      "another module",
      { command: ["python3", "-m", "sglang_router.launch_server"] },
      "unreadable: it starts the module sglang_router.launch_server, which cannot be read here",
    ],
    [
      "Python code",
      { command: ["python3", "-c", "import vllm"] },
      "unreadable: it starts a Python program, which cannot be read here",
    ],
    [
      "a shell without script",
      { command: ["bash"] },
      "unreadable: it starts what bash reads, which cannot be read here",
    ],
    [
      "a Ray head alone",
      { command: ["ray", "start", "--head", "--block"] },
      "list: it starts ray start --head, which is no engine known here",
    ],
  ])("%s is not known", (_, container, expected) => {
    expect(summary(container)).toBe(expected);
  });

  test("uv run without end", () => {
    const command = Array.from({ length: 50_000 }, (_, index) => (index % 2 === 0 ? "uv" : "run"));
    expect(readEngineCommand({ command }).engine).toBe("unknown");
  });
});

describe("scripts", () => {
  test.each<[string, JsonObject, string]>([
    ["sh -c", sh("vllm serve m -tp 2"), "vllm shell m tp=2"],
    ["bash -lc", { command: ["/bin/bash", "-lc", "vllm serve m -tp 2"] }, "vllm shell m tp=2"],
    [
      "the script in args",
      { command: ["/bin/bash"], args: ["-c", "vllm serve m -tp 2"] },
      "vllm shell m tp=2",
    ],
    [
      "the script alone in args",
      { command: ["/bin/bash", "-c"], args: ["vllm serve m -tp 2"] },
      "vllm shell m tp=2",
    ],
    [
      "options before -c",
      { command: ["bash", "-e", "-o", "pipefail", "-xc", "vllm serve m -tp 2"] },
      "vllm shell m tp=2",
    ],
    ["all as args", { args: ["bash", "-c", "vllm serve m -tp 2"] }, "vllm shell m tp=2"],
    ["one string for everything", { args: ["vllm serve m --tensor-parallel-size 2"] }, "vllm shell m tp=2"],
    ["exec and continuations", sh("exec vllm serve m \\\n  --port 80 \\\n  -tp 2\n"), "vllm shell m tp=2"],
    [
      "an environment before it",
      sh("A=1 B='x y' nohup vllm serve m -tp 2 > log 2>&1 &\nwait"),
      "vllm shell m tp=2",
    ],
    ["a pipe", sh("vllm serve m -tp 2 2>&1 | tee /tmp/log"), "vllm shell m tp=2"],
    [
      "setup before it",
      bash("source /usr/local/Ascend/nnal/atb/set_env.sh && cd /w && vllm serve m -tp 2"),
      "vllm shell m tp=2",
    ],
    ["a loop before it", bash("until nc -z a 1; do sleep 1; done; vllm serve m -tp 2"), "vllm shell m tp=2"],
    [
      "a condition before it",
      bash('if [ -z "$X" ]; then echo no; exit 1; fi\nvllm serve m -tp 2'),
      "vllm shell m tp=2",
    ],
    [
      "a here-document before it",
      bash("cat > /c.json <<'EOF'\n{\"a\": 'vllm serve x -tp 9'}\nEOF\nvllm serve m -tp 2"),
      "vllm shell m tp=2",
    ],
    ["a variable of the script", sh("TP=2; vllm serve m -tp $TP"), "vllm shell m tp=2"],
    ["flags in a variable", sh('FLAGS="-tp 2 --port 80"\nvllm serve m $FLAGS'), "vllm shell m tp=2"],
    [
      "a variable of the container",
      sh("vllm serve m -tp ${TP}", { env: env({ TP: "2" }) }),
      "vllm shell m tp=2",
    ],
    [
      "Kubernetes' reference",
      sh("vllm serve $(MODEL) -tp $(TP)", { env: env({ TP: "2", MODEL: "m" }) }),
      "vllm shell m tp=2",
    ],
    ["an inner shell", sh("bash -c 'vllm serve m -tp 2'"), "vllm shell m tp=2"],
    [
      "an inner shell with an exported variable",
      sh("export TP=2; bash -c 'vllm serve m -tp $TP'"),
      "vllm shell m tp=2",
    ],
    ["an inner shell with its own variable", sh("TP=2 bash -c 'vllm serve m -tp $TP'"), "vllm shell m tp=2"],
    [
      "an inner shell without the variable",
      sh("TP=2; bash -c 'vllm serve m -tp $TP'"),
      "vllm shell m tp=unknown",
    ],
    [
      "a python of one's own",
      sh("$PY -m vllm.entrypoints.openai.api_server --model m"),
      "vllm shell m tp=absent",
    ],
    [
      "Kthena's leader",
      sh(
        "bash /x/multi-node-serving.sh leader --ray_cluster_size=2; \npython3 -m vllm.entrypoints.openai.api_server --model m --tensor-parallel-size 8 --pipeline_parallel_size 2",
      ),
      "vllm shell m tp=8 ray",
    ],
    [
      "Kthena's worker",
      sh("bash /x/multi-node-serving.sh worker --ray_address=$(ENTRY_ADDRESS)"),
      "ray-worker shell - tp=absent ray",
    ],
    [
      "ray start, then the engine",
      sh("ray start --head --port 6379 && vllm serve m -tp 2"),
      "vllm shell m tp=2 ray",
    ],
    [
      "ModelBooster's multi-pod command",
      bash(
        "chmod u+x e/multi-node-serving.sh && e/multi-node-serving.sh leader --ray_cluster_size=2 --num-gpus=8 && python3 -m vllm.entrypoints.openai.api_server --model /m --tensor-parallel-size 16 --distributed_executor_backend ray",
      ),
      "vllm shell /m tp=16 ray",
    ],
    [
      "MindIE after setup",
      bash("source /x/set_env.sh; cd /usr/local/Ascend/mindie; ./bin/mindieservice_daemon"),
      "mindie shell - tp=absent",
    ],
    [
      "a wrapper",
      sh('export A=1; exec "$@"', {
        command: ["sh", "-c", 'export A=1; exec "$@"', "--"],
        args: ["vllm", "serve", "m", "-tp", "2"],
      }),
      "vllm list m tp=2",
    ],
    [
      "a wrapper that has the program",
      { command: ["sh", "-c", 'exec vllm serve "$@"', "--"], args: ["m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    [
      "a wrapper in one list",
      { command: ["sh", "-c", 'exec "$@"', "--", "vllm", "serve", "m", "-tp", "2"] },
      "vllm list m tp=2",
    ],
    [
      "a wrapper that adds flags",
      { command: ["sh", "-c", 'exec "$@" -tp 4', "--"], args: ["vllm", "serve", "m"] },
      "vllm shell m tp=4",
    ],
    [
      "args that nobody takes",
      { command: ["sh", "-c", "vllm serve m -tp 2"], args: ["-tp", "4"] },
      "vllm shell m tp=2",
    ],
  ])("%s", (_, container, expected) => {
    expect(summary(container)).toBe(expected);
  });

  test.each<[string, JsonObject, string]>([
    ["two engines", sh("vllm serve a & vllm serve b"), "the script starts more than one engine"],
    [
      "an engine or another",
      sh("[ $R = 0 ] && vllm serve a || vllm serve b"),
      "the script starts more than one engine",
    ],
    [
      "an engine inside a condition",
      sh("if [ $R = 0 ]; then vllm serve a; fi"),
      "the engine is started inside an if",
    ],
    [
      "an engine inside a loop",
      sh("while true; do vllm serve a; done"),
      "the engine is started inside a loop",
    ],
    [
      "an engine inside a case",
      sh("case $R in 0) vllm serve a;; esac"),
      "the engine is started inside a case",
    ],
    [
      "an engine inside a function",
      sh("run() { vllm serve a; }; run"),
      "the engine is started inside the function run",
    ],
    ["an engine inside a subshell", sh("(cd /x; vllm serve a)"), "the engine is started inside a subshell"],
    [
      "an engine never reached",
      sh("exec sleep 1; vllm serve a"),
      '"exec sleep 1" comes before the engine, which is never started',
    ],
    [
      "an engine after endless sleep",
      sh("sleep infinity; vllm serve a"),
      '"sleep infinity" comes before the engine, which is never started',
    ],
    [
      "a broken continuation",
      sh("vllm serve a \\ \n  -tp 2"),
      "-tp stands apart from the engine's command; is a \\ missing?",
    ],
    [
      "a line without continuation",
      sh("vllm serve a\n--port 80"),
      "--port stands apart from the engine's command; is a \\ missing?",
    ],
    ["a script file", bash("./prefill.sh"), "it starts the script ./prefill.sh, which cannot be read here"],
    ["a sourced file", sh(". ./run.sh"), "it starts . ./run.sh, which cannot be read here"],
    ["a program in a variable", sh("$CMD serve m"), "it starts $CMD, which cannot be read here"],
    ["eval", sh('eval "vllm serve m"'), "it starts eval vllm serve m, which cannot be read here"],
    [
      "a shell's input",
      sh("bash <<EOF\nvllm serve m\nEOF"),
      "it starts what bash reads, which cannot be read here",
    ],
    [
      "a quote that is not closed",
      sh("vllm serve 'm"),
      "the shell script cannot be read: unterminated single quote",
    ],
    ["nothing of the kind", sh("sleep 1"), "it starts sleep, which is no engine known here"],
    ["nothing", sh("   "), "it starts nothing, which is no engine known here"],
    [
      "a redefined program",
      sh("vllm() { echo; }; vllm serve m"),
      "it starts echo, which is no engine known here",
    ],
    [
      "a command that sh -c gets in pieces",
      { command: ["sh", "-c", "vllm", "serve", "m"] },
      '-c runs "vllm" alone, and what follows are arguments of that script; make it one string',
    ],
    [
      "arguments that are missing",
      { command: ["sh", "-c", 'exec "$@"', "--"] },
      "it starts exec, which is no engine known here",
    ],
  ])("%s is not known", (_, container, reason) => {
    expect(readEngineCommand(container)).toMatchObject({ engine: "unknown", reason });
  });
});

describe("variables in lists", () => {
  const size = (value: string, more: JsonObject = {}, groupSize?: number) => {
    const { flags } = readEngineCommand(
      { command: ["vllm", "serve", "m", "--nnodes", value], ...more },
      { groupSize },
    );
    const found = sizeOf(flags, "nnodes");
    return found.state === "known" ? found.value : found.state === "unknown" ? found.reason : found.state;
  };

  test.each<[string, JsonObject, number | undefined, string | number]>([
    ["$(N)", { env: env({ N: "4" }) }, undefined, 4],
    ["$(N)$(N)", { env: env({ N: "4" }) }, undefined, 44],
    ["$(N)", { env: env({ M: "4", N: "$(M)" }) }, undefined, 4],
    [
      "$(N)",
      { env: env({ N: "$(M)", M: "4" }) },
      undefined,
      "--nnodes $(N) has a value that only the running pod knows",
    ],
    [
      "$(N)",
      { env: [{ name: "N", valueFrom: {} }] },
      undefined,
      "--nnodes $(N) has a value that only the running pod knows",
    ],
    ["$(N)", { env: [...env({ N: "4" }), ...env({ N: "5" })] }, undefined, 5],
    ["$(N)", {}, undefined, "--nnodes $(N) has a value that only the running pod knows"],
    ["$$(N)", { env: env({ N: "4" }) }, undefined, "--nnodes $(N) is no size"],
    ["$$$(N)", { env: env({ N: "4" }) }, undefined, "--nnodes $4 is no size"],
    ["$N", { env: env({ N: "4" }) }, undefined, "--nnodes $N is no size"],
    ["$(N", { env: env({ N: "4" }) }, undefined, "--nnodes $(N is no size"],
    ["$(GROUP_SIZE)", {}, 3, 3],
    ["$(GROUP_SIZE)", { env: env({ GROUP_SIZE: "9" }) }, 3, 3],
    ["$(GROUP_SIZE)", { env: env({ GROUP_SIZE: "9" }) }, undefined, 9],
    ["$(GROUP_SIZE)", {}, undefined, "--nnodes $(GROUP_SIZE) has a value that only the running pod knows"],
    ["", {}, undefined, "--nnodes  is no size"],
  ])("%s with %j, group of %s", (value, more, groupSize, expected) => {
    expect(size(value, more, groupSize)).toBe(expected);
  });

  test("values that double each other are not followed for ever", () => {
    const entries = Array.from({ length: 60 }, (_, index) => ({
      name: `V${index + 1}`,
      value: index === 0 ? "xxxxxxxxxx" : `$(V${index})$(V${index})`,
    }));
    expect(size("$(V60)", { env: entries })).toContain("only the running pod knows");
  });

  test("the place of a flag is kept for lists", () => {
    const { flags } = readEngineCommand({
      command: ["sh", "-c", 'exec "$@"', "--"],
      args: ["vllm", "serve", "m", "-tp", "2"],
    });
    expect(flagOf(flags, "tensor-parallel-size")).toMatchObject({
      flag: { written: "-tp", at: { list: "args", index: 3 } },
      value: { text: "2", at: { list: "args", index: 4 } },
    });
  });
});

describe("nothing that fits into an object takes long", () => {
  const big = "x".repeat(60_000);
  const many = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => text(index));
  const shells = many(
    9,
    (depth) => `X${depth}='${`bash -c "$X${depth - 1}"; `.repeat(12)}'; export X${depth}`,
  ).join(";");
  test.each<[string, JsonObject]>([
    ["many arguments", { command: ["vllm", "serve", ...many(200_000, (index) => `--x${index}`)] }],
    ["many words", { args: many(300_000, () => "-") }],
    [
      "many variables that repeat a long one",
      {
        args: ["$(A9)"],
        env: [
          { name: "A0", value: big },
          ...many(20_000, (index) => `A${index + 1}`).map((name) => ({ name, value: "$(A0)" })),
        ],
      },
    ],
    ["many references to a long variable", { args: many(20_000, () => "$(A)"), env: env({ A: big }) }],
    ["a script of them", sh("$(A)".repeat(20_000), { env: env({ A: big }) })],
    ["a mebibyte of script", sh("vllm serve m\n".repeat(80_000))],
    ["shells inside shells", sh(`X0='vllm serve m'; export X0; ${shells}; bash -c "$X8"`)],
    ["open references", sh("$(".repeat(60_000))],
    ["dollars", { args: ["$".repeat(1_000_000)] }],
  ])("%s", (_, container) => {
    const start = performance.now();
    readEngineCommand(container);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});

describe("properties", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "sh",
      "bash",
      "-c",
      "-lc",
      "vllm",
      "serve",
      "python3",
      "-m",
      "vllm.entrypoints.openai.api_server",
    ),
    fc.constantFrom(
      "-tp",
      "--",
      '"$@"',
      'exec "$@"',
      "$(A)",
      "$A",
      "ray",
      "start",
      "env",
      "A=b",
      "$(",
      "$$",
      "-dp2",
    ),
    fc.string({ unit: "grapheme" }),
  );

  test("never throws, whatever the container", () => {
    const lists = fc.oneof(fc.array(word, { maxLength: 10 }), fc.jsonValue());
    fc.assert(
      fc.property(lists, lists, fc.jsonValue(), fc.jsonValue(), (command, args, entries, image) => {
        const found = readEngineCommand({ command, args, env: entries, image } as JsonObject);
        expect(found.engine === "unknown").toBe(found.reason !== undefined && found.engine !== "mindie");
      }),
      { numRuns: 3000 },
    );
  });

  test("a wrapper reads as the command that it is given", () => {
    const value = fc.string({ unit: "grapheme", maxLength: 8 });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (values) => {
        const args = ["vllm", "serve", "m", "-tp", "2", ...values];
        const plain = readEngineCommand({ command: args });
        const wrapped = readEngineCommand({ command: ["sh", "-c", 'export A=1; exec "$@"', "--"], args });
        const flags = (found: typeof plain) =>
          found.flags.flags.map(({ name, value }) => [name, value?.text]);
        expect(flags(wrapped)).toEqual(flags(plain));
        expect(wrapped.form).toBe("list");
      }),
    );
  });
});

describe("scripts that are meant to hurt", () => {
  test.each([
    ["a long sum", `vllm serve $((1${"+1".repeat(16_000)}))`],
    ["a long power", `(( a${"**a".repeat(10_000)} )); vllm serve m`],
    ["many choices", `(( a${"?a:a".repeat(8_000)} )); vllm serve m`],
    ["many alternatives", `vllm serve m || ${"a || ".repeat(6_000)}b`],
    ["substitutions in substitutions", `vllm serve ${"$(echo $A ".repeat(60)}${")".repeat(60)}`],
    ["many tests", `[[ ${"a && ".repeat(6_000)}b ]]; vllm serve m`],
  ])("%s does no harm", (_, text) => {
    expect(typeof readEngineCommand(bash(text)).engine).toBe("string");
  });
});
