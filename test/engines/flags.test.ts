import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlagEngine } from "../../src/engines/flag-names.ts";
import { flagOf, isOn, readFlags, sizeOf } from "../../src/engines/flags.ts";
import { VLLM_FLAG_NAMES, vllmArity } from "../../src/engines/vllm-flags.ts";
import { knownWord, type Word } from "../../src/engines/word.ts";

/** Words of a line; `$X` is a variable without quotes, `"$X"` one with. */
function words(line: string): Word[] {
  return line.split(" ").map((text) => {
    const quoted = text.startsWith('"$');
    const bare = quoted ? text.slice(1, -1) : text;
    const unknown = bare.indexOf("$");
    if (unknown < 0) return knownWord(bare);
    return { text: bare, known: false, knownLength: unknown, loose: !quoted };
  });
}

/** A size as a number, `absent`, or why it is unknown. */
function size(line: string, name: string, engine: FlagEngine = "vllm", least = 1): number | string {
  const found = sizeOf(readFlags(words(line), engine), name, least);
  return found.state === "known" ? found.value : found.state === "unknown" ? found.reason : found.state;
}

const TP = "tensor-parallel-size";
const DP = "data-parallel-size";

describe("spellings", () => {
  test.each<[string, string, number | string]>([
    ["--tensor-parallel-size 4", TP, 4],
    ["--tensor-parallel-size=4", TP, 4],
    ["--tensor_parallel_size 4", TP, 4],
    ["--tensor_parallel-size=4", TP, 4],
    ["-tp 4", TP, 4],
    ["-tp=4", TP, 4],
    ["-pp 4", "pipeline-parallel-size", 4],
    ["-dp 4", DP, 4],
    ["-dpl 4", "data-parallel-size-local", 4],
    ["-dpn 4", "data-parallel-rank", 4],
    ["-dpr 4", "data-parallel-start-rank", 4],
    ["-pcp 4", "prefill-context-parallel-size", 4],
    ["-dcp 4", "decode-context-parallel-size", 4],
    ["-n 4", "nnodes", 4],
    ["-n4", "nnodes", 4],
    ["--nnodes=4", "nnodes", 4],
    ["-tp 2 -tp 4", TP, 4],
    ["-tp 4 --tensor-parallel-size=2", TP, 2],
    ["m --port 80 --enforce-eager -tp 4 --host x", TP, 4],
    ["-tp 04", TP, 4],
    ["-tp +4", TP, 4],
    ["-dp 4", TP, "absent"],
    ["m", TP, "absent"],
    ["-- -tp 4", TP, "absent"],
    ["--kv-transfer-config.tensor-parallel-size 4", TP, "absent"],
    ["--port -1 -tp 4", TP, 4],
  ])("vLLM: %s gives %s %s", (line, name, expected) => {
    expect(size(line, name)).toBe(expected);
  });

  test.each<[string, string, number | string]>([
    ["--tp 4", TP, 4],
    ["--tp-size 4", TP, 4],
    ["--tensor-parallel-size=4", TP, 4],
    ["--dp 4", DP, 4],
    ["--dp-size=4", DP, 4],
    ["--pp-size 4", "pipeline-parallel-size", 4],
    ["--pipeline-parallel-size 4", "pipeline-parallel-size", 4],
    ["--nnodes 2", "nnodes", 2],
    ["-tp 4", TP, "it is not clear what -tp stands for"],
  ])("SGLang: %s gives %s %s", (line, name, expected) => {
    expect(size(line, name, "sglang")).toBe(expected);
  });
});

describe("how many words a flag takes", () => {
  test.each<[string, FlagEngine, number]>([
    ["--trust-remote-code --tp 4", "sglang", 4],
    ["--cuda-graph-bs 1 2 4 8 --tp 4", "sglang", 4],
    ["--lora-paths a=/a b=/b --tp=4", "sglang", 4],
    ["--mem-fraction-static $FRACTION --tp 4", "sglang", 4],
    ["m --cudagraph-capture-batch-sizes 1 2 --eager-mode --tp 4", "lmdeploy", 4],
    ["m --session-len $LENGTH --tp 4", "lmdeploy", 4],
  ])("%s of %s leaves the size known", (line, engine, expected) => {
    expect(size(line, TP, engine)).toBe(expected);
  });

  test("a switch of SGLang takes no variable behind it for its value", () => {
    expect(size("--trust-remote-code $EXTRA", TP, "sglang")).toContain("may bring --tensor-parallel-size");
  });
});

