// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are shell scripts
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { walk } from "../../src/engines/script.ts";
import { readShell } from "../../src/engines/shell.ts";
import { newState, shown } from "../../src/engines/variables.ts";
import { knownWord } from "../../src/engines/word.ts";

/** The words of each command of a script; what is not known stands in ‹ ›. */
function read(
  text: string,
  env: Record<string, string | undefined> = {},
  args: string[] = [],
  bash = true,
): string {
  const script = readShell(text);
  if (!script.readable) return `unreadable: ${script.reason}`;
  const lines: string[] = [];
  const state = newState(Object.entries(env), args.map(knownWord), bash);
  walk(script, state, (words, command) => {
    const texts = words
      .map(shown)
      .map((word) => (word.known ? word.text : `‹${word.text}${word.loose ? "…" : ""}›`));
    const where = command.nested === undefined ? "" : `[${command.nested}] `;
    if (words.length > 0) lines.push(where + texts.join("|"));
  });
  return lines.join(" ; ");
}

describe("words", () => {
  test.each([
    ["a b  c", "a|b|c"],
    ["a 'b c' \"d e\"", "a|b c|d e"],
    ["a b'c'\"d\"e", "a|bcde"],
    ["a '' \"\"", "a||"],
    ["a \\\n  b", "a|b"],
    ["a b\\\nc", "a|bc"],
    ["a \\$X '$X'", "a|$X|$X"],
    ['a "\\$X \\" \\\\ \\n"', 'a|$X " \\ \\n'],
    ["a # comment 'with quote\nb", "a ; b"],
    ["a b#c", "a|b#c"],
    [`a '{"kv_role":"kv_producer"}'`, `a|{"kv_role":"kv_producer"}`],
    [`a "{\\"kv_role\\":\\"kv_producer\\"}"`, `a|{"kv_role":"kv_producer"}`],
    ["a --x={}", "a|--x={}"],
    ['a {"x":1,"y":2}', 'a|‹{"x":1,"y":2}…›'],
    ["a f{1..4}", "a|‹f{1..4}…›"],
    ["a ~/m", "a|‹~/m›"],
    ["a $'b\\n'", "a|‹$'b\\n'›"],
    ["a é 中文", "a|é|中文"],
  ])("%j reads %j", (text, words) => {
    expect(read(text)).toBe(words);
  });
});

describe("expansions", () => {
  test.each([
    ["a $X", "a|x|y"],
    ['a "$X"', "a|x y"],
    ["a ${X}z", "a|x|yz"],
    ["a $TP-$TP", "a|4-4"],
    ["a ${TP:-8}", "a|4"],
    ["a ${NONE:-8}", "a|‹${NONE:-8}…›"],
    ["a ${TP%4}", "a|‹${TP%4}…›"],
    ['a "${#TP}"', "a|‹${#TP}›"],
    ["a $(nproc)", "a|‹$(nproc)…›"],
    ['a "$(nproc)"', "a|‹$(nproc)›"],
    ["a `nproc`", "a|‹`nproc`…›"],
    ["a $((TP * 2))", "a|‹$((TP * 2))…›"],
    ["a $UNKNOWN b", "a|‹$UNKNOWN…›|b"],
    ["a --x=$UNKNOWN", "a|‹--x=$UNKNOWN…›"],
    ["a $(echo ')' \"$(echo ')')\") b", "a|‹$(echo ')' \"$(echo ')')\")…›|b"],
    ["a $(case x in x) echo 1;; esac) b", "a|‹$(case x in x) echo 1;; esac)…›|b"],
    ["a <(echo 1) b", "a|‹<(echo 1)›|b"],
    ["a $$ $? $!", "a|‹$$…›|‹$?…›|‹$!…›"],
    ["a $", "a|$"],
    ['a "$(cat <<\'EOF\'\n{"x": "$TP"}\nEOF\n)" b', 'a|{"x": "$TP"}|b'],
    ['a "$(cat <<EOF\n{"x": "$TP"}\nEOF\n)" b', 'a|{"x": "4"}|b'],
    ['a "$(cat file <<EOF\nx\nEOF\n)"', "a|‹$(cat file <<EOF\nx\nEOF\n)›"],
  ])("%j reads %j", (text, words) => {
    expect(read(text, { X: "x y", TP: "4", UNKNOWN: undefined })).toBe(words);
  });
});

