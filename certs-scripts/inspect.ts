import { inspection, inspectionText } from "../src/certs/inspection.ts";
import { readTargets } from "../src/certs/publish.ts";
import { DEFAULT_POLICY } from "../src/certs/rotate.ts";
import { dnsNamesOf } from "../src/certs/service-names.ts";
import type { Secret } from "../src/certs/store.ts";
import { isNotFound } from "../src/kube/failure.ts";
import { SECRETS } from "../src/kube/resource.ts";
import { got, readArguments, run } from "./arguments.ts";

const HELP = `Shows who trusts what: the CAs and the certificate in the Secret, the bundle of each webhook, and whether
they go together. Changes nothing.

  npx node certs-scripts/inspect.ts [options]

Exit code: 0 all right, 1 something is wrong, 2 it could not be found out.

      --json             for programs
`;

/** Prints the state of an installation's certificates. */
async function inspect(args: readonly string[]): Promise<number> {
  const setting = readArguments(args, { json: { type: "boolean" } }, HELP);
  if (!setting) return 0;
  const { client, installation, values } = setting;
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
  process.stdout.write(
    values.json ? `${JSON.stringify({ ...seen, missing }, null, 2)}\n` : inspectionText(seen, missing),
  );
  return seen.problems.length === 0 ? 0 : 1;
}

await run(inspect);
