// Canaries of MCP: unique strings wherever content or secrets can stand in a call and in its answer, and then none of
// them in any byte that Daybook keeps or shows; but what stands under ordinary names of arguments, as far as the mode has it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { postMcp } from "../mcp/call.ts";
import { startDaybook, type TestDaybook } from "../support/daybook.ts";
import { startUpstream } from "../support/upstream.ts";

class Plants {
  readonly hidden: string[] = [];
  /** Under ordinary names: kept in mode `redacted` alone. */
  readonly plain: string[] = [];

  secret = (place: string) => plant(this.hidden, place);
  ordinary = (place: string) => plant(this.plain, place);
}

let planted = 0;
function plant(list: string[], place: string): string {
  const text = `CNRY${planted++}x${place}xYRNC`;
  list.push(text);
  return text;
}

const TOOLS = ["act", "stream", "fail", "error", "broken"];
const SCHEMA = {
  type: "object",
  properties: {
    phrase: { type: "string", sensitive: true },
    code: { type: "string", writeOnly: true },
    pin: { type: "string", format: "password" },
    deep: {
      type: "object",
      properties: { inner: { type: "array", items: { type: "string", "x-sensitive": true } } },
    },
  },
};

function given({ secret, ordinary }: Plants) {
  return {
    city: ordinary("city"),
    nested: { street: ordinary("street"), list: [{ number: ordinary("number") }], max_tokens: 7 },
    password: secret("password"),
    apiKey: secret("apikey"),
    headers: { Authorization: `Bearer ${secret("bearer")}`, Cookie: `session=${secret("cookie")}` },
    credentials: { user: secret("user"), list: [secret("credential")] },
    phrase: secret("sensitive"),
    code: secret("writeonly"),
    pin: secret("formatpassword"),
    deep: { inner: [secret("deepsensitive")] },
    url: `https://anna:${secret("urlpassword")}@example.com/`,
    text: `-----BEGIN PRIVATE KEY-----\n${secret("pem")}\n-----END PRIVATE KEY-----`,
  };
}

