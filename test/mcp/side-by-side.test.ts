// Official clients of both generations and the conformance suite, straight to a server and through Daybook: the results
// are the same, and every call has its event. Writes the table of docs/guides/mcp.md, which must be as it is there.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import {
  ENGINES,
  EVERYTHING_STDIO,
  SDK_STDIO,
  startConformanceServer,
  startEverything,
  startSdkServer,
} from "./servers.ts";

/** The clients' shape, as far as these tests use it: the packages are fetched for tests alone. */
interface Client {
  connect(transport: object): Promise<void>;
  close(): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  listPrompts(): Promise<unknown>;
  listResourceTemplates(): Promise<unknown>;
  callTool(call: object, ...options: readonly unknown[]): Promise<unknown>;
  readResource(read: object): Promise<unknown>;
  getPrompt(get: object): Promise<unknown>;
  setRequestHandler(what: unknown, handle: () => unknown): void;
}
type Make<T> = new (...given: readonly unknown[]) => T;

const engine = createRequire(join(import.meta.dirname, "../engines/package.json"));
const old = {
  Client: (engine("@modelcontextprotocol/sdk/client/index.js") as { Client: Make<Client> }).Client,
  Http: (
    engine("@modelcontextprotocol/sdk/client/streamableHttp.js") as {
      StreamableHTTPClientTransport: Make<object>;
    }
  ).StreamableHTTPClientTransport,
  Stdio: (engine("@modelcontextprotocol/sdk/client/stdio.js") as { StdioClientTransport: Make<object> })
    .StdioClientTransport,
};
const modern = {
  Client: (engine("@modelcontextprotocol/client") as { Client: Make<Client> }).Client,
  Http: (engine("@modelcontextprotocol/client") as { StreamableHTTPClientTransport: Make<object> })
    .StreamableHTTPClientTransport,
  Stdio: (engine("@modelcontextprotocol/client/stdio") as { StdioClientTransport: Make<object> })
    .StdioClientTransport,
};
const { ElicitRequestSchema } = engine("@modelcontextprotocol/sdk/types.js") as {
  ElicitRequestSchema: unknown;
};
const GENERATIONS = { "sdk 1.x": old, "client 2.x": modern } as const;
type Generation = keyof typeof GENERATIONS;

const ROOT = join(import.meta.dirname, "../..");
const GUIDE = join(ROOT, "docs/guides/mcp.md");

const closers: (() => unknown)[] = [];
const t = { after: (close: unknown) => void closers.push(close as () => unknown) } as never;
let daybook: TestDaybook;
let urls: Record<"everything" | "stateless" | "both" | "conformance", string>;
const rows: string[] = [];

before(async () => {
  const [everything, stateless, both, conformance] = await Promise.all([
    startEverything(t),
    startSdkServer(t, "stateless"),
    startSdkServer(t, "both"),
    startConformanceServer(t),
  ]);
  urls = {
    everything: everything.url,
    stateless: stateless.url,
    both: both.url,
    conformance: conformance.url,
  };
  const servers = Object.entries(urls).map(([name, url]) => `{ name: ${name}, url: "${url}" }`);
  daybook = await startDaybook(t, { yaml: `mcp: { servers: [${servers.join(", ")}] }\n` });
});

after(async () => {
  for (const close of closers.reverse()) await close();
});

function clientOf(generation: Generation): Client {
  const { Client } = GENERATIONS[generation];
  const client = new Client(
    { name: "side-by-side", version: "1.0.0" },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: "auto" } },
  );
  client.setRequestHandler(generation === "sdk 1.x" ? ElicitRequestSchema : "elicitation/create", () => ({
    action: "accept",
    content: { color: "green" },
  }));
  return client;
}

function httpTo(generation: Generation, url: string): object {
  const { Http } = GENERATIONS[generation];
  return new Http(new URL(url), { requestInit: { headers: { authorization: `Bearer ${API_KEY}` } } });
}

