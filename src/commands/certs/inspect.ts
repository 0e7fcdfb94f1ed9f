import { inspection, inspectionText } from "../../certs/inspection.ts";
import { readTargets } from "../../certs/publish.ts";
import { DEFAULT_POLICY } from "../../certs/rotate.ts";
import { dnsNamesOf } from "../../certs/service-names.ts";
import type { Secret } from "../../certs/store.ts";
import { isNotFound } from "../../kube/failure.ts";
import { SECRETS } from "../../kube/resource.ts";
import { type Console, EXIT } from "../console.ts";
import { jsonText } from "../terminal.ts";
import { type CertsWish, got, withInstallation } from "./setting.ts";

/**
 * Prints the state of an installation's certificates: the exit code.
 * @throws UsageError where it cannot be read
 */
export function inspect(wish: CertsWish, json: boolean, console: Console): Promise<number> {
  return withInstallation(wish, async ({ client, installation }) => {
    const { secret: place, service, targets } = installation;
    const answer = await client.get<Secret>(SECRETS, place);
    const secret =
      answer.ok || !isNotFound(answer.failure)
        ? got(answer, `read Secret ${place.namespace}/${place.name}`)
        : undefined;
    const read = got(await readTargets(client, targets), "read the webhook configurations");
    const policy = { ...DEFAULT_POLICY, dnsNames: dnsNamesOf(service) };
    const seen = inspection(secret, read, service, policy, Date.now());
    const missing = targets
      .filter((target) => !read.some((one) => one.target === target))
      .map(({ resource, name }) => `${resource.kind}/${name}`);
    if (json) console.out(jsonText({ ...seen, missing }));
    else console.print(inspectionText(seen, missing).trimEnd().split("\n"));
    return seen.problems.length === 0 ? EXIT.ok : EXIT.refused;
  });
}
