// docs/reference/api.md, written from the routes and parameters that the API itself uses.
import { PARAMETERS, type ParameterSpec } from "../read/parameters.ts";
import { ROUTES, type Route } from "./routes.ts";

const ACCESS: Readonly<Record<Route["access"], string>> = {
  anyone: "anyone",
  local: "this machine, else any token",
  reader: "token with role `auditor` or `admin`",
};

const EXAMPLE = `\`\`\`sh
curl -H "Authorization: Bearer $DAYBOOK_TOKEN" \\
  "http://127.0.0.1:4141/admin/audit-logs?status=error&since=1h"
\`\`\``;

/** The text of docs/reference/api.md. */
export function apiMarkdown(): string {
  return `# API

Written by \`npm run docs\` from the code. All paths answer \`GET\` and \`HEAD\`.

${EXAMPLE}

## Paths

${table(["path", "takes", "for", "answers"], ROUTES.map(routeRow))}

Every response has \`x-request-id\`: the request's own when it is 1–128 of \`[A-Za-z0-9._-]\`, else a new one. Events
are as in [events.md](events.md); times are ISO 8601, UTC.

## Access

Send a token as \`Authorization: Bearer TOKEN\`. Without a valid one the answer is 401, with a role that does not
suffice 403. \`viewer\` tokens read nothing here yet. A request that comes through a proxy (\`Forwarded\`,
\`X-Forwarded-For\`) does not count as from this machine.

## Parameters

Different parameters narrow one another; a repeated one means any of its values. An empty value (\`model=\`) asks for
events that have none. Events of kind \`system\` show only with \`include=system\` or \`kind=system\`. Any other
parameter is refused, by name. Whole numbers are written in digits, booleans \`true\` or \`false\`, and
times as in \`since\` (spans only in \`since\` and \`until\`). In a URL, \`+\` is written \`%2B\`; in a time a plain \`+\` is
understood too.

${table(["parameter", "for", "about"], PARAMETERS.map(parameterRow))}

## Pages

Follow \`Link: <…>; rel="next"\` until it is missing: each event shows once, also while others arrive. The link keeps
all parameters and makes \`since\` and \`until\` absolute; \`limit\` may be changed on the way.

## What reading leaves in the trail

A query leaves one event of kind \`system\`, action \`queried\`, with the names of its filters and never their values.
Further pages leave none, when their cursor is followed with the same token and filters before Daybook restarts; else
they are a query of their own. Refusals always leave one. Unknown paths and wrong methods are events of kind \`api\`,
action \`request\`. ${unaudited()} leave no event.

## Errors

Errors are \`application/problem+json\` (RFC 9457): \`type\`, \`title\`, \`status\`, \`detail\` (what happened and what to do),
\`instance\` (the event of this very error), and besides \`code\` (see [errors.md](errors.md)) and \`request_id\`.
`;
}

function routeRow({ path, takes, access, about }: Route): string[] {
  return [`\`${path}\``, takes, ACCESS[access], about];
}

function parameterRow({ name, part, about }: ParameterSpec): string[] {
  return [`\`${name}\``, part === "page" ? "lists" : "lists, stats", about];
}

function unaudited(): string {
  const paths = ROUTES.filter(({ audit }) => audit === null).map(({ path }) => `\`${path}\``);
  return new Intl.ListFormat("en").format(paths);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
