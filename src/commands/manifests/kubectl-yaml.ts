import type { ScalarTag, Tags } from "yaml";

/**
 * Plain words and numbers that kubectl reads otherwise than YAML 1.2 says: `yes` and `on` are true, 0644 is octal, 1_000
 * a number (go.yaml.in/yaml/v2, resolve.go, which sigs.k8s.io/yaml uses).
 */
const TRUE = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|off|Off|OFF)$/;

const words: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: new RegExp(`${TRUE.source}|${FALSE.source}`),
  resolve: (text) => TRUE.test(text),
};

const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** What begins as a number does and is none stays text: a date, a version. */
const numbers: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  test: /^(?:[-+0-9].*|\.[0-9].*)$/,
  resolve: (text) => {
    const plain = text.startsWith(".") ? text : text.replaceAll("_", "");
    const value = integerOf(plain) ?? (FLOAT.test(plain) ? Number(plain) : undefined);
    return value !== undefined && Number.isFinite(value) ? value : text;
  },
};

function integerOf(text: string): number | undefined {
  const [whole, sign, hex, binary, octal, decimal = ""] = INTEGER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = hex
    ? Number.parseInt(hex, 16)
    : binary
      ? Number.parseInt(binary, 2)
      : octal
        ? Number.parseInt(octal, 8)
        : Number(decimal);
  return sign === "-" ? -value : value;
}

/** The tags of a document as kubectl reads it. */
export function kubectlTags(tags: Tags): Tags {
  return [words, numbers, ...tags];
}
