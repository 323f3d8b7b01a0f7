// The first start with what the environment tells of: providers and routes that work at once, said plainly.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load-config.ts";
import { openServer } from "../../src/server/server.ts";
import { ADMIN_TOKEN, API_KEY, chat } from "../support/daybook.ts";
import { startJsonUpstream } from "../support/json-upstream.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
const ANSWER = {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "llama3",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const environment = (home: string, more: Record<string, string>) => ({
  DAYBOOK_HOME: home,
  DAYBOOK_LISTEN: "127.0.0.1:0",
  DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
  DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
  ...more,
});

test("OLLAMA_HOST alone makes a Daybook that serves its models, now and after the next start", async (t) => {
  const { url, asked } = await startJsonUpstream(t, () => ({ body: ANSWER }));
  const home = tempFolder();
  const start = async (env: Record<string, string>) => {
    const config = await loadConfig({ env: environment(home, env), cwd: home, homedir: home, flags: {} });
    const server = await openServer(config);
    t.after(() => server.close(0));
    return server;
  };
  const first = await start({ OLLAMA_HOST: url.replace("http://", "") });
  assert.deepEqual([first.found.map(({ variable }) => variable), first.simulated], [["OLLAMA_HOST"], false]);
  assert.equal((await chat(first.url, { model: "llama3" })).status, 200);
  await first.close(0);
  const second = await start({ OPENAI_API_KEY: "sk-later" });
  assert.deepEqual(second.found, [], "there is a provider already");
  assert.equal((await chat(second.url, { model: "gemma" })).status, 200);
  assert.deepEqual(
    asked.map(({ path }) => path),
    ["/v1/chat/completions", "/v1/chat/completions"],
  );
});

test("serve says what it found, keeps the keys encrypted, and reads its file again at SIGHUP", async (t) => {
  const home = tempFolder();
  const env = environment(home, {
    OPENAI_API_KEY: "sk-canary-openai",
    ANTHROPIC_API_KEY: "sk-canary-anthropic",
  });
  const child: ChildProcess = spawn(process.execPath, [BIN, "serve"], {
    cwd: home,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const said = { out: "", err: "" };
  child.stdout?.on("data", (text) => {
    said.out += text;
  });
  child.stderr?.on("data", (text) => {
    said.err += text;
  });
  await until(() => /ANTHROPIC_API_KEY: .*\n/.test(said.out), 30_000);
  assert.match(said.out, /OPENAI_API_KEY: provider openai, for the models gpt-\*, /);
  assert.match(said.out, /ANTHROPIC_API_KEY: provider anthropic, for the models claude-\*\n/);
  assert.doesNotMatch(said.out, /canary|simulation/);
  child.kill("SIGHUP");
  await until(() => said.err.includes("Configuration read again: nothing differs."));
  child.kill("SIGTERM");
  await once(child, "exit");
  const files = readdirSync(home, { recursive: true })
    .map(String)
    .filter((file) => statSync(join(home, file)).isFile());
  assert.ok(files.includes("secret.key"));
  for (const file of files) assert.doesNotMatch(readFileSync(join(home, file), "latin1"), /canary/, file);
});
