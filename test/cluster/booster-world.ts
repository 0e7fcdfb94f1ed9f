import type { KubeClient } from "../../src/kube/client.ts";
import { BoosterWatch } from "./booster-watch.ts";
import { crdFolder, podGroupCrdFolder } from "./control-plane/crds.ts";
import { type Product, startProduct } from "./product.ts";

/** The product as it is installed, three nodes with 8 NPUs each, and what is ever stored of ModelBoosters. */
export interface BoosterWorld {
  product: Product;
  admin: KubeClient;
  watch: BoosterWatch;
  stop: () => Promise<void>;
}

/** Starts all of it, with a namespace `models` in which there is nothing. */
export async function startBoosterWorld(): Promise<BoosterWorld> {
  const product = await startProduct({
    crdFolders: [crdFolder(), podGroupCrdFolder()],
    nodes: [{ count: 3 }],
  });
  const { admin, plane } = product;
  const watch = new BoosterWatch(admin);
  await watch.start();
  await plane.kubectl(["create", "namespace", "models"]);
  const stop = async () => {
    await watch.stop();
    await product.stop();
  };
  return { product, admin, watch, stop };
}