type Step = (client: Client, progress: unknown[]) => Promise<unknown>;

/** What a client does with a server; each step's result, or how it failed. */
const EVERYTHING_STEPS: readonly Step[] = [
  async (client) => (await client.listTools()).tools.map(({ name }) => name),
  (client) => client.listPrompts(),
  (client) => client.listResourceTemplates(),
  (client) => client.callTool({ name: "echo", arguments: { message: "Grüße" } }),
  (client) => client.callTool({ name: "get-sum", arguments: { a: 1, b: 2 } }),
  (client) => client.callTool({ name: "get-tiny-image", arguments: {} }),
  (client) => client.callTool({ name: "get-structured-content", arguments: { location: "Chicago" } }),
  (client) => client.callTool({ name: "nobody-has-this", arguments: {} }),
  (client) => client.readResource({ uri: "demo://resource/static/document/architecture.md" }),
  (client) => client.readResource({ uri: "demo://resource/nothing" }),
  (client) => client.getPrompt({ name: "simple-prompt" }),
  (client) => client.getPrompt({ name: "nobody-has-this" }),
];
const SDK_STEPS: readonly Step[] = [
  async (client) => (await client.listTools()).tools.map(({ name }) => name),
  (client) => client.listResourceTemplates(),
  (client) => client.callTool({ name: "echo", arguments: { text: "Grüße" } }),
  (client) => client.callTool({ name: "fail", arguments: {} }),
  (client) => client.callTool({ name: "throw", arguments: {} }),
  (client) => client.callTool({ name: "ask", arguments: {} }),
  (client) => client.callTool({ name: "nobody-has-this", arguments: {} }),
  (client) => client.readResource({ uri: "note://notes/7" }),
  (client) => client.readResource({ uri: "note://nothing" }),
  (client) => client.getPrompt({ name: "greet", arguments: { who: "Ana" } }),
];
/** Of the steps, those that leave an event: all but the lists. */
const events = (steps: readonly Step[], lists: number) => steps.length - lists;

async function results(
  generation: Generation,
  transport: object,
  steps: readonly Step[],
): Promise<unknown[]> {
  const client = clientOf(generation);
  const found: unknown[] = [];
  try {
    await client.connect(transport);
  } catch (error) {
    return [`no connection: ${(error as { code?: unknown }).code}`];
  }
  for (const step of steps) {
    try {
      found.push(await step(client, []));
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      found.push({ code, message });
    }
  }
  await client.close();
  return found;
}

async function callsOf(server: string): Promise<number> {
  return (await daybook.events(`kind=mcp&provider=${server}`)).length;
}

for (const generation of ["sdk 1.x", "client 2.x"] as const) {
  for (const [server, steps, lists] of [
    ["everything", EVERYTHING_STEPS, 3],
    ["both", SDK_STEPS, 2],
    ["stateless", SDK_STEPS, 2],
  ] as const) {
    test(`${generation} over HTTP: the same results from ${server}, and an event for each call`, async () => {
      const straight = await results(generation, httpTo(generation, urls[server]), steps);
      const calls = await callsOf(server);
      const through = await results(generation, httpTo(generation, `${daybook.url}/mcp/${server}`), steps);
      assert.deepEqual(through, straight);
      // A client that asks the user in between asks twice.
      const rounds =
        JSON.stringify(straight).includes("green") && generation === "client 2.x" && server !== "everything"
          ? 1
          : 0;
      const isConnected = straight.length > 1;
      assert.equal((await callsOf(server)) - calls, isConnected ? events(steps, lists) + rounds : 0);
      row(generation, server, "HTTP", straight.length);
    });
  }
  for (const [server, command, steps, lists] of [
    ["everything", EVERYTHING_STDIO, EVERYTHING_STEPS, 3],
    ["both", SDK_STDIO, SDK_STEPS, 2],
  ] as const) {
    test(`${generation} over stdio: the same results from ${server}, and an event for each call`, async () => {
      const { Stdio } = GENERATIONS[generation];
      const [program, ...args] = command;
      const name = `stdio-${server}-${generation.replace(/\W/g, "")}`;
      const wrap = [join(ROOT, "bin/daybook.mjs"), "mcp", "wrap", "--server", name, "--", ...command];
      const env = { ...process.env, DAYBOOK_HOME: daybook.home };
      const straight = await results(
        generation,
        new Stdio({ command: program, args, stderr: "ignore" }),
        steps,
      );
      const wrapped = new Stdio({ command: process.execPath, args: wrap, env, stderr: "ignore" });
      assert.deepEqual(await results(generation, wrapped, steps), straight);
      const asked = JSON.stringify(straight).includes("green") && generation === "client 2.x" ? 1 : 0;
      await daybook.adopted();
      assert.equal(await callsOf(name), events(steps, lists) + asked);
      row(generation, server, "stdio", straight.length);
    });
  }
}

