// A server of the sessions era on the official SDK 1.x, with what the conformance suite asks a server for:
// `node conformance-server.mjs PORT`. Streams can be gone on with; one tool cuts its own.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const engine = createRequire(new URL("../engines/package.json", import.meta.url));
const { McpServer, ResourceTemplate } = engine("@modelcontextprotocol/sdk/server/mcp.js");
const { StreamableHTTPServerTransport } = engine("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { completable } = engine("@modelcontextprotocol/sdk/server/completable.js");
const { CreateMessageResultSchema, ElicitResultSchema, SubscribeRequestSchema, UnsubscribeRequestSchema } =
  engine("@modelcontextprotocol/sdk/types.js");
const z = engine("zod");

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
const text = (said) => ({ type: "text", text: said });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function tools(server) {
  const tool = (name, inputSchema, run) => server.registerTool(name, { description: name, inputSchema }, run);
  const plain = (name, ...content) => tool(name, {}, () => ({ content }));
  const resource = (uri) => ({
    type: "resource",
    resource: { uri, mimeType: "text/plain", text: "embedded" },
  });
  plain("test_simple_text", text("This is a simple text response for testing."));
  plain("test_image_content", image);
  plain("test_audio_content", { type: "audio", data: SOUND, mimeType: "audio/wav" });
  plain("test_embedded_resource", resource("test://embedded-resource"));
  plain(
    "test_multiple_content_types",
    text("Multiple content types test:"),
    image,
    resource("test://mixed-content-resource"),
  );
  tool("test_error_handling", {}, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  tool("test_tool_with_logging", {}, async (_given, { sendNotification }) => {
    for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await sendNotification({ method: "notifications/message", params: { level: "info", data } });
      await wait(20);
    }
    return { content: [text("logged")] };
  });
  tool("test_tool_with_progress", {}, async (_given, { sendNotification, _meta }) => {
    for (const progress of [0, 50, 100]) {
      const params = { progressToken: _meta?.progressToken ?? 0, progress, total: 100 };
      await sendNotification({ method: "notifications/progress", params });
      await wait(20);
    }
    return { content: [text("done")] };
  });
  tool("test_sampling", { prompt: z.string() }, async ({ prompt }, { sendRequest }) => {
    const messages = [{ role: "user", content: text(prompt) }];
    const asked = { method: "sampling/createMessage", params: { messages, maxTokens: 100 } };
    const { content } = await sendRequest(asked, CreateMessageResultSchema);
    return { content: [text(`LLM response: ${content.text}`)] };
  });
  const elicits = (name, properties, required) =>
    tool(name, name === "test_elicitation" ? { message: z.string() } : {}, async (given, { sendRequest }) => {
      const requestedSchema = { type: "object", properties, ...(required ? { required } : {}) };
      const params = { message: given.message ?? "Please choose.", requestedSchema };
      const answer = await sendRequest({ method: "elicitation/create", params }, ElicitResultSchema);
      return { content: [text(`${answer.action} ${JSON.stringify(answer.content ?? {})}`)] };
    });
  elicits("test_elicitation", { username: { type: "string" }, email: { type: "string" } }, [
    "username",
    "email",
  ]);
  elicits("test_elicitation_sep1034_defaults", {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  });
  const options = ["option1", "option2", "option3"];
  const titled = options.map((value) => ({ const: value, title: `Title of ${value}` }));
  elicits("test_elicitation_sep1330_enums", {
    untitledSingle: { type: "string", enum: options },
    titledSingle: { type: "string", oneOf: titled },
    legacyEnum: { type: "string", enum: options, enumNames: options.map((value) => `Name of ${value}`) },
    untitledMulti: { type: "array", items: { type: "string", enum: options } },
    titledMulti: { type: "array", items: { anyOf: titled } },
  });
  tool("test_reconnection", {}, async (_given, { closeSSEStream }) => {
    closeSSEStream?.();
    await wait(100);
    return { content: [text("answered after the stream was gone on with")] };
  });
}

function resources(server) {
  const text = (uri, said) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: said }] });
  server.registerResource("static-text", "test://static-text", { mimeType: "text/plain" }, (uri) =>
    text(uri, "static"),
  );
  server.registerResource("static-binary", "test://static-binary", { mimeType: "image/png" }, (uri) => ({
    contents: [{ uri: uri.href, mimeType: "image/png", blob: PIXEL }],
  }));
  server.registerResource("watched", "test://watched-resource", {}, (uri) => text(uri, "watched"));
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource("template", template, {}, (uri, { id }) =>
    text(uri, JSON.stringify({ id, data: `Data for ID: ${id}` })),
  );
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
}

function prompts(server) {
  const says = (...contents) => ({ messages: contents.map((content) => ({ role: "user", content })) });
  server.registerPrompt("test_simple_prompt", { description: "Simple." }, () =>
    says(text("This is a simple prompt for testing.")),
  );
  const word = () =>
    completable(z.string(), (value) => ["paris", "park"].filter((each) => each.startsWith(value)));
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "Takes two.", argsSchema: { arg1: word(), arg2: word() } },
    ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "Embeds.", argsSchema: { resourceUri: z.string() } },
    ({ resourceUri: uri }) =>
      says(
        { type: "resource", resource: { uri, mimeType: "text/plain", text: "embedded" } },
        text("Please process it."),
      ),
  );
  server.registerPrompt("test_prompt_with_image", { description: "Shows." }, () =>
    says(image, text("Please analyze it.")),
  );
}

/** Events that were sent, by id, for streams that are gone on with. */
function eventStore() {
  const events = [];
  return {
    async storeEvent(streamId, message) {
      events.push({ id: `${streamId}_${events.length}`, streamId, message });
      return events.at(-1).id;
    },
    async replayEventsAfter(lastId, { send }) {
      const from = events.findIndex(({ id }) => id === lastId);
      const { streamId } = events[from];
      for (const event of events.slice(from + 1))
        if (event.streamId === streamId) await send(event.id, event.message);
      return streamId;
    },
  };
}

const sessions = new Map();

async function transportOf({ headers }) {
  const known = sessions.get(headers["mcp-session-id"]);
  if (known !== undefined) return known;
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: eventStore(),
    retryInterval: 50,
    enableDnsRebindingProtection: true,
    allowedOrigins: [`http://127.0.0.1:${process.argv[2]}`, `http://localhost:${process.argv[2]}`],
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  const server = new McpServer(
    { name: "conformance-server", version: "1.0.0" },
    { capabilities: { logging: {}, resources: { subscribe: true } } },
  );
  for (const offer of [resources, tools, prompts]) offer(server);
  await server.connect(transport);
  return transport;
}

createServer(async (request, response) => {
  const transport = await transportOf(request);
  await transport.handleRequest(request, response);
}).listen(Number(process.argv[2]), "127.0.0.1", () => process.stderr.write("listening\n"));
