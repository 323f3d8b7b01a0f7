// A small MCP server on the official SDK 2.x, for tests: `node sdk-server.mjs stateless|both PORT`, or `… stdio`.
// It offers a call of each kind and each kind of failure, and tells on standard error what was called.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const engine = createRequire(new URL("../engines/package.json", import.meta.url));
const { acceptedContent, createMcpHandler, inputRequired, McpServer, ResourceTemplate } = engine(
  "@modelcontextprotocol/server",
);
const { toNodeHandler } = engine("@modelcontextprotocol/node");
const z = engine("zod");

const said = (text) => ({ content: [{ type: "text", text }] });

function build() {
  const server = new McpServer({ name: "sdk-server", version: "1.0.0" });
  const called = (what) => process.stderr.write(`called ${what}\n`);
  server.registerTool(
    "echo",
    { description: "Says it again.", inputSchema: z.object({ text: z.string() }) },
    ({ text }) => {
      called("echo");
      return said(text);
    },
  );
  server.registerTool(
    "login",
    {
      description: "Takes what is marked as a secret by its schema alone.",
      inputSchema: z.object({
        name: z.string(),
        phrase: z.string().meta({ writeOnly: true }),
        pin: z.string().meta({ format: "password" }),
        note: z.string().meta({ sensitive: true }),
      }),
    },
    () => said("in"),
  );
  server.registerTool("fail", { description: "Fails.", inputSchema: z.object({}) }, () => ({
    ...said("no"),
    isError: true,
  }));
  server.registerTool("throw", { description: "Throws.", inputSchema: z.object({}) }, () => {
    throw new Error("thrown");
  });
  server.registerTool(
    "slow",
    { description: "Reports progress until it is called off.", inputSchema: z.object({ steps: z.number() }) },
    async ({ steps }, context) => {
      const { progressToken } = context.mcpReq._meta ?? {};
      for (let step = 1; step <= steps && !context.mcpReq.signal.aborted; step++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (progressToken === undefined) continue;
        const params = { progressToken, progress: step, total: steps };
        await context.mcpReq.notify({ method: "notifications/progress", params });
      }
      return said("done");
    },
  );
  server.registerTool(
    "ask",
    { description: "Needs an answer of the user.", inputSchema: z.object({}) },
    (_given, context) => {
      const answer = acceptedContent(context.mcpReq.inputResponses, "color");
      if (answer !== undefined) return said(String(answer.color));
      const requestedSchema = { type: "object", properties: { color: { type: "string" } } };
      return inputRequired({
        inputRequests: { color: inputRequired.elicit({ message: "Which color?", requestedSchema }) },
        requestState: "state-of-the-first-round",
      });
    },
  );
  server.registerResource("index", "note://index", {}, (uri) => ({
    contents: [{ uri: uri.href, text: "the index" }],
  }));
  server.registerResource(
    "note",
    new ResourceTemplate("note://notes/{id}", { list: undefined }),
    {},
    (uri) => ({ contents: [{ uri: uri.href, text: "a note" }] }),
  );
  server.registerPrompt("greet", { argsSchema: z.object({ who: z.string() }) }, ({ who }) => ({
    messages: [{ role: "user", content: { type: "text", text: `Greet ${who}.` } }],
  }));
  return server;
}

const [era, port] = process.argv.slice(2);
if (era === "stdio") {
  const { serveStdio } = engine("@modelcontextprotocol/server/stdio");
  serveStdio(build);
} else {
  const handler = toNodeHandler(createMcpHandler(build, era === "stateless" ? { legacy: "reject" } : {}));
  createServer((request, response) => handler(request, response)).listen(Number(port), "127.0.0.1", () => {
    process.stderr.write("listening\n");
  });
}
