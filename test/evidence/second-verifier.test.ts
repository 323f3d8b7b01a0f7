import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { verifyCommand } from "../../src/cli/verify.ts";
import { canonicalJson } from "../../src/event/canonical.ts";
import { encodeRow } from "../../src/event/encode.ts";
import { answered } from "../../src/event/outcomes.ts";
import { systemFacts } from "../../src/event/system.ts";
import { originOf, writeCheckpoint } from "../../src/evidence/checkpoint.ts";
import { parseKeyChain } from "../../src/evidence/key-chain.ts";
import { SigningKey } from "../../src/journal/signing-key.ts";
import { bundleOf, proofOf } from "../../src/places/make-proof.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { runCommand } from "../cli/written.ts";
import { START_MS } from "../support/events.ts";
import { memoryFolder } from "../support/temp.ts";
import { SealedLog } from "./sealed-log.ts";

const program = fileURLToPath(new URL("./verify.py", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const folder = memoryFolder();
const RANDOM_EDITS = 24;

/** A bundle with everything in it: two checkpoints, events about retention, of which one takes the place of two, a tail; and a proof out of it. */
async function made() {
  const log = new SealedLog();
  log.record(298);
  const facts = { node: log.nodeId, from_seq: 5, to_seq: 9, because: "age", inference: 5 };
  const tail = { node: log.nodeId, from_seq: 313, to_seq: 313, because: "age", inference: 1 };
  const [one, few] = [299, 300].map((seq) => ({ [`after_${log.nodeId}`]: seq }));
  const more = { node: log.nodeId, from_seq: 20, to_seq: 29, because: "age", mcp: 9, ...one };
  const last = { node: log.nodeId, from_seq: 5, to_seq: 9, because: "age", inference: 1, gone: 4, ...few };
  log.journal.commit([
    ["finish", encodeRow(systemFacts("pruned", facts, START_MS), answered(null), { count: 0 })],
    ["finish", encodeRow(systemFacts("pruned", more, START_MS), answered(null), { count: 0 })],
    ["finish", encodeRow(systemFacts("pruned", last, START_MS), answered(null), { count: 0 })],
    ["finish", encodeRow(systemFacts("pruned", tail, START_MS), answered(null), { count: 0 })],
  ]);
  log.seal();
  await log.ship();
  log.record(10);
  log.seal(START_MS + 3_600_000);
  log.record(2);
  await log.ship();
  const store = await openStore(log.store, "read");
  const lines: string[] = [];
  for await (const line of bundleOf(store, START_MS)) lines.push(line.trimEnd());
  const { events } = await store.scan(null, 1);
  const proof = await proofOf(store, String(events[0]?.row[0]));
  await store.close();
  return { log, lines, proof };
}

async function judged(
  second: ReturnType<typeof startSecond>,
  name: string,
  text: string,
  anchors = "",
  key = "",
): Promise<[ours: number, theirs: number]> {
  const path = join(folder, name);
  writeFileSync(path, text);
  writeFileSync(`${path}.anchors`, anchors);
  const parts = { env: {}, cwd: folder, homedir: folder, now: () => START_MS };
  const flags = ["--anchor", `${path}.anchors`, ...(key === "" ? [] : ["--key", key])];
  const [ours, theirs] = await Promise.all([
    runCommand((screens) => verifyCommand({ ...parts, ...screens }), [path, ...flags]),
    second(path, `${path}.anchors`, ...(key === "" ? [] : [key])),
  ]);
  return [Number(ours.code), theirs];
}

/** The second verifier, one process for all cases. What it cannot answer ends it. */
function startSecond(t: TestContext) {
  const child = spawn("python3", [program, "-"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill());
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (...args: readonly string[]): Promise<number> => {
    child.stdin.write(`${JSON.stringify(args)}\n`);
    const { value, done } = await answers.next();
    assert.ok(!done, `the second verifier ended at ${args}`);
    return Number(value);
  };
}

interface Group {
  readonly salt: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an erasure leaves of a group. */
function erasedGroup({ salt, fields }: Group) {
  const text = canonicalJson(fields);
  return { hash: createHash("sha256").update(Buffer.from(salt, "hex")).update(text).digest("hex") };
}

const options = { skip: hasPython ? false : "needs python3" };

test(
  "two verifiers, one of them written from the documentation alone, agree on every case",
  options,
  async (t) => {
    const second = startSecond(t);
    const { log, lines, proof } = await made();
    const isEvent = (line: string, seq: number) =>
      line.includes(`"seq":${seq},`) && line.startsWith('{"event"');
    const without = (...seqs: number[]) => lines.filter((line) => !seqs.some((seq) => isEvent(line, seq)));
    const withErased = (...seqs: number[]) =>
      lines.map((line) => {
        if (!seqs.some((seq) => isEvent(line, seq))) return line;
        const { event } = JSON.parse(line) as { event: { p1: Group; p2: Group } };
        return JSON.stringify({ event: { ...event, p1: erasedGroup(event.p1), p2: erasedGroup(event.p2) } });
      });
    const anchor = (size: number, root: string, node = log.nodeId) =>
      JSON.stringify({ format: "daybook-anchor/1", at: 1, logs: [{ node_id: node, size, root }] });
    const { root } = log.journal;
    const size = Number.MAX_SAFE_INTEGER;
    const text = writeCheckpoint({ origin: originOf(log.nodeId), size, root: new Uint8Array(32), at: null });
    const huge = `"checkpoints":[${JSON.stringify(new SigningKey(log.slotFolder, log.nodeId).sign(text))},`;
    const key = parseKeyChain(proof.keys)?.keys[0] ?? "";
    const otherKey = parseKeyChain((await made()).proof.keys)?.keys[0] ?? "";
    const cases: [name: string, code: number, lines: readonly string[], anchors?: string, key?: string][] = [
      ["as it is", 12, lines],
      ["without the tail", 30, without(313, 314)],
      ["without an event of the tail that retention named", 12, without(313)],
      ["without another of the tail", 30, without(314)],
      ["pruned", 12, without(5, 6, 7, 8, 9)],
      ["pruned and one more", 30, without(5, 6, 10)],
      ["all that retention may have removed", 12, without(5, 6, 7, 8, 9, 20)],
      ["one more than that, though it was named", 30, without(5, 6, 7, 8, 9, 20, 21)],
      ["erased", 12, withErased(20, 40)],
      [
        "erased and pruned",
        12,
        withErased(20, 40).filter((line) => ![5, 6, 7].some((seq) => isEvent(line, seq))),
      ],
      [
        "erased, with another commitment",
        31,
        withErased(20).map((line) => line.replace(/"hash":"../, '"hash":"00')),
      ],
      [
        "an event changed",
        31,
        lines.map((line) => (isEvent(line, 20) ? line.replace('"count":', '"count":1') : line)),
      ],
      ["an event twice", 31, [...lines, ...lines.filter((line) => isEvent(line, 3))]],
      ["an event of the tail twice", 31, [...lines, ...lines.filter((line) => isEvent(line, 314))]],
      [
        "a tail event changed",
        31,
        lines.map((line) => (isEvent(line, 314) ? line.replace('"count":', '"count":1') : line)),
      ],
      ["no tiles", 30, lines.filter((line) => !line.startsWith('{"tile"'))],
      ["no keys", 21, lines.map((line) => line.replace(/"keys":"(?:[^"\\]|\\.)*"/, '"keys":null'))],
      [
        "no checkpoints",
        20,
        lines.map((line) => line.replace(/"checkpoints":\[[^\]]*\]/, '"checkpoints":[]')),
      ],
      ["a checkpoint changed", 31, lines.map((line) => line.replace("\\n302\\n", "\\n300\\n"))],
      [
        "a checkpoint of more than there ever was",
        30,
        lines.map((line) => line.replace('"checkpoints":[', huge)),
      ],
      [
        "the same, and an event twice beyond the tiles",
        31,
        [...lines, ...lines.filter((line) => isEvent(line, 305))].map((line) =>
          line.replace('"checkpoints":[', huge),
        ),
      ],
      ["a line that is nothing", 31, [...lines, "{]"]],
      ["anchored beyond", 32, lines, anchor(5000, root)],
      ["anchored otherwise", 32, lines, anchor(301, "0".repeat(64))],
      ["another log anchored", 32, lines, anchor(1, root, "00000000000000ff")],
      ["its key known", 12, lines, "", key],
      ["another key known", 21, lines, "", otherKey],
    ];
    for (const [name, code, changed, anchors = "", known = ""] of cases) {
      const text = `${changed.join("\n")}\n`;
      assert.deepEqual(await judged(second, "bundle.jsonl", text, anchors, known), [code, code], name);
    }
    for (const [name, code, changed] of [
      ["a proof", 0, proof],
      [
        "a proof of another event",
        31,
        { ...proof, event: { ...proof.event, public: { ...proof.event.public, seq: 2 } } },
      ],
      ["a proof without its path", 31, { ...proof, path: [] }],
      ["a proof without keys", 21, { ...proof, keys: "{}" }],
    ] as const)
      assert.deepEqual(await judged(second, "proof.json", JSON.stringify(changed)), [code, code], name);
    assert.equal(
      spawnSync("python3", [program, join(folder, "proof.json")]).status,
      21,
      "the last one, alone",
    );
  },
);

test("they agree on bundles with any one character changed", options, async (t) => {
  const second = startSecond(t);
  const { lines } = await made();
  const text = `${lines.join("\n")}\n`;
  for (let n = 0; n < RANDOM_EDITS; n++) {
    // Spread over the text: a third on logs and tiles at its head, the others on events.
    const at = Math.floor(((n * 0.618034) % 1) * (n % 3 === 0 ? 30_000 : text.length));
    const edited = text.slice(0, at) + (text[at] === "7" ? "8" : "7") + text.slice(at + 1);
    const [ours, theirs] = await judged(second, "edited.jsonl", edited);
    assert.equal(ours, theirs, `character ${at}: ${text.slice(at - 20, at + 20)}`);
  }
});