describe("what cannot be read is unknown", () => {
  test.each<[string, string, string]>([
    ["-tp four", TP, "-tp four is no size"],
    ["-tp 0", TP, "-tp 0 is no size"],
    ["-tp -2", TP, "-tp -2 is no size"],
    ["-tp 2.5", TP, "-tp 2.5 is no size"],
    ["-tp 1e3", TP, "-tp 1e3 is no size"],
    ["-tp 99999999999", TP, "-tp 99999999999 is no size"],
    ["-tp=", TP, "-tp  is no size"],
    ["-tp", TP, "-tp has no value"],
    ["-tp --port 80", TP, "-tp has no value"],
    ["-tp $TP", TP, "-tp $TP has a value that only the running pod knows"],
    ['--tensor-parallel-size="$TP"', TP, "it is not"],
    ["--tensor-parallel 4", TP, "it is not clear what --tensor-parallel stands for"],
    ["--tensor 4", TP, "it is not clear what --tensor stands for"],
    [
      "--data-parallel-size-l 4",
      "data-parallel-size-local",
      "it is not clear what --data-parallel-size-l stands for",
    ],
    ["--nnode 4", "nnodes", "it is not clear what --nnode stands for"],
    ["-t 4", TP, "it is not clear what -t stands for"],
    ["-tp4", TP, "it is not clear what -tp4 stands for"],
    ["--tp 4", TP, "it is not clear what --tp stands for"],
    ["--tp-size 4", TP, "it is not clear what --tp-size stands for"],
    ["m --config c.yaml", TP, "--tensor-parallel-size may stand in the file that --config names"],
    ["m --config=c.yaml", TP, "--tensor-parallel-size may stand in the file that --config names"],
    ["m $EXTRA", TP, "$EXTRA may bring --tensor-parallel-size with it"],
    ['m "$EXTRA"', TP, "$EXTRA may bring --tensor-parallel-size with it"],
    ["m -tp 4 $EXTRA", TP, "$EXTRA may bring --tensor-parallel-size with it"],
    ["m --enforce-eager $EXTRA", TP, "$EXTRA may bring --tensor-parallel-size with it"],
    ["m --$FLAG 4", TP, "--$FLAG may bring --tensor-parallel-size with it"],
  ])("%s: %s", (line, name, expected) => {
    if (expected === "it is not") expect(size(line, name)).toContain("only the running pod knows");
    else expect(size(line, name)).toBe(expected);
  });

  test("one argument that holds flag and value", () => {
    const reader = readFlags([knownWord("--tensor-parallel-size 4")], "vllm");
    expect(sizeOf(reader, TP)).toEqual({
      state: "unknown",
      reason: '"--tensor-parallel-size 4" is one argument; make it two',
    });
  });
});

describe("arity", () => {
  const model = (line: string) => readFlags(words(line), "vllm").positionals.map(({ text }) => text);

  test.each([
    ["--enforce-eager m", ["m"]],
    ["--no-enable-prefix-caching m", ["m"]],
    ["--trust-remote-code m -tp 4", ["m"]],
    ["-O 3 m", ["m"]],
    ["--served-model-name a b -tp 4", []],
    ["m --kv-cache-memory-bytes 100 x", ["m", "x"]],
  ])("of %s the positionals are %j", (line, expected) => {
    expect(model(line)).toEqual(expected);
  });

  test("every flag that takes a value keeps the rest of the line readable behind a variable", () => {
    const valued = VLLM_FLAG_NAMES.filter((name) => !["none", "many"].includes(vllmArity(name) ?? "none"));
    expect(valued.length).toBeGreaterThan(180);
    for (const name of valued) {
      if (name === "config" || name === TP) continue;
      expect(size(`m --${name} $X -tp 4`, TP), name).toBe(4);
      expect(size(`m -tp 8 --${name} $X`, TP), name).toBe(8);
    }
  });

  test("behind a switch a variable can bring anything", () => {
    for (const name of VLLM_FLAG_NAMES.filter((one) => vllmArity(one) === "none")) {
      expect(size(`m -tp 8 --${name} $X`, TP), name).toBe("$X may bring --tensor-parallel-size with it");
    }
  });
});