test("the conformance suite: the same checks pass, and the same fail", async () => {
  const straight = await conformance(urls.conformance);
  const through = await conformance(`${daybook.url}/mcp/conformance`);
  assert.deepEqual(through, straight);
  const passed = straight.filter((check) => check.endsWith("SUCCESS")).length;
  assert.ok(passed >= 38, `${passed} of ${straight.length} checks passed`);
  rows.push(
    `| conformance suite | conformance-server.mjs (sdk 1.x) | HTTP | ${straight.length} checks | the same |`,
  );
});

test("docs/guides/mcp.md has this table (else run the test with DAYBOOK_WRITE=1)", async () => {
  const table = [
    "| client | server | transport | compared | through Daybook |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
  const guide = readFileSync(GUIDE, "utf8");
  const written = guide.replace(/<!-- table -->[\s\S]*$/, `<!-- table -->\n\n${table}\n`);
  if (process.env.DAYBOOK_WRITE === "1") (await import("node:fs")).writeFileSync(GUIDE, written);
  else assert.equal(guide, written);
});

const NAMES = {
  everything: "server-everything",
  both: "sdk-server.mjs (server 2.x, both eras)",
  stateless: "sdk-server.mjs (server 2.x, 2026-07-28 alone)",
} as const;

function row(generation: Generation, server: keyof typeof NAMES, transport: string, steps: number): void {
  const compared = steps === 1 ? "refusal of the older version" : `${steps} results`;
  rows.push(`| ${generation} | ${NAMES[server]} | ${transport} | ${compared} | the same |`);
}

/** `check status`, sorted. The suite can send no key: a pipe before it does. */
async function conformance(url: string): Promise<string[]> {
  const target = new URL(url);
  const pipe = createServer((incoming, response) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${API_KEY}` };
    const { host: _, ...rest } = headers;
    const { hostname, port, pathname: path } = target;
    const origin = rest.origin?.replace(
      /^(http:\/\/(?:localhost|127\.0\.0\.1)):\d+$/,
      `$1:${new URL(urls.conformance).port}`,
    );
    const sent = { ...rest, ...(origin === undefined ? {} : { origin }) };
    const outgoing = request(
      { hostname, port, path, method: incoming.method ?? "GET", headers: sent },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  }).listen(0, "127.0.0.1");
  await once(pipe, "listening");
  const out = tempFolder();
  const { port } = pipe.address() as { port: number };
  const program = join(ENGINES, "@modelcontextprotocol/conformance/dist/index.js");
  const args = [program, "server", "--url", `http://127.0.0.1:${port}/mcp`, "--suite", "all", "-o", out];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await once(child, "exit");
  pipe.close();
  pipe.closeAllConnections();
  return readdirSync(out)
    .flatMap(
      (folder) =>
        JSON.parse(readFileSync(join(out, folder, "checks.json"), "utf8")) as {
          id: string;
          status: string;
        }[],
    )
    .map(({ id, status }) => `${id} ${status}`)
    .sort();
}
