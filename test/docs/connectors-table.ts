import { CONNECTOR_CLASSES, connectorClass } from "../../src/engines/connector-classes.ts";

const BEGIN = "<!-- connectors: written by npm run docs -->";
const END = "<!-- end of connectors -->";

/**
 * The page of injectors with its table of connector classes made anew from the data.
 * @throws Error where the marks around the table are missing
 */
export function withConnectorsTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page of injectors lacks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${connectorsTable()}${page.slice(end)}`;
}

function connectorsTable(): string {
  const rows = CONNECTOR_CLASSES.map((name) => {
    const { since, until, sizes, ports, roles } = connectorClass(name) ?? { name };
    const takes = [
      ...(sizes ? ["checks the sizes of both sides"] : []),
      ...(ports ? ["`kv_port` and one more for each rank"] : []),
      ...(roles ? [roles.map((role) => `\`${role}\``).join(" or ")] : []),
    ];
    const registered = since === undefined && until === undefined ? "not its own" : releases(since, until);
    return `| \`${name}\` | ${registered} | ${takes.join("; ")} |\n`;
  });
  return `| class | in vllm-ascend | what it takes |\n|---|---|---|\n${rows.join("")}`;
}

function releases(since: string | undefined, until: string | undefined): string {
  if (since === undefined) return `before ${until}`;
  return until === undefined ? `from ${since} on` : `from ${since} on, before ${until}`;
}
