// docs/reference/api.md, written from the routes and parameters that the API itself uses.
import { PARAMETERS, type ParameterSpec } from "../query/vocabulary.ts";
import type { Access, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

const ACCESS = {
  anyone: "anyone",
  local: "this machine, else any holder",
  known: "any holder",
  client: "an API key",
} as const;

const EXAMPLE = `\`\`\`sh
curl -H "Authorization: Bearer $DAYBOOK_TOKEN" \\
  "http://127.0.0.1:4141/admin/audit-logs?status=error&since=1h"
\`\`\``;

/** The text of docs/reference/api.md. */
export function apiMarkdown(): string {
  return `# API

Written by \`npm run docs\` from the code. Where \`GET\` is answered, \`HEAD\` is too.

${EXAMPLE}

## Paths

${table(["method", "path", "takes", "for", "about"], ROUTES.map(routeRow))}

Every response has \`x-request-id\`: the request's own when it is 1–128 of \`[A-Za-z0-9._-]\` and does
not look like a secret, else a new one. Events
are as in [events.md](events.md); times are ISO 8601, UTC.

## Access

Send a token as \`Authorization: Bearer TOKEN\`. Without a valid one the answer is 401, without the right to ask 403.
A role says how far a holder may go: \`viewer\` reads events of its own user (\`own\`), \`auditor\` all events
(\`audit:read\`), \`admin\` changes the configuration too (\`admin\`) and may hand in events of other services
(\`ingest\`). The scopes of a token narrow its role: \`audit:read\` to reading, \`admin\` to configuration and events of
its own, \`ingest\` to handing in. People may log in instead: the session's cookie stands for the token, and changes then
need the browser's word (\`Sec-Fetch-Site\`, else \`Origin\`) that the page is Daybook's own. A request that comes
through a proxy (\`Forwarded\`, \`X-Forwarded-For\`) does not count as from this machine.

## Changes

A change and its event of kind \`admin\` commit together or not at all; where the event cannot be written, nothing is
changed and the answer is 503. \`old_values\` and \`new_values\` hold what differs, secrets as flags. A request that
changes nothing leaves an event of the same kind and action with its failure. Bodies are JSON; members that a path does
not know are refused, and so is what looks like a secret where none belongs.

## Queries

Different parameters narrow one another; a repeated one means any of its values. An empty value (\`model=\`) asks for
events that have none. A star stands for anything (\`model=gpt-*\`); \`\\*\` for a star itself. \`!=\` leaves out
(\`model!=gpt-*\`, \`model!=\`: has a model), \`>\`, \`>=\`, \`<\`, \`<=\` compare numbers and times
(\`total_tokens>=1000\`), and \`..\` lies between (\`status_code=400..499\`), both ends included.
Events of kind \`system\` show only with \`include=system\` or a \`kind\`. Any other
parameter is refused, by name. Whole numbers are written in digits, booleans \`true\` or \`false\`, and
times as in \`since\`. In a URL, \`+\` is written \`%2B\`; in a time a plain \`+\` is understood too.

\`q\` holds the same as one line of text, as the command line and the dashboard take it:

\`\`\`
status:error model:claude-* tokens>1000 since:2h
status:(error timeout) -model:gpt-* endpoint:/v1/chat/completions
"rate limit" user:ana policy:denied since:2026-01-30 until:2026-01-31T12:00:00+01:00
\`\`\`

Terms narrow one another. \`name:value\` asks for a value, \`name:(one other)\` for any of several, \`name:""\` for none;
\`-\` before a term leaves out what it finds. What stands after the \`:\` reaches to the next space, so times and paths
need no quotes; spaces and parentheses do. A word by itself is \`text\`.

${table(["parameter", "for", "about"], PARAMETERS.map(parameterRow))}

## Pages

Follow \`Link: <…>; rel="next"\` until it is missing: each event shows once, also while others arrive. The link keeps
all parameters and makes \`since\` and \`until\` absolute; \`limit\` may be changed on the way.

## What reading leaves in the trail

A query leaves one event of kind \`system\`, action \`queried\`, with the names of its filters and never their values.
Further pages leave none, when their cursor is followed with the same token and filters before Daybook restarts; else
they are a query of their own. Refusals leave one each; of those without a known holder, what comes beyond sixty a
minute from one address is counted together (\`count\`). Unknown paths and wrong methods are events of kind \`api\`,
action \`request\`. ${unaudited()} leave no event.

## Errors

Errors are \`application/problem+json\` (RFC 9457): \`type\`, \`title\`, \`status\`, \`detail\` (what happened and what to do),
\`instance\` (the event of this very error), and besides \`code\` (see [errors.md](errors.md)) and \`request_id\`.
`;
}

function routeRow({ method, path, takes, query, body, access, about }: Route): string[] {
  const names = (schema: Route["body"]) => Object.keys(schema?.shape ?? {}).map((name) => `\`${name}\``);
  const taken = [...(takes === undefined ? [] : [takes]), ...names(query), ...names(body)];
  return [method, `\`${path}\``, taken.join(", "), accessText(access), about];
}

function accessText(access: Access): string {
  return typeof access === "string" ? ACCESS[access] : access.map((grant) => `\`${grant}\``).join(" or ");
}

function parameterRow({ name, part, about }: ParameterSpec): string[] {
  return [`\`${name}\``, part === "page" ? "lists" : "all", about];
}

function unaudited(): string {
  const paths = ROUTES.filter(({ audit, changes }) => audit === null && changes === undefined).map(
    ({ path }) => `\`${path}\``,
  );
  return new Intl.ListFormat("en").format(paths);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