describe("misspelt flags", () => {
  test.each([
    ["--tensor-paralel-size=4", "tensor-parallel-size"],
    ["--tensor_paralell_size 4", "tensor-parallel-size"],
    ["--pipeline-parallell-size 2", "pipeline-parallel-size"],
  ])("%s leaves the size unknown", (line, near) => {
    const written = line.split(/[ =]/)[0];
    expect(size(line, near)).toBe(`${written} is no flag of the engine; did you mean --${near}?`);
  });

  test("the last occurrence counts", () => {
    expect(size("--tensor-paralel-size 4 -tp 8", TP)).toBe(8);
  });

  test("a flag of another release is no slip", () => {
    for (const line of [
      "--swap-space 4",
      "--use-v2-block-manager",
      "--brand-new-flag 1",
      "--no-enable-foo",
    ]) {
      expect(readFlags(words(line), "vllm").misspelt).toEqual([]);
    }
    expect(readFlags(words("--ep-size 4 --tp-size 4 --max-total-tokens 1"), "sglang").misspelt).toEqual([]);
  });

  test.each([
    ["--enable-dp-atention", "enable-dp-attention"],
    ["--disaggregation-transfer-backened ascend", "disaggregation-transfer-backend"],
    ["--mem-fraction-statics 0.8", "mem-fraction-static"],
    ["--tensor-paralel-size 4", "tensor-parallel-size"],
    ["--disable-radix-caches", "disable-radix-cache"],
  ])("of SGLang is told too: %s", (line, near) => {
    expect(readFlags(words(line), "sglang").misspelt.map((one) => one.near)).toEqual([near]);
  });

  test.each([
    "--attn-dp-size 2",
    "--dcp-size 2",
    "--moe-tp-size 2",
    "--disable-radix",
    "--tp 2 --dp 2",
    "--ep 4",
  ])("of SGLang is none: %s", (line) => {
    expect(readFlags(words(line), "sglang").misspelt).toEqual([]);
  });

  test("of LMDeploy is not looked for", () => {
    expect(readFlags(words("m --tpp 4 --session-length 1"), "lmdeploy").misspelt).toEqual([]);
  });
});

describe("what stands firm beside unknown parts", () => {
  test.each<[string, number | string]>([
    ["$MODEL -tp 4", 4],
    ["m --port $PORT -tp 4 --served-model-name $NAME", 4],
    ["m --port=$PORT -tp 4", 4],
    ['m --whatever "$X" -tp 4', 4],
    ["m $EXTRA -tp 4", 4],
    ["m --config c.yaml -tp 4", 4],
    ["m --tensor-parallel 8 -tp 4", 4],
  ])("%s gives %s", (line, expected) => {
    expect(size(line, TP)).toBe(expected);
  });
});

describe("switches", () => {
  const on = (line: string) => isOn(readFlags(words(line), "vllm"), "data-parallel-external-lb");
  test.each<[string, boolean | undefined]>([
    ["m", false],
    ["m --data-parallel-external-lb", true],
    ["m -dpe", true],
    ["m --no-data-parallel-external-lb", false],
    ["m --data-parallel-external-lb --no-data-parallel-external-lb", false],
    ["m --no-data-parallel-external-lb --data_parallel_external_lb", true],
    ["m $EXTRA", undefined],
    ["m --config c", undefined],
  ])("%s: %s", (line, expected) => {
    expect(on(line)).toBe(expected);
  });
});

test("a JSON value is kept whole, and keys set one by one are kept apart", () => {
  const json = '{"kv_role": "kv_producer", "x": "a=b"}';
  for (const line of [["--kv-transfer-config", json], [`--kv_transfer_config=${json}`]]) {
    const found = flagOf(readFlags(line.map(knownWord), "vllm"), "kv-transfer-config");
    expect(found).toMatchObject({ state: "given", value: { text: json } });
  }
  const { flags, dotted } = readFlags(words("--kv-transfer-config.kv_role kv_both --port 1"), "vllm");
  expect(flags.map((flag) => flag.name)).toEqual(["port"]);
  expect(dotted).toMatchObject([{ name: "kv-transfer-config.kv_role", value: { text: "kv_both" } }]);
});

describe("properties", () => {
  const sizes = fc.integer({ min: 1, max: 4096 });
  const spelling = fc.constantFrom(
    (value: number) => ["-tp", `${value}`],
    (value: number) => [`-tp=${value}`],
    (value: number) => ["--tensor-parallel-size", `${value}`],
    (value: number) => [`--tensor_parallel_size=${value}`],
    (value: number) => ["--tensor-parallel_size", ` ${value}`],
  );
  const other = fc.constantFrom(
    ["--port", "80"],
    ["--enforce-eager"],
    ["-pp", "2"],
    ["--x=-tp 9"],
    ["--y", "-1"],
  );

  test("every spelling gives the same value, whatever stands around it, and the last one counts", () => {
    fc.assert(
      fc.property(
        sizes,
        sizes,
        spelling,
        spelling,
        fc.array(other),
        fc.array(other),
        (a, b, one, two, left, right) => {
          const line = ["m", ...one(a), ...left.flat(), ...two(b), ...right.flat()];
          expect(sizeOf(readFlags(line.map(knownWord), "vllm"), TP)).toMatchObject({
            state: "known",
            value: b,
          });
        },
      ),
    );
  });

  test("never throws, and never invents a size", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("-", "--", "-tp", "--tp", "=", "--=", "-.", "--a.b", "-tp=", "4"),
    );
    fc.assert(
      fc.property(
        fc.array(text),
        fc.constantFrom<FlagEngine>("vllm", "sglang", "lmdeploy"),
        (line, engine) => {
          const found = sizeOf(readFlags(line.map(knownWord), engine), TP);
          if (found.state === "known") expect(line.join(" ")).toContain(String(found.value));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
