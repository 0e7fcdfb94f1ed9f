/** How the pods of an engine find each other: the flag of the address, and the arguments that work under Kthena. */
export const NODE_ARGUMENTS = {
  vllm: {
    address: "master-addr",
    all: "--nnodes $(GROUP_SIZE) --node-rank $(WORKER_INDEX) --master-addr $(ENTRY_ADDRESS)",
    workers: "--headless",
  },
  sglang: {
    address: "dist-init-addr",
    all: "--nnodes $(GROUP_SIZE) --node-rank $(WORKER_INDEX) --dist-init-addr $(ENTRY_ADDRESS):5000",
    workers: undefined,
  },
} as const;