describe("arrays", () => {
  test.each([
    ['A=(b "c d"); a "${A[@]}"', "a|b|c d"],
    ["A=(b c); a ${A[@]}", "a|b|c"],
    ["A=(b 'c d'); a ${A[@]}", "a|‹${A[@]}…›"],
    ['A=(\n  b # why\n  # more\n  "$X"\n)\na "${A[@]}" z', "a|b|x y|z"],
    ['A=(b); A+=(c $X); a "${A[@]}"', "a|b|c|x|y"],
    ['A=(); a "${A[@]}" z', "a|z"],
    ['A=(b); B=("${A[@]}" c); a "${B[@]}"', "a|b|c"],
    ['A=(b $UNKNOWN); a "${A[@]}"', "a|b|‹$UNKNOWN…›"],
    ['A=(b); if true; then A+=(c); fi; a "${A[@]}"', "[an if] true ; a|‹${A[@]}…›"],
    ['A=(b); A[1]=c; a "${A[@]}"', "a|‹${A[@]}…›"],
    ['A=([1]=b); a "${A[@]}"', "a|‹${A[@]}…›"],
    ['A+=(b); a "${A[@]}"', "a|‹${A[@]}…›"],
    ['A=(b); unset A; a "${A[@]}"', "unset|A ; a|‹${A[@]}…›"],
    ['A=(b); a "${A[*]}" "${A[0]}" "${#A[@]}"', "a|‹${A[*]}›|‹${A[0]}›|‹${#A[@]}›"],
    ['a "x${NONE[@]}"', "a|‹x${NONE[@]}…›"],
  ])("%j reads %j", (text, commands) => {
    expect(read(text, { X: "x y", UNKNOWN: undefined })).toBe(commands);
  });

  test("dash has none", () => {
    expect(read('A=(b); a "${A[@]}"', {}, [], false)).toBe("a|‹${A[@]}…›");
  });

  test("that repeat themselves end", () => {
    const doubled = `A=(${"b ".repeat(500)})\n${'A+=("${A[@]}")\n'.repeat(64)}a "\${A[@]}"`;
    expect(read(doubled).length).toBeLessThan(100);
  });
});

describe("variables", () => {
  test.each([
    ["TP=4; a $TP", "a|4"],
    ["TP=4\nexport TP\na $TP", "export|TP ; a|4"],
    ["export TP=4 && a $TP", "export|TP=4 ; a|4"],
    ["cd /x && TP=4 && a $TP", "cd|/x ; a|4"],
    ["cd /x && TP=4\na $TP", "cd|/x ; a|‹$TP…›"],
    ["false || TP=4; a $TP", "false ; a|‹$TP…›"],
    ["TP=4 | cat; a $TP", "cat ; a|2"],
    ["TP=4 & a $TP", "a|2"],
    ["(TP=4); a $TP", "a|2"],
    ["{ TP=4; }; a $TP", "a|4"],
    ["if true; then TP=4; fi; a $TP", "[an if] true ; a|‹$TP…›"],
    ["for TP in 1 2; do :; done; a $TP", "[a loop] : ; a|‹$TP…›"],
    ["case x in x) TP=4;; esac; a $TP", "a|‹$TP…›"],
    ["f() { TP=8; }; a $TP; f; a $TP", "a|2 ; f ; a|‹$TP…›"],
    ["read TP; a $TP", "read|TP ; a|‹$TP…›"],
    ["unset TP; a $TP", "unset|TP ; a|‹$TP…›"],
    ["eval X; a $TP", "eval|X ; a|‹$TP…›"],
    [". ./env.sh; a $TP", ".|./env.sh ; a|‹$TP…›"],
    [
      "source /usr/local/Ascend/ascend-toolkit/set_env.sh; a $TP",
      "source|/usr/local/Ascend/ascend-toolkit/set_env.sh ; a|2",
    ],
    ["TP+=4; a $TP", "a|24"],
    ["TP=(1 2); a $TP", "a|‹$TP…›"],
    ["((TP*=2)); a $TP", "a|‹$TP…›"],
    ["((TP=2)); a $TP", "a|‹$TP…›"],
    ["let TP=8; a $TP", "let|TP=8 ; a|‹$TP…›"],
    ["export -n TP=3; a $TP", "export|-n|TP=3 ; a|‹$TP…›"],
    ["export $X; a $TP", "export|‹$X…› ; a|‹$TP…›"],
    ["ARGS='-tp 4'; a $ARGS \"$ARGS\"", "a|-tp|4|-tp 4"],
    ["IFS=,; a $TP", "a|‹$TP…›"],
    ["TP=8 a $TP", "a|2"],
  ])("%j reads %j", (text, commands) => {
    expect(read(text, { TP: "2", X: undefined })).toBe(commands);
  });

  test("dash has no +=, and its export splits", () => {
    expect(read("TP+=4; a $TP", { TP: "2" }, [], false)).toBe("a|‹$TP…›");
    expect(read("export B=$A; a $B", { A: "x y" }, [], false)).toBe("export|B=x|y ; a|‹$B…›");
  });

  test("arguments of the script", () => {
    expect(read('exec "$@"', {}, ["--", "vllm", "a b"])).toBe("exec|vllm|a b");
    expect(read("exec $@", {}, ["--", "vllm", "serve"])).toBe("exec|vllm|serve");
    expect(read("exec $@", {}, ["--", "vllm", "a b"])).toBe("exec|‹$@…›");
    expect(read('a "$1" $2 "${3}" "$4"', {}, ["sh", "x", "y", "z"])).toBe("a|x|y|z|");
    expect(read('shift; a "$@"', {}, ["sh", "x"])).toBe("shift ; a|‹$@…›");
    expect(read('set -- k; a "$@"', {}, ["sh", "x"])).toBe("set|--|k ; a|‹$@…›");
    expect(read('set -euo pipefail; a "$@"', {}, ["sh", "x"])).toBe("set|-euo|pipefail ; a|x");
  });
});

