import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { type JsonObject, stringOf } from "../../src/api/json.ts";
import type { ControlPlane } from "./control-plane/control-plane.ts";

/** What the API server answered. */
export interface Created {
  admitted: boolean;
  code: number;
  message: string;
}

/** Creates objects as kubectl does by default, unknown fields refused, but as a dry run: over one kept connection each. */
export class StrictCreator {
  readonly #agent: Agent;
  readonly #plane: ControlPlane;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ca: readFileSync(plane.caFile) });
  }

  create(object: JsonObject, namespace = "default"): Promise<Created> {
    const body = JSON.stringify(object);
    const plural = `${String(object.kind).toLowerCase()}s`;
    const url = new URL(
      `/apis/${stringOf(object.apiVersion)}/namespaces/${namespace}/${plural}?dryRun=All&fieldValidation=Strict`,
      this.#plane.server,
    );
    const headers = {
      authorization: `Bearer ${this.#plane.adminToken}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: this.#agent, method: "POST", headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => {
          const code = answer.statusCode ?? 0;
          resolve({ admitted: code === 201, code, message: code === 201 ? "" : text.slice(0, 600) });
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
