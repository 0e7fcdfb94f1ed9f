import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePorts } from "../control-plane/loopback.ts";

/** A way to the API server that can be closed: on its own address, so that its certificate is right. */
export class Gate {
  readonly #server: Server;
  readonly #from: string;
  readonly #to: string;
  readonly #open = new Set<Socket>();
  #way: "open" | "shut" | "silent" = "open";

  private constructor(server: Server, from: string, to: string) {
    this.#server = server;
    this.#from = from;
    this.#to = to;
  }

  /** Listens beside a server that is given as `https://host:port`. */
  static async before(address: string): Promise<Gate> {
    const { hostname, port } = new URL(address);
    const [own = 0] = await freePorts(hostname, 1);
    const server = createServer({ noDelay: true });
    const gate = new Gate(server, address, `https://${hostname}:${own}`);
    server.on("connection", (client) => gate.#join(client, connect({ host: hostname, port: Number(port) })));
    server.listen({ host: hostname, port: own });
    await once(server, "listening");
    return gate;
  }

  /** A copy of a kubeconfig that leads through here. */
  async kubeconfig(file: string): Promise<string> {
    const copy = file.replace(/\.yaml$/, "-gate.yaml");
    await writeFile(copy, (await readFile(file, "utf8")).replaceAll(this.#from, this.#to), { mode: 0o600 });
    return copy;
  }

  /** Ends every connection and takes none. */
  shut(): void {
    this.#way = "shut";
    for (const socket of this.#open) socket.destroy();
  }

  /** Lets every connection stand, and nothing through. */
  silence(): void {
    this.#way = "silent";
    for (const socket of this.#open) socket.pause();
  }

  open(): void {
    this.#way = "open";
    for (const socket of this.#open) socket.resume();
  }

  async close(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(from);
      from.on("data", (chunk) => to.write(chunk));
      from.on("end", () => to.end());
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#open.delete(from);
        to.destroy();
      });
      if (this.#way === "silent") from.pause();
      if (this.#way === "shut") from.destroy();
    }
  }
}