describe("structure", () => {
  test.each([
    ["a; b && c || d | e & f", "a ; b ; c ; d ; e ; f"],
    ["a &&\n\n b", "a ; b"],
    ["a 2>&1 >log <in &>all b", "a|b"],
    ["a <<EOF b\nbody ' \" $(\nEOF\nc", "a|b ; c"],
    ["a <<-EOF\n\tbody\n\tEOF\nc", "a ; c"],
    ["a <<A <<B\n1\nA\n2\nB\nc", "a ; c"],
    ["a <<'EOF'", "a"],
    [
      "if a; then b; elif c; then d; else e; fi; f",
      "[an if] a ; [an if] b ; [an if] c ; [an if] d ; [an if] e ; f",
    ],
    ["while a; do b; done; c", "[a loop] a ; [a loop] b ; c"],
    ["until a\ndo b\ndone\nc", "[a loop] a ; [a loop] b ; c"],
    ["for ((i=0; i<3; i++)); do a; done; b", "[a loop] a ; b"],
    ["for x; do a; done", "[a loop] a"],
    ["case $x in\n a|b) c ;;\n (*) d\nesac\ne", "[a case] c ; [a case] d ; e"],
    ["f() { a; }; b", "[the function f] a ; b"],
    ["function f { a; }\nb", "[the function f] a ; b"],
    ["f() ( a ); b", "[the function f] a ; b"],
    ["(a; b); c", "[a subshell] a ; [a subshell] b ; c"],
    ["{ a; b; } > log; c", "a ; b ; c"],
    ["x || { a; b; }", "x ; [a group after && or ||] a ; [a group after && or ||] b"],
    ["[[ a < b && ( c || d ) ]] && e", "e"],
    ["! a; time b", "a ; b"],
    ["a if then fi", "a|if|then|fi"],
    ["", ""],
    ["# only a comment", ""],
    ["\n\n", ""],
  ])("%j reads %j", (text, commands) => {
    expect(read(text)).toBe(commands);
  });

  test.each([
    ["a 'b", "unterminated single quote"],
    ['a "b', "unterminated double quote"],
    ["a `b", "unterminated backtick"],
    ["a $(b", "unterminated command substitution"],
    ["a ${b", "unterminated parameter expansion"],
    ["a $((b", "unterminated arithmetic expansion"],
    ["(a", "expected ')' to close subshell"],
    ["a )", "unexpected token ')'"],
    ["a (b)", "unexpected token ')'"],
    ["if a; then b", "expected 'fi' to close 'if'"],
    ["fi", "unexpected token 'fi'"],
    ["a &&", "expected command after '&&'"],
    ["a ;; b", "unexpected token ';;'"],
    ["; a", "unexpected token ';'"],
    ["(a) b", "unexpected token 'b'"],
    ["a >", "expected redirect target"],
    ["[[ a", "expected ']]' to close '[['"],
    ["a\nb\nc 'd\ne", "unterminated single quote in line 3"],
    [`a ${"$(".repeat(200)}`, "it nests too deep"],
    ["{ ".repeat(200), "it nests too deep"],
    ["a <<E\nE\n".repeat(201), "it has too many here-documents"],
    ["f() ".repeat(201), "it has too many functions"],
    ["a\n".repeat(10_001), "it has too many commands"],
    ["coproc ".repeat(201), "it has too many functions"],
    ["a".repeat(200_000), "the script is longer than an argument can be"],
  ])("script %# is unreadable", (text, reason) => {
    expect(read(text)).toBe(`unreadable: ${reason}`);
  });
});

