// Writes the golden files under test/fixtures/ anew. Run it only for a new format version, and keep the old ones:
// a change in what it writes is a change of what auditors can verify.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeRow } from "../src/event/encode.ts";
import { COLUMN, eventOf, type Facts, type Row } from "../src/event/fields.ts";
import { leafText } from "../src/event/leaf.ts";
import { answered, failed, failedAsSent, type Outcome } from "../src/event/outcomes.ts";
import { leafHash } from "../src/evidence/merkle.ts";
import type { JournalEntry } from "../src/journal/entries.ts";
import { realFiles } from "../src/journal/files.ts";
import { Journal } from "../src/journal/journal.ts";

const fixtures = fileURLToPath(new URL("../test/fixtures/", import.meta.url));
const NODE = "00112233445566aa";
const T0 = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const id = (n: number) => `019b7d2e-0000-7000-8000-${String(n).padStart(12, "0")}`;
const base = (n: number): Facts => ({
  eventId: id(n),
  kind: "inference",
  action: "chat",
  count: 1,
  timestamp: T0 + n,
  requestId: `req_${n}`,
  policyDecision: "n/a",
});

const cases: [name: string, Facts, Outcome][] = [
  ["least that an event can be", base(1), answered(null)],
  [
    "a chat with usage",
    {
      ...base(2),
      model: "demo",
      upstreamModel: "demo",
      provider: "demo",
      backendType: "simulated",
      streaming: true,
      promptTokens: 374,
      completionTokens: 44,
      totalTokens: 418,
      durationMs: 17,
      userId: "ada",
      clientIp: "127.0.0.1",
    },
    answered(200),
  ],
  [
    "a provider's error with a fallback",
    {
      ...base(3),
      attempts: [
        { provider: "one", code: 503, ms: 4 },
        { provider: "two", code: 429, ms: 9 },
      ],
    },
    failedAsSent("provider_error", 429, "rate_limit_error"),
  ],
  [
    "a tool call with redacted arguments",
    {
      ...base(4),
      kind: "mcp",
      action: "tool",
      name: "files.read",
      inputJson: { path: "a.txt", token: "[REDACTED]" },
      redactions: 1,
      truncated: false,
    },
    failed("policy_denied"),
  ],
  [
    "odd Unicode and bounds",
    {
      ...base(5),
      userId: "Zoë 😀 ‮x",
      metadata: { é: true, "€": 1, "\u{1f600}": "דּ" },
      costMicros: Number.MAX_SAFE_INTEGER,
      cachedTokens: 0,
      tokensEstimated: false,
    },
    failed("client_disconnected"),
  ],
  [
    "an admin change",
    {
      ...base(6),
      kind: "admin",
      action: "api_key_created",
      entityType: "api_key",
      entityId: "key_1",
      newValues: { name: "ci", secret_stored: true },
      justification: "new service",
    },
    answered(null),
  ],
];

mkdirSync(`${fixtures}leaves`, { recursive: true });
const leaves = cases.map(([name, facts, outcome], index) => {
  const row = encodeRow(facts, outcome, { count: 0 });
  row[COLUMN.node_id] = NODE;
  row[COLUMN.seq] = index + 1;
  row[COLUMN.schema_version] = 1;
  row[COLUMN.recorded_at] = T0 + 1000 + index;
  const [p1, p2] = [Buffer.alloc(16, index + 1), Buffer.alloc(16, 255 - index)];
  const leaf = leafText(row, p1, p2);
  const event = Object.fromEntries(Object.entries(eventOf(row)).filter(([, value]) => value !== null));
  return {
    name,
    p1_salt: p1.toString("hex"),
    p2_salt: p2.toString("hex"),
    event,
    leaf,
    leaf_hash: leafHash(leaf).toString("hex"),
  };
});
writeFileSync(`${fixtures}leaves/leaves.json`, `${JSON.stringify(leaves, null, 2)}\n`);

const folder = mkdtempSync(join(tmpdir(), "daybook-golden-"));
let tick = 0;
const journal = Journal.open({
  files: realFiles,
  folder,
  nodeId: NODE,
  now: () => T0 + tick++,
  random: (bytes) => Buffer.alloc(bytes, tick),
});
const finish = (n: number): JournalEntry => ["finish", encodeRow(base(n), answered(200), { count: 0 })];
const begin = (n: number): JournalEntry => ["begin", encodeRow(base(n), null, { count: 0 }) as Row];
journal.commit([begin(1)]);
journal.commit([finish(1), begin(2)]);
journal.commit([
  finish(3),
  [
    "finish",
    encodeRow({ ...base(4), kind: "admin", action: "api_key_created" }, answered(null), { count: 0 }),
    { outboxId: 7 },
  ],
  begin(5),
]);
const [name = ""] = readdirSync(folder);
const whole = readFileSync(join(folder, name));
mkdirSync(`${fixtures}segments`, { recursive: true });
writeFileSync(`${fixtures}segments/whole.journal`, whole);
writeFileSync(`${fixtures}segments/torn.journal`, whole.subarray(0, whole.length - 100));
const corrupt = Buffer.from(whole);
const middle = Math.floor(whole.length * 0.6);
corrupt[middle] = (corrupt[middle] ?? 0) ^ 1;
writeFileSync(`${fixtures}segments/corrupt.journal`, corrupt);
rmSync(folder, { recursive: true });