/** Everything that is sent, and everything that is answered, full of canaries. */
async function traffic(
  t: Parameters<typeof startUpstream>[0],
  plants: Plants,
  mode: string,
): Promise<TestDaybook> {
  const { secret } = plants;
  const content = () => [
    { type: "text", text: secret("result") },
    { type: "resource", resource: { uri: secret("resulturi"), text: secret("resulttext") } },
  ];
  const server = await startUpstream(t, (response, { body }) => {
    const { id, method, params } = JSON.parse(body.toString()) as {
      id?: unknown;
      method: string;
      params?: { name?: string };
    };
    const answers: Record<string, object> = {
      "tools/list": {
        tools: TOOLS.map((name) => ({ name, description: secret("description"), inputSchema: SCHEMA })),
      },
      "resources/templates/list": {
        resourceTemplates: [{ uriTemplate: "note://{id}", name: secret("templatename") }],
      },
      "resources/read": {
        contents: [
          { uri: "note://1", text: secret("resource") },
          { uri: "note://1", blob: secret("blob") },
        ],
      },
      "prompts/get": {
        description: secret("promptdescription"),
        messages: [{ role: "user", content: { type: "text", text: secret("prompttext") } }],
      },
      "tools/call": {
        content: content(),
        structuredContent: { x: secret("structured") },
        _meta: { y: secret("resultmeta") },
        isError: params?.name === "fail",
      },
    };
    const error = { code: -32_000, message: secret("errortext"), data: { x: secret("errordata") } };
    const answer =
      params?.name === "error"
        ? { jsonrpc: "2.0", id, error }
        : { jsonrpc: "2.0", id, result: answers[method] ?? {} };
    const headers = { "x-secret": secret("answerheader"), "set-cookie": `s=${secret("setcookie")}` };
    if (params?.name === "broken") return void response.writeHead(500, headers).end(secret("body"));
    if (params?.name !== "stream")
      return void response
        .writeHead(200, { ...headers, "content-type": "application/json" })
        .end(JSON.stringify(answer));
    const notice = {
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { data: secret("notification") },
    };
    response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    response.end(
      `: ${secret("comment")}\n\nid: ${secret("eventid")}\ndata: ${JSON.stringify(notice)}\n\ndata: ${JSON.stringify(answer)}\n\n`,
    );
  });
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: canary, url: "${server.url}/mcp", headers: { X-Own: "${secret("ownheader")}" } }] }\naudit: { mcp: { arguments: ${mode} } }\n`,
  });
  const send = (method: string, params: object, query = "") =>
    postMcp(
      daybook.url,
      { jsonrpc: "2.0", id: secret("id"), method, params },
      {
        path: `/mcp/canary${query}`,
        headers: {
          "x-other": secret("header"),
          cookie: `a=${secret("sentcookie")}`,
          "user-agent": secret("agent"),
        },
      },
    );
  const _meta = {
    progressToken: secret("progresstoken"),
    note: secret("meta"),
    "daybook/parent_event_id": secret("parent"),
    traceparent: secret("trace"),
  };
  // In one mode the client has its list from elsewhere: Daybook asks for it.
  if (mode !== "redacted") await send("tools/list", {});
  await send("resources/templates/list", {});
  for (const name of TOOLS)
    await send(
      "tools/call",
      { name, arguments: given(plants), _meta, other: secret("param") },
      `?q=${secret("query")}`,
    );
  await send("resources/read", { uri: `note://${secret("uri")}`, _meta });
  await send("prompts/get", {
    name: "greet",
    arguments: { who: plants.ordinary("who"), token: secret("prompttoken") },
    _meta,
  });
  await send("completion/complete", {
    ref: { type: "ref/prompt", name: secret("ref") },
    argument: { name: secret("argument"), value: secret("value") },
  });
  await send(`x/${secret("method")}`, { text: secret("unknownparam") });
  await postMcp(
    daybook.url,
    `{"jsonrpc":"2.0","id":1,"method":"${secret("badmethod")}","x":"${secret("bad")}",}`,
    { path: "/mcp/canary" },
  );
  await postMcp(daybook.url, "{}", { path: `/mcp/${secret("server")}` });
  await daybook.settle();
  return daybook;
}

async function kept(daybook: TestDaybook): Promise<string> {
  const files = readdirSync(daybook.home, { recursive: true })
    .map((name) => join(daybook.home, String(name)))
    // The file that people wrote is theirs.
    .filter((path) => !path.endsWith("daybook.yaml"))
    .flatMap(bytesOf);
  const shown = ["/metrics", "/admin/audit-logs?include=system&limit=1000", "/admin/mcp/servers"].map(
    async (path) => (await daybook.get(path)).text,
  );
  return [...files, ...(await Promise.all(shown))].join("\n");
}

/** Nothing of a folder, nor of a file that is gone meanwhile: a newer one, which is read, is in its place. */
function bytesOf(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) return [];
  try {
    return [readFileSync(path, "latin1")];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

for (const mode of ["redacted", "shape", "none"] as const) {
  test(`nothing of calls and answers is kept but what ordinary arguments are, in mode ${mode}`, async (t) => {
    const plants = new Plants();
    const daybook = await traffic(t, plants, mode);
    const text = await kept(daybook);
    assert.ok(plants.hidden.length > 60);
    assert.deepEqual(
      plants.hidden.filter((secret) => text.includes(secret)),
      [],
    );
    const stored = plants.plain.filter((word) => text.includes(word));
    assert.deepEqual(stored, mode === "redacted" ? plants.plain : []);
    const [event] = await daybook.events("name=act");
    const input = JSON.parse(event?.input_json ?? "null") as { nested?: { max_tokens?: unknown } } | null;
    if (mode === "none") assert.equal(input, null);
    else assert.ok(input !== null && "nested" in input);
    if (mode === "redacted") assert.equal(input?.nested?.max_tokens, 7);
  });
}
