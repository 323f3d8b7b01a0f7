// The two ways in from a shell: the standalone simulator and the verb `replay`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { replayCommand } from "../../src/cli/replay.ts";
import { openSimulator } from "../../src/simulator/simulator.ts";

const MAIN = fileURLToPath(new URL("../../src/simulator/main.ts", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "daybook-replay-"));
after(() => rm(folder, { recursive: true }));

async function fileOf(...lines: string[]): Promise<string> {
  const file = join(folder, "traffic.csv");
  await writeFile(file, ["TIMESTAMP,ContextTokens,GeneratedTokens", ...lines].join("\n"));
  return file;
}

/** Runs the verb in this process: what it said, and the exit code that it set. */
async function run(
  ...args: string[]
): Promise<{ out: string; error: string; code: number | string | undefined }> {
  let out = "";
  let error = "";
  const command = replayCommand({ apiKey: undefined })
    .configureOutput({
      writeOut: (text) => {
        out += text;
      },
      writeErr: (text) => {
        error += text;
      },
    })
    .exitOverride();
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await command.parseAsync(args, { from: "user" });
    return { out, error, code: process.exitCode };
  } catch (thrown) {
    return { out, error, code: (thrown as { exitCode: number }).exitCode };
  } finally {
    process.exitCode = before;
  }
}

test("replay prints the sums of the answers and sets no exit code when all went well", async () => {
  await using simulator = await openSimulator();
  const file = await fileOf(
    "2023-11-16 18:15:46.68,1000,40",
    "2023-11-16 18:15:47,500,3",
    "2023-11-16 18:15:48,9,9",
  );
  const { out, error, code } = await run(file, "--url", simulator.url, "--limit", "2");
  assert.match(out, /^requests +2$/m);
  assert.match(out, /^failed +0$/m);
  assert.match(out, /^prompt tokens +1,500$/m);
  assert.match(out, /^completion tokens +43$/m);
  assert.match(out, /^rate .* requests\/s for /m);
  assert.equal(error, "");
  assert.equal(code, undefined);
});

test("replay exits with 1 when a request failed, and says how", async () => {
  await using simulator = await openSimulator({ defaults: { status: 503 } });
  const { out, code } = await run(await fileOf("2023-11-16 18:15:46,1,1"), "--url", simulator.url);
  assert.match(out, /^failed +1 \(1 × 503\)$/m);
  assert.equal(code, 1);
});

test("replay refuses a bad row by its line before anything is sent", async () => {
  await using simulator = await openSimulator();
  const file = await fileOf("2023-11-16 18:15:46,1,1", "2023-11-16 18:15:46,1");
  const { error, code } = await run(file, "--url", simulator.url);
  assert.match(error, /Line 3: .* Nothing was sent\./);
  assert.equal(code, 1);
  assert.equal(simulator.counts.requests, 0);
});

test("replay refuses a missing file and values that make no sense", async () => {
  assert.match((await run(join(folder, "none.csv"))).error, /there is no such file/);
  const file = await fileOf("2023-11-16 18:15:46,1,1");
  for (const [flag, value] of [
    ["--url", "ftp://host"],
    ["--url", "here"],
    ["--speed", "0"],
    ["--speed", "fast"],
    ["--concurrency", "0"],
    ["--limit", "1.5"],
  ] as const) {
    const { error, code } = await run(file, flag, value);
    assert.match(error, new RegExp(`option '${flag} .*' argument '${value}' is invalid`));
    assert.equal(code, 1);
  }
});

test("the standalone simulator prints its URL as one line and ends cleanly on SIGTERM", async () => {
  const child = spawn(process.execPath, [MAIN, "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  await once(child.stdout, "data");
  assert.match(out, /^http:\/\/127\.0\.0\.1:\d+\n$/);
  const models = await fetch(`${out.trim()}/v1/models`);
  assert.equal(models.status, 200);
  await models.text();
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
  assert.match(out, /^\S+\n$/);
});