describe("properties", () => {
  const quotings = [
    (text: string) => `'${text.replaceAll("'", `'\\''`)}'`,
    (text: string) => `"${text.replace(/["\\$`]/g, "\\$&")}"`,
    (text: string) => (text === "" ? "''" : text.replace(/[^\n]/gu, "\\$&").replaceAll("\n", "'\n'")),
  ];
  const text = fc
    .string({ unit: "grapheme", maxLength: 20 })
    .filter((value) => !/[\uE000\uE001]/.test(value));

  test("words quoted in any way read back as they were", () => {
    const words = fc.array(fc.tuple(text, fc.nat(2)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(words, fc.constantFrom(" ", "\t", "  ", " \\\n "), (list, blank) => {
        const script = readShell(list.map(([word, how]) => quotings[how]?.(word)).join(blank));
        if (!script.readable) throw new Error(script.reason);
        const parts = script.commands.flatMap((command) => command.words);
        const state = newState([], [], true);
        expect(parts.map(() => 0).length).toBe(list.length);
        walk(script, state, (found) => expect(found).toEqual(list.map(([word]) => knownWord(word))));
      }),
      { numRuns: 500 },
    );
  });

  test("never throws, whatever the text", () => {
    const token = fc.constantFrom(
      ..."a|$|{|}|(|)|'|\"|`|\\|\n| |;|&|||<|>|<<|EOF|if|then|fi|do|done|for|in|case|esac|$(|${|$((|))|[[|]]|=|#|#\n|A=".split(
        "|",
      ),
      "|",
    );
    const soup = fc.array(fc.oneof({ weight: 4, arbitrary: token }, fc.string()), { maxLength: 40 });
    fc.assert(
      fc.property(soup, (tokens) => {
        expect(typeof read(tokens.join(""), { A: "1" })).toBe("string");
      }),
      { numRuns: 3000 },
    );
  });
});

describe("large scripts", () => {
  test.each([
    ["many commands", "a b;\n".repeat(25_000)],
    ["many variables that grow", `X=aaaaaaaaaa\n${'X="$X$X"\n'.repeat(40)}${"a $X\n".repeat(5_000)}`],
    ["open parentheses", "(".repeat(130_000)],
    ["open substitutions", "$(".repeat(65_000)],
    ["open quotes", "'\"".repeat(65_000)],
    ["here-documents without an end", "a <<E\n".repeat(20_000)],
    ["empty lines of a here-document", `a "$(cat <<E\n${"\n".repeat(100_000)}x\nE\n)"`],
    ["here-documents in here-documents", "$(cat <<E\n".repeat(12_000)],
    ["braces", "{a,".repeat(40_000)],
    ["backslashes", "\\".repeat(130_000)],
    ["backticks", "`".repeat(130_001)],
    ["parameter expansions", "${a:-".repeat(26_000)],
    ["arithmetic", "((".repeat(60_000)],
    ["cases", "case a in ".repeat(12_000)],
    ["marks", "\uE000".repeat(65_000)],
    ["a path that repeats", `source ${"Ascend".repeat(20_000)}`],
    ["one mebibyte", "a ".repeat(524_288)],
  ])("%s are read to an end", (_, text) => {
    expect(typeof read(text)).toBe("string");
  });
});
