// The command line: what it lists, sums up and exports by a filter, from a store here or from a server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PassThrough } from "node:stream";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { statsCommand } from "../../src/cli/stats.ts";
import type { AuditEvent } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { writeFilter } from "../../src/query/parameters.ts";
import { writeText } from "../../src/query/text.ts";
import { statsJson } from "../../src/read/sums-json.ts";
import { TOKENS } from "../api/served-api.ts";
import { runLog } from "../cli/screen.ts";
import { runCommand } from "../cli/written.ts";
import { assertSums, statsOf } from "../conformance/model.ts";
import { READERS } from "../read/export/readers.ts";
import { tempFolder } from "../support/temp.ts";
import { assertEvents, jsonOf } from "./world.ts";

const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
const MAX_OUTPUT_BYTES = 100_000_000;
const LOG_FLAGS = ["--json", "--limit", "20000"];
const NOWHERE = { cwd: "/", homedir: "/nowhere" };

/** As flags, or as words of a query. */
function argumentsOf(filter: EventFilter, index: number): string[] {
  if (index % 2 === 1) return ["--query", writeText(filter)];
  return [...writeFilter(filter)].flatMap(([name, value]) => ["--filter", `${name}=${value}`]);
}

/** Asks a server. */
export async function checkCli(
  url: string,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  const env = { DAYBOOK_URL: url, DAYBOOK_TOKEN: TOKENS.admin };
  const given = argumentsOf(filter, index);
  const message = given.join(" ");
  await checkLog(given, { env, now: Date.now }, expected, message);
  if (index % 2 === 0) {
    const stats = await runCommand(
      ({ out, err }: { out: PassThrough; err: PassThrough }) =>
        statsCommand({ env, ...NOWHERE, stdin: Readable.from([]), out, err, now: Date.now }),
      ["--json", ...given],
    );
    assertSums(JSON.parse(stats.out), statsJson(statsOf(expected)), message);
  } else {
    const file = join(tempFolder(), "events.csv");
    await runLog(["--export", file, ...given], { env, now: Date.now });
    assertEvents(await READERS.csv(readFileSync(file)), expected, message);
  }
}

/** A process of its own, in the zone of this one, asks a server. */
export async function checkProcess(
  url: string,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  const { PATH, TZ } = process.env;
  const env = { PATH, TZ, HOME: "/nowhere", DAYBOOK_URL: url, DAYBOOK_TOKEN: TOKENS.admin };
  const given = argumentsOf(filter, index);
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, "log", ...LOG_FLAGS, ...given], {
    env,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  assert.equal(stdout, linesOf(expected), given.join(" "));
}

/** Reads a store, which leaves events of the reading itself. */
export async function checkCliHere(
  address: string,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  const env = { DAYBOOK_HOME: tempFolder(), DAYBOOK_STORE: address };
  const own = "cli";
  const without = { ...filter, not: { ...filter.not, caller: [...(filter.not?.caller ?? []), own] } };
  const given = argumentsOf(without, index);
  const right = expected.filter(({ caller }) => caller !== own);
  await checkLog(given, { env, now: Date.now }, right, given.join(" "));
}

async function checkLog(
  given: readonly string[],
  parts: Parameters<typeof runLog>[1],
  expected: readonly AuditEvent[],
  message: string,
): Promise<void> {
  const { out } = await runLog([...LOG_FLAGS, ...given], parts);
  assert.equal(out, linesOf(expected), message);
}

function linesOf(events: readonly AuditEvent[]): string {
  return events.map((event) => `${jsonOf(event)}\n`).join("");
}
