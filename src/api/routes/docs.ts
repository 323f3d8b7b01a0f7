// The API about itself: its OpenAPI description, and that as a page. Everything that the page needs comes from here,
// and its policy lets it fetch from nowhere else.
import { readFile } from "node:fs/promises";
import { openApiOf } from "../openapi.ts";
import { type Call, type Route, route } from "../route.ts";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Daybook API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });\n`;
// The library sets styles in elements.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** Files that the package brings. */
const LIBRARY = [
  {
    name: "swagger-ui.css",
    type: "text/css",
    url: import.meta.resolve("@fastify/swagger-ui/static/swagger-ui.css"),
  },
  {
    name: "swagger-ui-bundle.js",
    type: "text/javascript",
    url: import.meta.resolve("@fastify/swagger-ui/static/swagger-ui-bundle.js"),
  },
] as const;
const CACHED = "public, max-age=3600";

const OPEN = { method: "GET", access: "anyone", audit: null } as const;

/** `described`: the routes that the description tells of. */
export function docsRoutes(described: () => readonly Route[]): Route[] {
  return [
    route({
      ...OPEN,
      path: "/openapi.json",
      about: "The OpenAPI 3.1 description of these paths.",
      answer: async ({ parts }) => openApiOf(described(), parts.version),
    }),
    route({
      ...OPEN,
      path: "/docs",
      about: "The same as a page, to read and to try.",
      async answer({ reply }) {
        reply.type("text/html; charset=utf-8").header("content-security-policy", POLICY);
        return PAGE;
      },
    }),
    route({
      ...OPEN,
      path: "/docs/start.js",
      about: "Part of the page.",
      answer: (call) => file(call, "text/javascript", async () => START),
    }),
    ...LIBRARY.map(({ name, type, url }) =>
      route({
        ...OPEN,
        path: `/docs/${name}`,
        about: "Part of the page.",
        answer: (call) => file(call, type, () => readFile(new URL(url))),
      }),
    ),
  ];
}

async function file(
  { reply }: Call<undefined, undefined>,
  type: string,
  read: () => Promise<string | Buffer>,
): Promise<string | Buffer> {
  reply.type(`${type}; charset=utf-8`).header("cache-control", CACHED);
  return read();
}
