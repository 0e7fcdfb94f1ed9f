import type { PodVariables } from "../engines/known-variables.ts";

/** How the pods of an engine find each other. */
interface NodeArguments {
  /** The flag of the address. */
  address: string;
  /** The arguments that work with what the controller gives every pod. */
  all: (variables: PodVariables) => string;
  /** What the workers need beside them. */
  workers?: string;
}

/** How the pods of an engine find each other, by engine. */
export const NODE_ARGUMENTS: Record<"vllm" | "sglang", NodeArguments> = {
  vllm: {
    address: "master-addr",
    all: ({ size, index, entry }) => `--nnodes $(${size}) --node-rank $(${index}) --master-addr $(${entry})`,
    workers: "--headless",
  },
  sglang: {
    address: "dist-init-addr",
    all: ({ size, index, entry }) =>
      `--nnodes $(${size}) --node-rank $(${index}) --dist-init-addr $(${entry}):5000`,
  },
};
