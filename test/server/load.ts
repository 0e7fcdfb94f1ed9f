import { Agent, type RequestOptions } from "node:https";
import { type Answer, post, review } from "./client.ts";

/** Clients that send one review after the other. */
export interface Load {
  /** How many were answered with 200 and their own uid. */
  answered: () => number;
  /** What went wrong. */
  failures: string[];
  /** Ends it; resolves when the last answer is in. */
  stop: () => Promise<void>;
}

/**
 * Starts clients with a kept connection each, as the API server has them. `port` is asked for each new connection, as
 * kube-proxy would; an open one stays where it is.
 */
export function startLoad(clients: number, ca: string, port: () => number): Load {
  const failures: string[] = [];
  let answered = 0;
  let going = true;
  const client = async (number: number): Promise<void> => {
    const agent = pickingAgent(ca, port);
    for (let turn = 0; going; turn++) {
      const uid = `client-${number}-${turn}`;
      const problem = await post(0, ca, "/mutate", review({ uid }), { agent }).then(
        (answer) => wrong(answer, uid),
        (error: Error) => error.message,
      );
      if (problem === undefined) answered++;
      else failures.push(problem);
    }
    agent.destroy();
  };
  const all = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return {
    answered: () => answered,
    failures,
    stop: async () => {
      going = false;
      await all;
    },
  };
}

function wrong({ status, text }: Answer, uid: string): string | undefined {
  if (status !== 200) return `status ${status}: ${text}`;
  const { response } = JSON.parse(text) as { response: { uid: string } };
  return response.uid === uid ? undefined : `uid ${response.uid} for ${uid}`;
}

/** An agent with one kept connection whose port is chosen when it is dialled. */
function pickingAgent(ca: string, port: () => number): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const dial = agent.createConnection.bind(agent);
  agent.createConnection = (options: RequestOptions, done) => dial({ ...options, port: port() }, done);
  return agent;
}
