// Who may import whom. biome.json says the same where it can; this test says it all.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** Room → the rooms it may import. `stores` stands for stores/store.ts and open-store.ts, `drivers` for the rest. */
const MAY: Record<string, readonly string[]> = {
  event: [],
  threads: [],
  query: ["event"],
  client: ["event", "query"],
  protocols: ["event"],
  evidence: ["event"],
  journal: ["event", "evidence", "threads"],
  recorder: ["event", "journal"],
  stores: ["event", "query", "drivers"],
  drivers: ["event", "query", "evidence", "stores"],
  delivery: ["event", "journal", "recorder", "stores", "threads"],
  node: ["event", "journal", "recorder", "stores", "delivery"],
  library: ["event", "protocols", "recorder", "node", "gateway"],
  providers: ["event"],
  limits: ["event"],
  policy: ["event", "query"],
  control: ["event", "policy", "providers", "limits"],
  gateway: ["event", "protocols", "providers", "recorder"],
  read: ["event", "query", "stores", "threads"],
  places: ["event", "evidence", "journal", "stores"],
  api: ["event", "policy", "query", "protocols", "providers", "limits", "read", "stores", "control"],
  config: ["event", "policy", "providers", "limits"],
  simulator: ["event", "protocols"],
  cli: [
    "event",
    "client",
    "query",
    "evidence",
    "config",
    "read",
    "stores",
    "simulator",
    "server",
    "journal",
    "protocols",
    "providers",
    "limits",
    "node",
    "library",
    "places",
    "cli",
  ],
  server: [
    "event",
    "query",
    "api",
    "config",
    "control",
    "policy",
    "delivery",
    "evidence",
    "gateway",
    "journal",
    "limits",
    "node",
    "places",
    "providers",
    "read",
    "recorder",
    "simulator",
    "stores",
  ],
};

const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts"));

function roomOf(file: string): string {
  const [room = "", second = ""] = file.split("/");
  return room === "stores" && !second.endsWith(".ts") ? "drivers" : room;
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly lazy: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), "utf8");
  const found = [...text.matchAll(/(?:from\s+|import\s*(\()?\s*)"([^"]+)"/g)];
  return found.map(([, call, to = ""]) => ({
    from: file,
    to: to.startsWith(".") ? relative(src, join(src, dirname(file), to)) : to,
    lazy: call !== undefined,
  }));
}

const imports = files.flatMap(importsOf);
const within = imports.filter(({ to }) => !/^[@a-z]/.test(to) || files.includes(to));

test("every room imports only what it may", () => {
  const wrong = within.filter(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    return room !== other && !(MAY[room] ?? []).includes(other);
  });
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} → ${to}`),
    [],
  );
  assert.ok(within.length > 100, "the imports were found");
});

test("every relative import names a file, with its ending", () => {
  assert.deepEqual(
    within.filter(({ to }) => !files.includes(to)),
    [],
  );
});

test("drivers are loaded by open-store.ts alone, and only when asked for", () => {
  const loaders = within.filter(({ from, to }) => roomOf(to) === "drivers" && roomOf(from) !== "drivers");
  assert.ok(loaders.length > 0);
  for (const { from, lazy } of loaders) assert.deepEqual([from, lazy], ["stores/open-store.ts", true]);
});

test("pure rooms do no I/O", () => {
  const io = /^node:(fs|net|http|https|child_process|worker_threads|sqlite|os|process|timers)/;
  const wrong = imports.filter(
    ({ from, to }) =>
      ["event", "query", "client", "protocols", "providers", "evidence"].includes(roomOf(from)) &&
      io.test(to),
  );
  assert.deepEqual(wrong, []);
});

test("the client needs nothing of Node, so that it runs in a browser", () => {
  const reached = new Set(["client/client.ts"]);
  for (const file of reached) for (const { from, to } of within) if (from === file) reached.add(to);
  assert.ok(reached.size > 10);
  assert.deepEqual(
    imports.filter(({ from, to }) => reached.has(from) && to.startsWith("node:")),
    [],
  );
});

test("the verifier needs nothing of Node, so that it runs in a browser", () => {
  const reached = new Set([
    "evidence/verify.ts",
    "evidence/proof-file.ts",
    "evidence/bundle.ts",
    "evidence/sha256.ts",
  ]);
  for (const file of reached) for (const { from, to } of within) if (from === file) reached.add(to);
  assert.ok(reached.size > 10);
  assert.deepEqual(
    imports.filter(
      ({ from, to }) => reached.has(from) && /^(?:node:|[@a-z])/.test(to) && !files.includes(to),
    ),
    [],
  );
});

test("queries need nothing of Node, so that the dashboard speaks them in a browser", () => {
  const reached = new Set(files.filter((file) => roomOf(file) === "query"));
  for (const file of reached) for (const { from, to } of within) if (from === file) reached.add(to);
  assert.ok(reached.size > 12);
  assert.deepEqual(
    imports.filter(({ from, to }) => reached.has(from) && to.startsWith("node:")),
    [],
  );
  for (const file of reached)
    assert.doesNotMatch(readFileSync(join(src, file), "utf8"), /\b(?:Buffer|process)\./, file);
});

test("process.env is read in one place", () => {
  const readers = files.filter((file) =>
    /process\.env\b/.test(readFileSync(join(src, file), "utf8").replace(/^\s*(\/\/|\*).*$/gm, "")),
  );
  assert.deepEqual(readers, ["config/environment.ts"]);
});
